"""Detections and alerts in every format, and the STAC item of their folder."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import get_args

import geopandas
import pytest

from geolabel import maps
from geolabel.errors import InputError, OptionError, OutputError
from geolabel.steps.export import Target, export
from geolabel.steps.formats import ENDINGS
from geolabel.steps.stac import write_item
from tests.maps.test_stac import CARD
from tests.steps.export_folders import STYLES, WORDS, alerts, prediction

FILES = sorted(ENDINGS)


def read(path: Path) -> geopandas.GeoDataFrame:
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    return geopandas.read_file(path, layer=0)


def test_every_target_is_a_file_or_named_here():
    assert {*ENDINGS, "postgis", "qgis", "stac"} == set(get_args(Target))


@pytest.mark.parametrize("to", FILES)
@pytest.mark.parametrize("make", [prediction, alerts])
@pytest.mark.parametrize("alone", [False, True])
def test_folders_and_geopackages_in_every_format(tmp_path: Path, to, make, alone: bool):
    folder = make(tmp_path / "region.made")
    name = "detections" if make is prediction else "alerts"
    report = export(folder / f"{name}.gpkg" if alone else folder, to=to, min_area_ha=0.75)
    target = tmp_path / f"region-{name}{ENDINGS[to]}"
    assert report.output == str(target)
    assert (report.features, report.dropped) == (2, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, target.name])
    frame = read(target).drop_duplicates("area_ha")
    assert sorted(frame["area_ha"]) == [1.0, 2.0]
    assert sorted(frame["color"]) == ["#1b7837", "#f28c1e"]
    if make is alerts:
        assert sorted(str(day)[:10] for day in frame["date_first"]) == ["2020-08-01", "2021-07-01"]
        assert frame["nbr_drop"].isna().all() if "nbr_drop" in frame else to == "pmtiles"
    if to != "pmtiles":
        assert WORDS.encode() in target.read_bytes()


def test_a_geopackage_keeps_the_style_it_had(tmp_path: Path):
    folder = alerts(tmp_path / "region.alerts")
    export(folder, to="gpkg", output=tmp_path / "out.gpkg")
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as database:
        found = database.execute("SELECT f_table_name, styleQML, useAsDefault FROM layer_styles").fetchall()
    assert found == [("alerts", maps.vector_qml(STYLES, "title"), 1)]


def test_a_geopackage_without_a_style_gets_one(tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    with closing(sqlite3.connect(folder / "detections.gpkg")) as database, database:
        database.execute("DROP TABLE layer_styles")
        database.execute("DELETE FROM gpkg_contents WHERE table_name = 'layer_styles'")
    export(folder, to="gpkg", output=tmp_path / "out.gpkg")
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as database:
        ((qml,),) = database.execute("SELECT styleQML FROM layer_styles").fetchall()
    assert "Forest loss" in qml
    assert 'attr="class"' in qml


def test_a_folder_for_qgis(tmp_path: Path):
    report = export(alerts(tmp_path / "region.alerts"), to="qgis", min_area_ha=0.75)
    folder = tmp_path / "region-alerts"
    assert report.output == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["alerts.gpkg", "project.qgz", "run.json"]
    with zipfile.ZipFile(folder / "project.qgz") as archive:
        project = archive.read("project.qgs").decode()
    assert "alerts.gpkg|layername=alerts" in project
    assert str(tmp_path) not in project
    assert WORDS.replace("'", "&apos;") in project or WORDS in project
    with pytest.raises(OutputError, match="exists already"):
        export(tmp_path / "region.alerts", to="qgis")
    first = (folder / "project.qgz").read_bytes()
    export(tmp_path / "region.alerts", to="qgis", min_area_ha=0.75, overwrite=True)
    assert (folder / "project.qgz").read_bytes() == first


def test_the_item_of_a_prediction(tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    report = write_item(folder, card=CARD, sources=["b_2020-08-02.tif", "s3://images/c.tif#here"])
    item = json.loads(report.output.read_text(encoding="utf-8"))
    assert report.output == folder / "item.json"
    assert item["id"] == "region.geolabel"
    assert item["properties"]["start_datetime"] == "2020-07-31T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2020-08-02T23:59:59Z"
    assert item["properties"]["attribution"] == WORDS
    addresses = ["s3://images/c.tif", "https://example.com/S2_20200731T142741.tif"]
    assert item["links"] == [{"rel": "derived_from", "href": address} for address in addresses]
    assert "s3cret" not in report.output.read_text() and "t0ken" not in report.output.read_text()  # noqa: PT018
    for key, asset in item["assets"].items():
        assert key == "model" or (folder / asset["href"]).is_file()
    classes, probabilities = item["assets"]["classes"], item["assets"]["probabilities"]
    assert classes["proj:code"] == "EPSG:32721"
    assert classes["proj:shape"] == [40, 60]
    assert classes["proj:transform"] == [10, 0, 700_000, 0, -10, 9_000_000]
    ((band,), (scaled,)) = classes["bands"], probabilities["bands"]
    told = [(entry["value"], entry["title"], entry.get("color_hint")) for entry in band["classification:classes"]]
    assert told[1:] == [(1, "Forest loss", "1B7837"), (2, "Mine", "F28C1E")]
    assert (scaled["name"], scaled["raster:scale"], scaled["nodata"]) == ("mine", 0.004, 255)
    assert item["assets"]["model"]["href"] == "mines-2019-01-01.safetensors"
    west, south, east, north = item["bbox"]
    assert west < east
    assert south < north < 0
    seen = read(folder / "detections.gpkg").to_crs("EPSG:4326").total_bounds
    assert (west, north) == pytest.approx((seen[0], seen[3]), abs=1e-4)


def test_the_item_of_alerts(tmp_path: Path):
    folder = alerts(tmp_path / "region.alerts")
    report = export(folder, to="stac")
    item = json.loads((folder / "item.json").read_text(encoding="utf-8"))
    assert item["properties"]["start_datetime"] == "2019-07-01T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2021-07-01T23:59:59Z"
    assert "mlm:name" not in item["properties"]
    assert set(report.assets) == {"alerts-gpkg", "confidence", "loss", "run-json"}
    (folder / "run.json").write_text('{"command": "change", "inputs": {}}', encoding="utf-8")
    export(folder, to="stac", overwrite=True)
    again = json.loads((folder / "item.json").read_text(encoding="utf-8"))
    assert again["properties"]["start_datetime"] == "2020-02-29T00:00:00Z", "as the alerts say"
    with pytest.raises(OutputError, match=r"item\.json: exists already"):
        export(folder, to="stac")


def test_an_item_elsewhere_points_to_the_folder_and_keeps_the_model(tmp_path: Path):
    folder = prediction(tmp_path / "made" / "region.geolabel")
    write_item(folder, card=CARD)
    place = tmp_path / "catalogue" / "region.json"
    export(folder, to="stac", output=place)
    item = json.loads(place.read_text(encoding="utf-8"))
    assert item["assets"]["classes"]["href"] == "../made/region.geolabel/classes.tif"
    assert item["properties"]["mlm:name"] == "geolabel amazon squeezenet-reflect"
    assert any("/mlm/" in url for url in item["stac_extensions"])
    assert item["assets"]["model"]["roles"] == ["mlm:model", "mlm:weights"]


def test_items_by_pystac(tmp_path: Path):
    pystac = pytest.importorskip("pystac", reason="pip install 'pystac[validation]'")
    for folder in (prediction(tmp_path / "region.geolabel"), alerts(tmp_path / "region.alerts")):
        item = pystac.Item.from_file(str(write_item(folder, card=CARD).output))
        for asset in item.get_assets(role="data").values():
            assert Path(asset.get_absolute_href()).is_file()
        loss = item.assets["classes" if "classes" in item.assets else "loss"]
        assert loss.ext.proj.code == "EPSG:32721"
        assert loss.ext.proj.shape == [40, 60]


def test_what_cannot_be_exported_is_told_in_one_line(tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text('{"command": "train"}', encoding="utf-8")
    strange = tmp_path / "strange.gpkg"
    read(folder / "detections.gpkg").to_file(strange, layer="places")
    for place, words, error in (
        (other, "geolabel predict or geolabel change", InputError),
        (tmp_path, "geolabel predict or geolabel change", InputError),
        (tmp_path / "none", "no such file", InputError),
    ):
        with pytest.raises(error, match=words):
            export(place, output=tmp_path / "x.gpkg")
    with pytest.raises(InputError, match="no layer named detections or alerts"):
        export(strange, output=tmp_path / "x.gpkg")
    for options, words in (
        ({"to": "shapefile"}, "choose gpkg"),
        ({"to": "gpkg", "table": "a"}, "--table is for --to postgis"),
        ({"to": "gpkg", "output": "postgresql://localhost/maps"}, "--to postgis"),
        ({"to": "postgis"}, "postgresql://user@host/database"),
        ({"to": "postgis", "output": "a.gpkg"}, "postgresql://user@host/database"),
        ({"to": "stac", "min_area_ha": 1.0}, "do nothing"),
        ({"simplify_m": -1.0}, "negative"),
    ):
        with pytest.raises(OptionError, match=words):
            export(folder, **options)
    with pytest.raises(InputError, match="whole folder"):
        export(folder / "detections.gpkg", to="stac")
    with pytest.raises(OutputError, match="is, or holds, the input"):
        export(folder, output=folder / "detections.gpkg", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "region.geolabel", "strange.gpkg"]
