"""Layers read place by place: the same features from every format, and odd files as people have them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from geolabel.errors import CRSError, EmptyError, InputError, OutputError
from geolabel.grid import Grid
from geolabel.vector import IndexedLayer, Placed, indexed, open_layer

CRS = "EPSG:32631"
FORMATS = ("gpkg", "fgb", "shp", "geojson")
PLACE = (500_000.0, 5_490_000.0, 510_000.0, 5_500_000.0)
"""3° east of Greenwich, 50° north: ten kilometres a side."""


def scattered(count: int = 400, seed: int = 0) -> geopandas.GeoDataFrame:
    """Little boxes with and without a hole, triangles, and pairs of boxes."""
    rng = np.random.default_rng(seed)
    x, y, side = (
        rng.uniform(500_000, 509_000, count),
        rng.uniform(5_490_000, 5_499_000, count),
        rng.uniform(50, 900, count),
    )
    shapes = shapely.box(x, y, x + side, y + side)
    holes = shapely.box(x + side / 4, y + side / 4, x + side / 2, y + side / 2)
    shapes[::4] = shapely.difference(shapes[::4], holes[::4])
    shapes[1::4] = shapely.union(shapes[1::4], shapely.box(x, y - 2 * side, x + side, y - 1.5 * side)[1::4])
    names = np.array(["mine", "forest", None, "água"], dtype=object)[rng.integers(0, 4, count)]
    return geopandas.GeoDataFrame({"kind": names, "number": np.arange(count)}, geometry=shapes, crs=CRS)


def write(path: Path, frame: geopandas.GeoDataFrame, **options: Any) -> Path:
    frame.to_file(path, **options)
    return path


def read(path: Path, bounds: tuple[float, float, float, float] = PLACE, crs: str = CRS, fields=("kind",)) -> Placed:
    with open_layer(path, None, fields) as layer:
        return layer.read(bounds, crs)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("batch", [7, 20_000])
def test_every_format_gives_the_same_features_of_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, batch: int
) -> None:
    monkeypatch.setattr(indexed, "_BATCH", batch)
    frame = scattered()
    stored = frame.to_crs("EPSG:4326") if name == "geojson" else frame
    path = write(tmp_path / f"a.{name}", stored)
    rng = np.random.default_rng(1)
    with open_layer(path, None, ("kind", "number")) as layer:
        for _ in range(8):
            west, south = rng.uniform(500_000, 508_000), rng.uniform(5_490_000, 5_498_000)
            box = (west, south, west + rng.uniform(10, 2_000), south + rng.uniform(10, 2_000))
            found = layer.read(box, CRS)
            numbers = np.array(found.table["number"]).astype(int)
            inside = set(frame["number"][shapely.intersects(frame.geometry.values, shapely.box(*box))])
            near = set(frame["number"][shapely.intersects(shapely.envelope(frame.geometry.values), shapely.box(*box))])
            if name == "geojson":
                assert inside <= set(numbers.tolist()), "a box of degrees holds more than one of metres"
            else:
                assert inside <= set(numbers.tolist()) <= near
            expected = frame.iloc[numbers]
            assert [kind or None for kind in found.table["kind"].to_pylist()] == [
                kind if isinstance(kind, str) else None for kind in expected["kind"]
            ]
            apart = shapely.area(shapely.symmetric_difference(found.geometries, expected.geometry.values))
            assert apart.max(initial=0) < 1, "square metres"
            assert not found.repaired.any()


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_place_has_no_features(tmp_path: Path, name: str) -> None:
    """GDAL's FlatGeobuf answers such a box with a batch of empty rows."""
    frame = scattered(50)
    path = write(tmp_path / f"a.{name}", frame.to_crs("EPSG:4326") if name == "geojson" else frame)
    with open_layer(path, None, ("kind",)) as layer:
        for box in ((400_000, 5_000_000, 400_010, 5_000_010), (509_990, 5_499_990, 510_000, 5_500_000)):
            found = layer.read(box, CRS)
            assert (len(found.geometries), found.table.num_rows, len(found.repaired)) == (0, 0, 0)
            assert found.table.column_names == ["kind"]
        assert len(layer.read(PLACE, CRS).geometries) == 50


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_in_another_crs(tmp_path: Path, name: str) -> None:
    frame = scattered(100)
    path = write(tmp_path / f"a.{name}", frame.to_crs("EPSG:4326") if name == "geojson" else frame)
    box = Transformer.from_crs(CRS, "EPSG:3857", always_xy=True).transform_bounds(*PLACE)
    found = read(path, box, "EPSG:3857", ("number",))
    expected = frame.to_crs("EPSG:3857").iloc[np.array(found.table["number"]).astype(int)]
    assert len(expected) == 100
    assert shapely.hausdorff_distance(found.geometries, expected.geometry.values).max() < 0.03
    assert found.crs == "EPSG:3857"


