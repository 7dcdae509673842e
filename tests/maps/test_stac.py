"""STAC items: by the bundled schema of STAC, and by the words of the extensions."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from geolabel.maps.stac import StacAsset, bbox_of, class_objects, model_asset, model_properties, stac_item
from geolabel.model import BandContract, Head, ModelCard

SQUARE = {"type": "Polygon", "coordinates": [[[10, 20], [11, 20], [11, 21], [10, 21], [10, 20]]]}
ACROSS = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[-180, -17], [-179, -17], [-179, -16], [-180, -16], [-180, -17]]],
        [[[178, -18], [180, -18], [180, -16], [178, -16], [178, -18]]],
    ],
}
CARD = ModelCard(
    architecture="squeezenet-reflect",
    heads=(Head("ground", "sigmoid", ("mine", "open water")),),
    scheme={"name": "amazon", "classes": [{"name": "mine", "title": "Mine", "color": "#f28c1e"}]},
    bands=(BandContract("red", 1, 0, 0.1, 0.05), BandContract("b8a", 1, 0, 0.3, 0.1)),
    dtype="uint16",
    gsd_m=10.0,
    tile_px=(48, 32),
    presence={},
    thresholds={"mine": 0.5, "open water": 0.4},
)
MAP = StacAsset(
    "./classes.tif",
    "Classes",
    "image/tiff; application=geotiff; profile=cloud-optimized",
    ("data",),
    {
        "proj:code": "EPSG:32721",
        "proj:shape": [100, 200],
        "proj:transform": [10.0, 0.0, 5e5, 0.0, -10.0, 9e6],
        "bands": [
            {
                "name": "class",
                "data_type": "uint8",
                "nodata": 255,
                "classification:classes": class_objects({1: ("Mine & pit", "#f28c1e"), 0: ("none", "")}),
            }
        ],
    },
)


def whole_item() -> dict:
    return stac_item(
        "region.geolabel",
        SQUARE,
        title="Detections of region",
        assets={"classes": MAP, "model": model_asset(CARD, "model.safetensors")},
        dates=(date(1985, 7, 1), date(2020, 2, 29)),
        gsd_m=10.0,
        properties=model_properties(CARD),
        sources=["https://example.com/scene.tif"],
        attribution=["© a", "© b"],
        licence="CC-BY-4.0",
    )


def test_by_the_schema_of_stac():
    """pystac carries the schemas of the core; those of extensions are on the web: their words are checked below."""
    pystac = pytest.importorskip("pystac", reason="pip install 'pystac[validation]'")
    pytest.importorskip("jsonschema", reason="pip install 'pystac[validation]'")
    from pystac.validation import JsonSchemaSTACValidator

    items = [whole_item(), stac_item("x", ACROSS, title="x", assets={"classes": MAP})]
    for value in items:
        core = {**value, "stac_extensions": []}
        JsonSchemaSTACValidator().validate(core, pystac.STACObjectType.ITEM, "1.1.0", [], None)
        item = pystac.Item.from_dict(json.loads(json.dumps(value)), migrate=False)
        assert item.id == value["id"]
    broken = {**whole_item(), "stac_extensions": []}
    del broken["properties"]["datetime"]
    with pytest.raises(pystac.errors.STACValidationError):
        JsonSchemaSTACValidator().validate(broken, pystac.STACObjectType.ITEM, "1.1.0", [], None)


def test_by_the_words_of_the_item_specification():
    item = whole_item()
    assert item["type"] == "Feature"
    assert item["stac_version"] == "1.1.0"
    assert {"id", "geometry", "bbox", "properties", "links", "assets", "stac_extensions"} <= item.keys()
    told = item["properties"]
    assert told["datetime"] is None
    assert told["start_datetime"] == "1985-07-01T00:00:00Z"
    assert told["end_datetime"] == "2020-02-29T23:59:59Z"
    assert told["license"] == "CC-BY-4.0"
    assert told["attribution"] == "© a; © b"
    assert item["links"] == [{"rel": "derived_from", "href": "https://example.com/scene.tif"}]
    extensions = {re.search(r"io/([a-z]+/v[0-9.]+)/", url)[1] for url in item["stac_extensions"]}
    assert extensions == {"projection/v2.0.0", "classification/v2.0.0", "eo/v1.1.0", "mlm/v1.4.0"}


def test_an_item_says_only_what_is_known():
    item = stac_item("x", SQUARE, title="x", assets={}, licence="ask the author first")
    assert item["stac_extensions"] == []
    assert item["properties"]["license"] == "other"
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"] < "1960"
    assert "gsd" not in item["properties"]
    assert "attribution" not in item["properties"]


def test_classes_by_the_words_of_the_extension():
    (none, mine) = MAP.facts["bands"][0]["classification:classes"]
    assert none == {"value": 0, "name": "none", "title": "none"}
    assert mine == {"value": 1, "name": "Mine-pit", "title": "Mine & pit", "color_hint": "F28C1E"}
    (odd,) = class_objects({7: ("森林", "#00aa00")})
    assert odd["name"] == "class-7"
    assert re.fullmatch("[0-9A-Za-z_-]+", odd["name"])


def test_the_model_by_the_words_of_the_extension():
    """What mlm 1.4 asks for: names, shapes, and bands of the input that the model's asset describes."""
    told = model_properties(CARD)
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]", told["mlm:name"])
    assert {"mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"} <= told.keys()
    (given,) = told["mlm:input"]
    assert given["bands"] == ["red", "b8a"]
    assert given["input"]["shape"] == [-1, 2, 32, 48]
    assert len(given["input"]["shape"]) == len(given["input"]["dim_order"])
    assert given["value_scaling"][1] == {"type": "z-score", "mean": 0.3, "stddev": 0.1}
    (found,) = told["mlm:output"]
    assert found["result"]["shape"] == [-1, 2]
    assert [entry["name"] for entry in found["classification:classes"]] == ["Mine", "open-water"]
    asset = model_asset(CARD, "model.safetensors").to_json()
    assert "mlm:model" in asset["roles"]
    assert asset["mlm:artifact_type"]
    assert [band["name"] for band in asset["eo:bands"]] == given["bands"]
    assert [band.get("common_name") for band in asset["eo:bands"]] == ["red", None]


def test_the_box_of_a_map_over_the_antimeridian():
    assert bbox_of(SQUARE) == [10, 20, 11, 21]
    assert bbox_of(ACROSS) == [178, -18, -179, -16]
