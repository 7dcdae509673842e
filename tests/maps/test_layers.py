"""Layers of detections: a table that can be summed by hand, and a file that says the same."""

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine

from geolabel.grid import Grid
from geolabel.maps import Strip, detections_layer, filter_layer, outline
from geolabel.vector import write_layer

NAMES, TITLES, COLORS = ["forest", "mine"], ["Forest", "Mine & pit"], ["#00AA00", "#aa0000"]
GRID = Grid("EPSG:32721", Affine(100, 0, 500_000, 0, -100, 9_000_000), 4, 3)


def layer_of(presence, probability):
    return detections_layer(outline([Strip(0, presence, probability)], GRID, scale=0.004), GRID, NAMES, TITLES, COLORS)


@pytest.fixture
def layer():
    presence = np.zeros((2, 3, 4), dtype=bool)
    presence[0, :2, :2] = presence[1, 2, 3] = True
    probability = np.zeros((2, 3, 4), dtype=np.uint8)
    probability[0, :2, :2] = [[250, 200], [200, 150]]
    probability[1, 2, 3] = 125
    return layer_of(presence, probability)


def test_columns(layer):
    columns = {name: values.tolist() for name, values in layer.columns.items()}
    areas, perimeters = columns.pop("area_ha"), columns.pop("perimeter_m")
    assert columns == {
        "class": ["forest", "mine"],
        "title": ["Forest", "Mine & pit"],
        "probability": [0.8, 0.5],
        "probability_max": [1.0, 0.5],
        "pixels": [4, 1],
        "color": ["#00aa00", "#aa0000"],
    }
    # UTM draws lengths at its central meridian at 0.9996 of their size.
    assert areas == pytest.approx([4 / 0.9996**2, 1 / 0.9996**2], abs=2e-4)
    assert perimeters == pytest.approx([800 / 0.9996, 400 / 0.9996], abs=0.1)
    assert list(layer.columns)[4:6] == ["area_ha", "perimeter_m"]
    assert layer.columns["pixels"].dtype == np.int64


def test_filter(layer):
    kept = filter_layer(layer, 2.0)
    assert kept.columns["class"].tolist() == ["forest"]
    assert len(kept.geometries) == 1
    assert len(filter_layer(layer, 0).geometries) == 2


def test_written_and_read(layer, tmp_path):
    write_layer(tmp_path / "a.gpkg", layer, "GPKG")
    frame = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="detections")
    assert frame.drop(columns="geometry").to_dict("list") == {n: v.tolist() for n, v in layer.columns.items()}
    assert shapely.equals(np.asarray(frame.geometry), layer.geometries).all()


def test_nothing_is_a_layer_too(tmp_path):
    nothing = np.zeros((2, 3, 4), dtype=bool)
    layer = layer_of(nothing, nothing.astype(np.uint8))
    for driver, name in (
        ("GPKG", "a.gpkg"),
        ("GeoJSON", "a.geojson"),
        ("FlatGeobuf", "a.fgb"),
        ("Parquet", "a.parquet"),
    ):
        write_layer(tmp_path / name, layer, driver)
    assert pyogrio.read_info(tmp_path / "a.gpkg")["features"] == 0
    assert pyogrio.read_info(tmp_path / "a.gpkg")["fields"].tolist() == list(layer.columns)


def test_names_must_match():
    nothing = np.zeros((1, 3, 4), dtype=bool)
    found = outline([Strip(0, nothing, nothing.astype(np.uint8))], GRID)
    with pytest.raises(ValueError, match="2 names, 1 titles"):
        detections_layer(found, GRID, NAMES, TITLES[:1], COLORS)