def squares(*shapes: Any) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame({"kind": [chr(97 + at) for at in range(len(shapes))]}, geometry=list(shapes), crs=CRS)


BOX = shapely.box(501_000, 5_491_000, 501_100, 5_491_100)


@pytest.mark.parametrize("name", ["gpkg", "shp", "geojson"])
def test_features_without_a_place_are_passed_over(tmp_path: Path, name: str) -> None:
    frame = squares(None, BOX, shapely.Polygon(), BOX)
    path = write(tmp_path / f"a.{name}", frame.to_crs("EPSG:4326") if name == "geojson" else frame)
    assert read(path).table["kind"].to_pylist() == ["b", "d"]


def test_an_index_that_a_file_lacks_is_made(tmp_path: Path) -> None:
    frame = scattered(60)
    pyogrio.write_dataframe(frame, tmp_path / "a.fgb", SPATIAL_INDEX="NO")
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg", SPATIAL_INDEX="NO")
    for name in ("a.fgb", "a.gpkg"):
        with open_layer(tmp_path / name, None, ("number",)) as layer:
            assert layer.store != tmp_path / name
            assert len(layer.read(PLACE, CRS).geometries) == 60
            store = layer.store
        assert not store.exists()


def test_heights_are_dropped_and_kinds_may_be_mixed(tmp_path: Path) -> None:
    line, point = (
        shapely.LineString([(501_000, 5_491_000, 7), (501_500, 5_491_500, 9)]),
        shapely.Point(502_000, 5.492e6, 3),
    )
    path = write(tmp_path / "a.gpkg", squares(shapely.force_3d(BOX, 5), line, point, shapely.MultiPoint([point])))
    found = read(path)
    assert not shapely.has_z(found.geometries).any()
    assert sorted(shape.geom_type for shape in found.geometries) == ["LineString", "MultiPoint", "Point", "Polygon"]


def test_of_a_collection_with_polygons_the_polygons_remain(tmp_path: Path) -> None:
    """As clipping leaves them: an area, and the line along which a neighbour was touched."""
    sliver = shapely.LineString([(501_100, 5_491_000), (501_100, 5_491_500)])
    two = shapely.GeometryCollection([BOX, shapely.MultiPolygon([shapely.box(502_000, 5.492e6, 502_010, 5_492_010)])])
    path = write(tmp_path / "a.gpkg", squares(shapely.GeometryCollection([BOX, sliver]), two, BOX))
    found = read(path)
    areas = dict(zip(found.table["kind"].to_pylist(), shapely.area(found.geometries).tolist(), strict=True))
    assert areas == pytest.approx({"a": 10_000, "b": 10_100, "c": 10_000})
    assert {shape.geom_type for shape in found.geometries} <= {"Polygon", "MultiPolygon"}


@pytest.mark.parametrize("name", FORMATS)
def test_rings_that_cross_are_repaired_and_told(tmp_path: Path, name: str) -> None:
    bowtie = shapely.Polygon([(501_000, 5_491_000), (501_200, 5_491_200), (501_200, 5_491_000), (501_000, 5_491_200)])
    frame = squares(BOX, bowtie)
    path = write(tmp_path / f"a.{name}", frame.to_crs("EPSG:4326") if name == "geojson" else frame)
    found = read(path)
    repaired = dict(zip(found.table["kind"].to_pylist(), found.repaired.tolist(), strict=True))
    areas = dict(zip(found.table["kind"].to_pylist(), shapely.area(found.geometries).tolist(), strict=True))
    assert repaired == {"a": False, "b": True}
    assert areas == pytest.approx({"a": 10_000, "b": 20_000}, rel=1e-3)


