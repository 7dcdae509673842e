"""Layers written, read back by geopandas, pyarrow and the letter of RFC 7946."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import warnings
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyogrio
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
    [
        ("a.gpkg", "GPKG"),
        ("a.geojson", "GeoJSON"),
        ("a.fgb", "FlatGeobuf"),
        ("a.parquet", "Parquet"),
        ("a.pmtiles", "PMTiles"),
    ],
)
def test_a_full_disk_is_named(small_disk: Path, name: str, driver) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((20_000, 2)) * 1e5
    many = shapely.box(points[:, 0], points[:, 1], points[:, 0] + 10, points[:, 1] + rng.random(20_000))
    layer = Layer("a", many, {"share": rng.random(20_000)}, "EPSG:32631")
    with pytest.raises(OutputError, match=rf"{name}: .*disk .*full"):
        vector.write_layer(small_disk / name, layer, driver)


ODD = np.array(["2020-02-29", "NaT"], dtype="datetime64[D]")
KNOWN_OR_NOT = Layer(
    "alerts",
    BOXES,
    {
        "class": np.array(["mine", None], dtype=object),
        "date_first": ODD,
        "nbr_drop": np.array([np.nan, 0.25]),
        "n_obs": np.array([2**40, 1]),
    },
    "EPSG:32631",
    attribution=("© a", "b; ODbL"),
)


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.fgb", "FlatGeobuf"), ("a.parquet", "Parquet")],
)
def test_dates_are_dates_and_what_is_not_known_is_null(tmp_path: Path, name: str, driver) -> None:
    path = tmp_path / name
    vector.write_layer(path, KNOWN_OR_NOT, driver)
    frame = geopandas.read_parquet(path) if driver == "Parquet" else geopandas.read_file(path)
    frame = frame.sort_values("n_obs", ascending=False)
    assert frame["n_obs"].tolist() == [2**40, 1]
    assert str(frame["date_first"].iloc[0])[:10] == "2020-02-29"
    missing = [[False, True], [False, True], [True, False]]
    assert [frame[column].isna().tolist() for column in ("class", "date_first", "nbr_drop")] == missing


def test_dates_by_the_letter_of_each_format(tmp_path: Path) -> None:
    for name, driver in (("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.parquet", "Parquet")):
        vector.write_layer(tmp_path / name, KNOWN_OR_NOT, driver)
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        types = {row[1]: row[2] for row in database.execute("PRAGMA table_info(alerts)")}
        assert types["date_first"] == "DATE"
        assert database.execute("SELECT date_first, nbr_drop FROM alerts").fetchall() == [
            ("2020-02-29", None),
            (None, 0.25),
        ]
    first, second = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert (first["properties"]["date_first"], first["properties"]["nbr_drop"]) == ("2020-02-29", None)
    assert second["properties"]["date_first"] is None
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert {name: str(schema.field(name).type) for name in KNOWN_OR_NOT.columns} == {
        "class": "string",
        "date_first": "date32[day]",
        "nbr_drop": "double",
        "n_obs": "int64",
    }
    assert pq.read_table(tmp_path / "a.parquet")["nbr_drop"].null_count == 1


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb", "a.parquet", "a.pmtiles"])
def test_attribution_is_in_every_format_and_the_same_layer_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    drivers = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".fgb": "FlatGeobuf", ".parquet": "Parquet"}
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        vector.write_layer(path, KNOWN_OR_NOT, drivers.get(path.suffix, "PMTiles"))
        found.append(path.read_bytes())
    assert found[0] == found[1]
    if name == "a.pmtiles":
        start, length = struct.unpack_from("<2Q", found[0], 24)
        assert json.loads(gzip.decompress(found[0][start : start + length]))["attribution"] == "© a; b; ODbL"
    else:
        assert "© a; b; ODbL".encode() in found[0]
    if name in ("a.gpkg", "a.fgb"):
        assert vector.layer_description(path, "alerts") == "© a; b; ODbL"


def test_geoparquet_is_read_by_its_boxes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    vector.write_layer(path, LAYER, "Parquet")
    here = geopandas.read_parquet(path, bbox=(500_250, 150, 500_260, 160))
    assert here["tile"].tolist() == [4]
    assert here.geometry.iloc[0].equals(BOXES[1])


def test_flatgeobuf_has_an_index(tmp_path: Path) -> None:
    path = tmp_path / "a.fgb"
    vector.write_layer(path, LAYER, "FlatGeobuf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info = pyogrio.read_info(path)
    assert info["capabilities"]["fast_spatial_filter"]
    assert geopandas.read_file(path, bbox=(500_250, 150, 500_260, 160))["tile"].tolist() == [4]
