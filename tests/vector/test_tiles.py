"""Vector tiles: the header by the specification of PMTiles 3, the features by GDAL."""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

from geolabel import vector
from geolabel.errors import EmptyError
from geolabel.vector import Layer

BOXES = shapely.box(
    500_000 + 700 * np.arange(4), 9e6, 500_000 + 700 * np.arange(4) + np.array([30, 60, 90, 400]), 9e6 + 60
)
LAYER = Layer(
    "alerts",
    BOXES,
    {
        "class": np.array(["forest", "mine", None, "forest"], dtype=object),
        "color": np.array(["#1b7837", "#f28c1e", "#000000", "#1b7837"], dtype=object),
        "date_first": np.array(["2020-02-29", "NaT", "1985-07-01", "2020-02-29"], dtype="datetime64[D]"),
        "nbr_drop": np.array([0.5, np.nan, 0.25, 0.125]),
        "area_ha": np.array([0.18, 0.36, 0.54, 2.4]),
    },
    "EPSG:32721",
    attribution=("© somebody", "other"),
)


def header(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    names = (
        "root root_length metadata metadata_length leaves leaves_length tiles tiles_length addressed entries contents"
    )
    numbers = dict(zip(names.split(), struct.unpack_from("<11Q", content, 8), strict=True))
    _, inner, outer, kind, lowest, highest = struct.unpack_from("<6B", content, 96)
    corners = struct.unpack_from("<4i", content, 102)
    start = numbers["metadata"]
    return {
        **numbers,
        "magic": content[:8],
        "compression": (inner, outer),
        "kind": kind,
        "zooms": (lowest, highest),
        "bounds": [corner / 1e7 for corner in corners],
        "told": json.loads(gzip.decompress(content[start : start + numbers["metadata_length"]])),
        "size": len(content),
    }


def test_the_header_by_the_specification(tmp_path: Path) -> None:
    path = tmp_path / "a.pmtiles"
    vector.write_layer(path, LAYER, "PMTiles")
    found = header(path)
    assert found["magic"] == b"PMTiles\x03"
    assert found["compression"] == (2, 2), "gzip"
    assert found["kind"] == 1, "vector tiles"
    assert found["root"] == 127
    ends = [found[name] + found[f"{name}_length"] for name in ("root", "metadata", "leaves", "tiles")]
    assert ends[0] <= found["metadata"]
    assert ends[1] <= found["leaves"] <= found["tiles"]
    assert ends[3] == found["size"]
    np.testing.assert_allclose(found["bounds"], shapely.total_bounds(vector.to_wgs84(BOXES, LAYER.crs)), atol=1e-5)
    lowest, highest = found["zooms"]
    assert 10 <= lowest <= highest, "2.5 km are about a tile"
    assert 40_075_017 / 2**highest / 4096 < 30 / 4, "a tile's unit is fine enough for the smallest side"
    assert found["told"]["attribution"] == "© somebody; other"
    (one,) = found["told"]["vector_layers"]
    assert one["id"] == "alerts"
    assert set(LAYER.columns) <= set(one["fields"])


def test_features_at_the_highest_zoom(tmp_path: Path) -> None:
    """All are there, with what is known of them, as large as they were and in their place."""
    path = tmp_path / "a.pmtiles"
    vector.write_layer(path, LAYER, "PMTiles")
    frame = pyogrio.read_dataframe(path, ZOOM_LEVEL=str(header(path)["zooms"][1])).to_crs(LAYER.crs)
    whole = frame.dissolve("area_ha", dropna=False).reset_index().sort_values("area_ha")
    assert whole["area_ha"].tolist() == LAYER.columns["area_ha"].tolist()
    assert whole["color"].tolist() == LAYER.columns["color"].tolist()
    assert whole["date_first"].fillna("").tolist() == ["2020-02-29", "", "1985-07-01", "2020-02-29"]
    assert whole["class"].fillna("").tolist() == ["forest", "mine", "", "forest"]
    np.testing.assert_allclose(whole["nbr_drop"], LAYER.columns["nbr_drop"])
    overlap = shapely.area(shapely.intersection(np.asarray(whole.geometry), BOXES))
    union = shapely.area(shapely.union(np.asarray(whole.geometry), BOXES))
    assert (overlap / union).min() > 0.9


def test_over_the_antimeridian(tmp_path: Path) -> None:
    path = tmp_path / "a.pmtiles"
    over = Layer("a", np.array([shapely.box(179.9, -17, 180.1, -16.9)]), {"n": np.array([1])}, "EPSG:4326")
    vector.write_layer(path, over, "PMTiles")
    frame = pyogrio.read_dataframe(path, ZOOM_LEVEL=str(header(path)["zooms"][1])).to_crs("EPSG:4326")
    bounds = frame.geometry.bounds
    assert (bounds["maxx"] - bounds["minx"]).max() < 0.2
    assert bounds["minx"].min() == pytest.approx(-180, abs=0.03)
    assert bounds["maxx"].max() == pytest.approx(180, abs=0.03)


def test_without_features_and_without_attribution(tmp_path: Path) -> None:
    nothing = replace(
        LAYER,
        geometries=BOXES[:0],
        columns={name: values[:0] for name, values in LAYER.columns.items()},
        attribution=(),
    )
    with pytest.raises(EmptyError, match=r"a\.pmtiles: there are no features"):
        vector.write_layer(tmp_path / "a.pmtiles", nothing, "PMTiles")
    vector.write_layer(tmp_path / "b.pmtiles", replace(LAYER, attribution=()), "PMTiles")
    assert "attribution" not in header(tmp_path / "b.pmtiles")["told"]
    assert len(geopandas.read_file(tmp_path / "b.pmtiles"))