def test_curves_are_named_with_a_remedy(tmp_path: Path) -> None:
    if not shutil.which("ogr2ogr"):
        pytest.skip("ogr2ogr makes the curves")
    path = write(tmp_path / "a.gpkg", squares(shapely.Point(501_000, 5_491_000).buffer(300, quad_segs=32)))
    command = ["ogr2ogr", "-q", "-nlt", "CURVEPOLYGON", str(tmp_path / "curves.gpkg"), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(InputError, match=r"curves\.gpkg: holds curves; make straight lines.*-nlt CONVERT_TO_LINEAR"):
        read(tmp_path / "curves.gpkg")


@pytest.mark.parametrize("name", ["gpkg", "fgb", "shp"])
def test_a_crs_with_northing_first(tmp_path: Path, name: str) -> None:
    """EPSG:3042 is EPSG:25830 with its axes the other way round; files have x first all the same."""
    box = shapely.box(450_000, 4_090_000, 450_300, 4_090_100)
    frame = geopandas.GeoDataFrame({"kind": ["a"]}, geometry=[box], crs="EPSG:3042")
    path = write(tmp_path / f"a.{name}", frame)
    for crs in ("EPSG:25830", "EPSG:3042", "EPSG:32630"):
        found = read(path, (449_000, 4_089_000, 451_000, 4_091_000), crs)
        np.testing.assert_allclose(shapely.bounds(found.geometries), [shapely.bounds(box)], atol=1e-3)


def test_real_land_cover_in_two_orders_of_axes(shared_data: Path) -> None:
    """The polygons are in EPSG:25830, their raster in EPSG:3042: the same place, read either way."""
    import rasterio

    with rasterio.open(shared_data / "clc-granada" / "clc.tif") as dataset:
        bounds, crs = tuple(dataset.bounds), dataset.crs.to_wkt()
    path = shared_data / "clc-granada" / "clc.gpkg"
    one, other = read(path, bounds, crs, ("CODE_18",)), read(path, bounds, "EPSG:25830", ("CODE_18",))
    assert len(one.geometries) == 136
    assert shapely.equals_exact(one.geometries, other.geometries, tolerance=1e-3).all()


@pytest.mark.parametrize("name", ["gpkg", "fgb", "shp", "geojson"])
def test_an_area_as_large_as_the_world_covers_the_place(tmp_path: Path, name: str) -> None:
    """Its corners have no place in a UTM zone, or a wrong one; around the place it has to be what it is."""
    world = geopandas.GeoDataFrame({"kind": ["sea"]}, geometry=[shapely.box(-179.9, -89, 179.9, 89)], crs="EPSG:4326")
    found = read(write(tmp_path / f"a.{name}", world), PLACE)
    (shape,) = found.geometries
    assert shapely.contains(shape, shapely.box(*PLACE).buffer(200_000))


def test_a_long_side_bends(tmp_path: Path) -> None:
    """A border along the 49th parallel, of two vertices: straight in degrees, and curved in metres."""
    land = shapely.box(-125, 49, -95, 60)
    path = write(tmp_path / "a.gpkg", geopandas.GeoDataFrame({"kind": ["a"]}, geometry=[land], crs="EPSG:4326"))
    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32613", always_xy=True)
    x, y = to_utm.transform(np.linspace(-106, -104, 41), np.full(41, 49.0))
    place = (float(x.min()), float(y.min()) - 1_000, float(x.max()), float(y.max()) + 1_000)
    (shape,) = read(path, place, "EPSG:32613").geometries
    assert shapely.distance(shapely.points(x, y), shapely.boundary(shape)).max() < 0.5


def test_the_poles(tmp_path: Path) -> None:
    cap = shapely.box(-180, -90, 180, -80)
    path = write(tmp_path / "a.gpkg", geopandas.GeoDataFrame({"kind": ["ice"]}, geometry=[cap], crs="EPSG:4326"))
    (shape,) = read(path, (-100_000, -100_000, 100_000, 100_000), "EPSG:3031").geometries
    (parallel,) = geopandas.GeoSeries([shapely.Point(0, 0)], crs="EPSG:3031")
    radius = abs(Transformer.from_crs("EPSG:4326", "EPSG:3031", always_xy=True).transform(0, -80)[1])
    assert shapely.area(shape) == pytest.approx(np.pi * radius**2, rel=1e-3)
    assert shapely.distance(shapely.boundary(shape), parallel) <= radius


def test_a_file_without_a_crs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", squares(BOX))
    path.with_suffix(".prj").unlink()
    with pytest.raises(CRSError, match=r"a\.shp: has no coordinate reference system; assign one: ogr2ogr -a_srs"):
        read(path)


def test_metres_said_to_be_degrees_are_noticed(tmp_path: Path) -> None:
    frame = squares(BOX)
    path = write(tmp_path / "a.gpkg", frame.set_crs("EPSG:4326", allow_override=True))
    with open_layer(path, None, ("kind",)) as layer:
        assert len(layer.read(PLACE, CRS).geometries) == 0, "it is nowhere near"


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, name: str) -> None:
    """Refused where it is opened or where it is read, and never read in part."""
    frame = scattered(300)
    whole = write(tmp_path / f"whole.{name}", frame.to_crs("EPSG:4326") if name == "geojson" else frame)
    content = whole.read_bytes()
    cut = tmp_path / f"cut.{name}"
    for other in tmp_path.glob("whole.*"):
        shutil.copy(other, cut.with_suffix(other.suffix))
    for share in (0.02, 0.3, 0.6, 0.9, 0.99):
        cut.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=rf"cut\.{name}: .*(truncated|damaged)"):
            read(cut, fields=("kind", "number"))


