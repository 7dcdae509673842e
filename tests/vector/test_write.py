"""Layers written, read back by geopandas, pyarrow and the letter of RFC 7946."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from geolabel import vector
from geolabel.errors import OutputError
from geolabel.vector import Layer

BOXES = np.array([shapely.box(500_000, 0, 500_100, 50), shapely.box(500_200, 100, 500_300, 200)])
COLUMNS = {
    "class": np.array(["mine", "forêt"], dtype=object),
    "area_ha": np.array([0.5, 1.0]),
    "tile": np.array([3, 4], dtype=np.int64),
}
LAYER = Layer("detections", BOXES, COLUMNS, "EPSG:32631")


def ring_is_counter_clockwise(ring: list[list[float]]) -> bool:
    x, y = np.array(ring)[:, :2].T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) > 0


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.fgb", "FlatGeobuf"), ("a.parquet", "Parquet")],
)
def test_every_format_reads_back(tmp_path: Path, name: str, driver) -> None:
    path = tmp_path / name
    vector.write_layer(path, LAYER, driver)
    read = geopandas.read_parquet if driver == "Parquet" else geopandas.read_file
    frame = read(path)
    assert frame.crs == ("EPSG:4326" if driver == "GeoJSON" else "EPSG:32631")
    frame = frame.to_crs("EPSG:32631").sort_values("tile")
    assert frame["class"].tolist() == ["mine", "forêt"]
    assert frame["area_ha"].tolist() == [0.5, 1.0]
    assert frame["tile"].tolist() == [3, 4]
    np.testing.assert_allclose(frame.geometry.area, shapely.area(BOXES), rtol=1e-3)
    assert shapely.hausdorff_distance(frame.geometry.values, BOXES).max() < 0.02


def test_points_and_what_is_said_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    layer = Layer("doubts", shapely.centroid(BOXES), COLUMNS, "EPSG:32631", "Point", "© OpenStreetMap contributors")
    vector.write_layer(path, layer, "GPKG")
    assert geopandas.read_file(path).geometry.geom_equals(geopandas.GeoSeries(layer.geometries, crs=layer.crs)).all()
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT table_name, description FROM gpkg_contents").fetchall()
    assert found == [("doubts", "© OpenStreetMap contributors")]


@pytest.mark.parametrize("driver", ["GPKG", "GeoJSON", "FlatGeobuf", "Parquet"])
def test_a_layer_without_features_is_a_file_with_columns(tmp_path: Path, driver) -> None:
    path = tmp_path / {"GPKG": "a.gpkg", "GeoJSON": "a.geojson", "FlatGeobuf": "a.fgb", "Parquet": "a.parquet"}[driver]
    empty = Layer("alerts", BOXES[:0], {name: values[:0] for name, values in COLUMNS.items()}, "EPSG:32631")
    vector.write_layer(path, empty, driver)
    frame = geopandas.read_parquet(path) if driver == "Parquet" else geopandas.read_file(path)
    assert len(frame) == 0
    if driver != "GeoJSON":
        assert {"class", "area_ha", "tile"} <= set(frame.columns)


def test_geojson_by_the_letter(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    clockwise = shapely.Polygon(
        [(500_000, 0), (500_000, 90), (500_090, 90), (500_090, 0)],
        [[(500_030, 30), (500_060, 30), (500_060, 60), (500_030, 60)]],
    )
    vector.write_geojson(path, Layer("a", np.array([clockwise]), {"n": np.array([1])}, "EPSG:32631"))
    value = json.loads(path.read_text(encoding="utf-8"))
    assert value["type"] == "FeatureCollection"
    assert "crs" not in value
    ((outer, inner),) = value["features"][0]["geometry"]["coordinates"]
    assert ring_is_counter_clockwise(outer)
    assert not ring_is_counter_clockwise(inner)
    assert outer[0] == outer[-1]
    decimals = [len(number.split(".")[1]) for pair in outer for number in map(repr, pair) if "." in number]
    assert max(decimals) <= 7
    assert max(decimals) >= 6, "coordinates are not rounded away"
    assert min(min(pair) for pair in outer) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32601"])
def test_geojson_is_cut_at_the_antimeridian(tmp_path: Path, crs: str) -> None:
    """A square over 180°: two parts, each on its side, none around the world."""
    path = tmp_path / "a.geojson"
    if crs == "EPSG:4326":
        across = shapely.box(179.99, -17, 180.01, -16.98)
    else:
        across = shapely.box(166_021.4 - 1_000, 9_000, 166_021.4 + 1_000, 11_000)
    vector.write_geojson(path, Layer("a", np.array([across]), {"n": np.array([1])}, crs))
    (feature,) = json.loads(path.read_text())["features"]
    found = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert found.geom_type == "MultiPolygon"
    assert len(found.geoms) == 2
    west, east = sorted(found.geoms, key=lambda part: part.bounds[0])
    assert west.bounds[0] == -180
    assert east.bounds[2] == 180
    assert west.bounds[2] < -179.9
    assert east.bounds[0] > 179.9
    assert west.area == pytest.approx(east.area, rel=0.02)


def test_a_geopackage_holds_two_layers_of_two_kinds(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    lines = Layer(
        "lines", np.array([shapely.LineString([(500_000, 0), (500_100, 9)])]), {"n": np.array([1])}, "EPSG:32631",
        "LineString",
    )  # fmt: skip
    vector.write_layer(path, LAYER, "GPKG")
    vector.write_layer(path, lines, "GPKG")
    layers = geopandas.list_layers(path)
    assert dict(zip(layers["name"], layers["geometry_type"], strict=True)) == {
        "detections": "MultiPolygon",
        "lines": "LineString",
    }
    assert len(geopandas.read_file(path, layer="detections")) == 2
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)
    database.close()


def test_geoparquet_says_where_its_rows_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    vector.write_layer(path, LAYER, "Parquet")
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["encoding"] == "WKB"
    assert column["geometry_types"] == ["Polygon"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 32631}
    assert column["covering"]["bbox"] == {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}
    boxes = pq.read_table(path)["bbox"].to_pylist()
    np.testing.assert_allclose(
        [[box[e] for e in ("xmin", "ymin", "xmax", "ymax")] for box in boxes], shapely.bounds(BOXES)
    )


@pytest.mark.parametrize(("name", "driver"), [("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.geojson", "GeoJSON")])
def test_a_folder_that_is_missing_is_named(tmp_path: Path, name: str, driver) -> None:
    with pytest.raises(OutputError, match=rf"{name}: cannot be written"):
        vector.write_layer(tmp_path / "none" / name, LAYER, driver)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.fgb", "FlatGeobuf"), ("a.parquet", "Parquet")],
)
def test_a_full_disk_is_named(small_disk: Path, name: str, driver) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((20_000, 2)) * 1e5
    many = shapely.box(points[:, 0], points[:, 1], points[:, 0] + 10, points[:, 1] + rng.random(20_000))
    layer = Layer("a", many, {"share": rng.random(20_000)}, "EPSG:32631")
    with pytest.raises(OutputError, match=rf"{name}: .*disk .*full"):
        vector.write_layer(small_disk / name, layer, driver)