@pytest.mark.parametrize("name", ["a.shp", "a.geojson"])
def test_a_full_disk_is_not_taken_for_a_damaged_file(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = write(tmp_path / name, scattered(20_000).to_crs("EPSG:4326"))
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with pytest.raises(OutputError, match=r"small: a copy of .* cannot be written.*disk full\?.*TMPDIR=FOLDER"):
        read(path)
    assert not list(small_disk.iterdir())


def test_layers_that_are_none_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", squares(BOX), layer="one")
    with pytest.raises(InputError, match=r"a\.gpkg: no layer 'two'; there are one\. Choose with --layer"):
        open_layer(path, "two", ("kind",)).__enter__()
    write(tmp_path / "b.gpkg", squares(BOX).iloc[:0], layer="none")
    with pytest.raises(EmptyError, match=r"b\.gpkg: layer 'none' holds no features; choose another with --layer"):
        open_layer(tmp_path / "b.gpkg", None, ("kind",)).__enter__()


def test_a_table_before_the_layer_is_no_layer(tmp_path: Path) -> None:
    table = geopandas.GeoDataFrame({"style": ["red"]}, geometry=[None]).drop(columns="geometry")
    pyogrio.write_dataframe(table, tmp_path / "a.gpkg", layer="styles")
    write(tmp_path / "a.gpkg", squares(BOX), layer="places")
    assert len(read(tmp_path / "a.gpkg").geometries) == 1
    pyogrio.write_dataframe(table, tmp_path / "b.gpkg", layer="styles")
    with pytest.raises(InputError, match=r"b\.gpkg: holds no layers with geometries, or is truncated; check it"):
        read(tmp_path / "b.gpkg")


def test_a_bundle_of_values_is_text(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"kind": ["a", "b"]},
        "geometry": json.loads(shapely.to_geojson(shapely.box(3, 49.6, 3.01, 49.61))),
    }
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    found = read(tmp_path / "a.geojson")
    assert found.table["kind"].cast("string").to_pylist() == ['[ "a", "b" ]']


def test_reading_in_many_threads(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    frame = scattered(500)
    path = write(tmp_path / "a.fgb", frame)
    grid = Grid(CRS, Affine(10, 0, 500_000, 0, -10, 5_500_000), 1000, 1000)
    rows = [
        (west, south, west + 1_000, south + 1_000)
        for west in range(500_000, 510_000, 1_000)
        for south in (5_491_000, 5_495_000)
    ]
    with open_layer(path, None, ("number",)) as layer, ThreadPoolExecutor(4) as pool:
        assert isinstance(layer, IndexedLayer)
        found = list(pool.map(lambda box: layer.read(box, grid.crs).table["number"].to_pylist(), rows))
        assert found == [layer.read(box, grid.crs).table["number"].to_pylist() for box in rows]
