"""Labels on odd rasters and from odd files: what is seen at many points of each tile stays the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine

from tests.cli.label_scene import Scene, Seen, agree, read, shares, write_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

RASTERS: dict[str, list[tuple[str, Affine, tuple[int, int]]]] = {
    "south-up": [("EPSG:32632", Affine(10, 0, 499_950, 0, 10, 5_204_940), (256, 256))],
    "oblong pixels": [("EPSG:32632", Affine(20, 0, 499_950, 0, -5, 5_207_500), (512, 128))],
    "degrees": [("EPSG:4326", Affine(1e-4, 0, 8.999, 0, -1e-4, 47.021), (256, 320))],
    "south-up degrees": [("EPSG:4326", Affine(1e-4, 0, 8.999, 0, 1e-4, 46.999), (250, 300))],
    "web mercator": [("EPSG:3857", Affine(15, 0, 1_001_800, 0, -15, 5_945_600), (250, 210))],
    "another zone": [("EPSG:32633", Affine(12, 0, 43_500, 0, -12, 5_223_500), (256, 256))],
    "the order of axes": [("EPSG:3044", Affine(10, 0, 499_950, 0, -10, 5_207_500), (256, 256))],
    "tall": [("EPSG:32632", Affine(40, 0, 500_000, 0, -1.5, 5_207_500), (1700, 64))],
    "two systems": [
        ("EPSG:32632", Affine(10, 0, 499_950, 0, -10, 5_207_500), (128, 256)),
        ("EPSG:4326", Affine(1e-4, 0, 8.999, 0, -1e-4, 47.008), (90, 300)),
    ],
}


def tiled(cli: Callable[..., Done], scene: Scene, rasters, *options: object) -> Scene:
    for at, (crs, transform, shape) in enumerate(rasters):
        write_region(scene / f"odd_{at}.tif", crs, transform, shape)
    paths = [scene / f"odd_{at}.tif" for at in range(len(rasters))]
    done = cli("tile", *paths, *(options or ("--size", 32)), "-o", scene.tiles, "--overwrite")
    assert done.code == 0, done.err
    return scene


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("kind", RASTERS)
def test_rasters_of_every_kind(cli: Callable[..., Done], scene: Scene, kind: str, exact: bool):
    tiled(cli, scene, RASTERS[kind])
    sources = ("--osm", scene / "map.osm", "--clc", scene / "U2018_CLC2018.tif", "--min-known", 0.5)
    done = cli("label", scene.tiles, *sources, *(["--exact"] if exact else []))
    assert done.code == 0, done.err
    seen = Seen.of(scene.tiles)
    assert (seen.osm != "").mean() > 0.1, "the raster lies over the map"
    assert (seen.clc != "").mean() > 0.1
    merged = np.where(seen.osm != "", seen.osm, seen.clc)
    columns, _ = read(scene.tiles)
    for at, values in shares(scene.tiles).items():
        agree(values, merged == at, merged != "", atol=0.05)
        agree(columns[f"osm.{at}"].astype(float), seen.osm == at, seen.osm != "", atol=0.05)
        agree(columns[f"clc.{at}"].astype(float), seen.clc == at, seen.clc != "", atol=0.05)


@pytest.mark.parametrize("name", ["map.osm", "map.gpkg"])
def test_of_two_rasters_one_lies_beyond_the_map(cli: Callable[..., Done], scene: Scene, name: str):
    near, far = (("EPSG:32632", Affine(10, 0, x, 0, -10, 5_207_500), (128, 128)) for x in (499_950, 700_000))
    tiled(cli, scene, [far, near])
    done = cli("label", scene.tiles, "--osm", scene / name)
    assert done.code == 0, done.err
    seen = Seen.of(scene.tiles)
    columns, _ = read(scene.tiles)
    np.testing.assert_allclose(columns["known"].astype(float), (seen.osm != "").mean(axis=1), atol=0.04)
    assert not columns["known"][columns["source"] == "odd_0.tif"].any()


TILINGS = {
    "overlapping": ("--size", 48, "--stride", 20),
    "one wide step": ("--size", 200, "--stride", 150),
    "larger than the raster": ("--size", 400),
    "tiny": ("--size", 4, "--stride", 4),
}


@pytest.mark.parametrize("kind", TILINGS)
def test_tiles_of_every_kind(cli: Callable[..., Done], scene: Scene, kind: str):
    tiled(cli, scene, [("EPSG:32632", Affine(10, 0, 500_300, 0, -10, 5_206_900), (130, 140))], *TILINGS[kind])
    for words in (("--osm", scene / "map.osm"), ("--clc", scene / "clc.gpkg")):
        done = cli("label", scene.tiles, *words)
        assert done.code == 0, done.err
        seen = Seen.of(scene.tiles)
        said = seen.osm if words[0] == "--osm" else seen.clc
        agree(read(scene.tiles)[0]["known"].astype(float), said != "", atol=0.06)
        if words[0] == "--osm":
            for at, values in shares(scene.tiles).items():
                agree(values, said == at, said != "", atol=0.06)


def test_tiles_of_one_pixel(cli: Callable[..., Done], scene: Scene):
    """Each tile gets its own 64 lines."""
    tiled(cli, scene, [("EPSG:32632", Affine(90, 0, 500_000, 0, -90, 5_207_000), (24, 22))], "--size", 1)
    assert cli("label", scene.tiles, "--osm", scene / "map.osm").code == 0
    seen = Seen.of(scene.tiles)
    assert len(seen.osm) == 24 * 22
    for at, values in shares(scene.tiles).items():
        agree(values, seen.osm == at, seen.osm != "", atol=0.06)
    fast = shares(scene.tiles)
    assert cli("label", scene.tiles, "--osm", scene / "map.osm", "--exact").code == 0
    for at, values in shares(scene.tiles).items():
        np.testing.assert_allclose(fast[at], values, atol=0.02)


def test_tiles_of_an_area_of_interest(cli: Callable[..., Done], scene: Scene):
    """Tiles that are left over, far apart, have the shares that they have among all the others."""
    areas = [shapely.Point(9.003, 47.002).buffer(0.001), shapely.Point(9.017, 47.017).buffer(0.002)]
    geopandas.GeoDataFrame(geometry=areas, crs="EPSG:4326").to_file(scene / "aoi.gpkg")
    some = scene / "some.parquet"
    done = cli("tile", scene / "region.tif", "--size", 8, "--aoi", scene / "aoi.gpkg", "-o", some, "--json")
    assert done.code == 0, done.err
    assert 10 < done.json["tiles"] < 100
    assert cli("tile", scene / "region.tif", "--size", 8, "-o", scene.tiles, "--overwrite").code == 0
    for path in (some, scene.tiles):
        assert cli("label", path, "--osm", scene / "map.osm", "--clc", scene / "clc.gpkg").code == 0
    few, all_ = read(some)[0], read(scene.tiles)[0]
    places = {(col, row): at for at, (col, row) in enumerate(zip(all_["col_off"], all_["row_off"], strict=True))}
    at = [places[place] for place in zip(few["col_off"], few["row_off"], strict=True)]
    for name, values in shares(some).items():
        np.testing.assert_allclose(values, shares(scene.tiles)[name][at], atol=1e-5)
    np.testing.assert_allclose(few["known"].astype(float), all_["known"][at].astype(float), atol=1e-5)


@pytest.mark.parametrize("exact", [False, True])
def test_the_south_pole(cli: Callable[..., Done], tmp_path: Path, exact: bool):
    """Four quarters of a cap, drawn in degrees with two vertices along each parallel; the pole is in the middle."""
    write_region(tmp_path / "pole.tif", "EPSG:3031", Affine(5_000, 0, -320_000, 0, -5_000, 320_000), (128, 128))
    quarters = [shapely.box(west, -90, west + 90, -80) for west in (-180, -90, 0, 90)]
    frame = geopandas.GeoDataFrame({"quarter": list("abcd")}, geometry=quarters, crs="EPSG:4326")
    frame.to_file(tmp_path / "quarters.gpkg")
    tiles = tmp_path / "t.parquet"
    assert cli("tile", tmp_path / "pole.tif", "--size", 16, "-o", tiles).code == 0
    words = ("label", tiles, "--vector", tmp_path / "quarters.gpkg", "--field", "quarter")
    done = cli(*words, *(["--exact"] if exact else []))
    assert done.code == 0, done.err
    columns, _ = read(tiles)
    east, south = columns["col_off"] >= 64, columns["row_off"] >= 64
    expected = {"a": ~east & south, "b": ~east & ~south, "c": east & ~south, "d": east & south}
    np.testing.assert_allclose(columns["known"].astype(float), 1, atol=1e-3)
    for name, where in expected.items():
        np.testing.assert_allclose(columns[f"label.{name}"].astype(float), where.astype(float), atol=2e-3)


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson"])
@pytest.mark.parametrize("values", [[1, 2, None], [1.5, 2.0, None], ["1", "2 ", ""]])
def test_classes_named_by_numbers_and_by_nothing(cli: Callable[..., Done], scene: Scene, name: str, values: list):
    boxes = [shapely.box(9 + at * 0.01, 47, 9.01 + at * 0.01, 47.01) for at in range(3)]
    frame = geopandas.GeoDataFrame({"class": values}, geometry=boxes, crs="EPSG:4326")
    frame.to_file(scene / name)
    done = cli("label", scene.tiles, "--vector", scene / name, "--field", "class", "--json", "--min-known", 0)
    assert done.code == 0, done.err
    first = "1.5" if values[0] == 1.5 else "1"
    assert [found["name"] for found in done.json["classes"]] == [first, "2"]
    label = shares(scene.tiles)
    assert np.nansum(label[first]) == pytest.approx(np.nansum(label["2"]), rel=0.02)
    assert np.nansum(label[first]) * 32 * 32 * 0.01 == pytest.approx(84.54, rel=0.005), "hectares"
    assert done.json["values_unknown"] == {}


def test_a_file_of_many_kinds_of_geometries(cli: Callable[..., Done], scene: Scene):
    """Areas count, in three dimensions too; lines and points have none, and that is said; what has no place is none."""
    area = shapely.box(9, 47, 9.01, 47.01)
    kinds = {
        "flat": area,
        "high": shapely.force_3d(shapely.box(9.01, 47, 9.02, 47.01), 300),
        "many": shapely.MultiPolygon([shapely.box(9, 47.011, 9.005, 47.02), shapely.box(9.006, 47.011, 9.01, 47.02)]),
        "mixed": shapely.GeometryCollection([shapely.box(9.011, 47.011, 9.02, 47.02), shapely.Point(9.011, 47.02)]),
        "line": shapely.LineString([(9, 47), (9.02, 47.02)]),
        "point": shapely.Point(9.01, 47.01),
        "nothing": None,
    }
    features = [
        {
            "type": "Feature",
            "properties": {"kind": kind},
            "geometry": json.loads(shapely.to_geojson(shape)) if shape else None,
        }
        for kind, shape in kinds.items()
    ]
    path = scene / "many.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = cli("label", scene.tiles, "--vector", path, "--field", "kind", "--min-known", 0)
    assert done.code == 0, done.err
    assert "many.geojson: lines and points have no area and are left out" in done.err
    hectares = {name: np.nansum(values) * 10.24 for name, values in shares(scene.tiles).items()}
    expected = dict.fromkeys(kinds, 0.0)
    frame = geopandas.GeoSeries([kinds[name] for name in ("flat", "high", "many", "mixed")], crs="EPSG:4326")
    expected |= dict(zip(("flat", "high", "many", "mixed"), frame.to_crs("EPSG:3035").area / 10_000, strict=True))
    assert hectares == pytest.approx(expected, rel=0.005, abs=0.01)


@pytest.mark.parametrize("exact", [False, True])
def test_an_ocean_around_the_world(cli: Callable[..., Done], scene: Scene, exact: bool):
    """Its corners have no place in the raster's CRS; land is on top of it."""
    ocean, land = shapely.box(-180, -90, 180, 90), shapely.box(9, 47, 9.01, 47.01)
    frame = geopandas.GeoDataFrame({"kind": ["ocean", "land"]}, geometry=[ocean, land], crs="EPSG:4326")
    frame.to_file(scene / "world.gpkg")
    words = ("--vector", scene / "world.gpkg", "--field", "kind", *(["--exact"] if exact else []))
    assert cli("label", scene.tiles, *words).code == 0
    label = shares(scene.tiles)
    np.testing.assert_allclose(label["ocean"] + label["land"], 1, atol=1e-4)
    assert label["land"].sum() * 10.24 == pytest.approx(84.54, rel=0.005)


def test_rings_that_cross_are_repaired_and_counted_once(cli: Callable[..., Done], scene: Scene):
    bowtie = shapely.Polygon([(9, 47), (9.02, 47.02), (9.02, 47), (9, 47.02)])
    frame = geopandas.GeoDataFrame(
        {"kind": ["a", "b"]}, geometry=[bowtie, shapely.box(8.999, 46.9, 9, 47.1)], crs="EPSG:4326"
    )
    frame.to_file(scene / "a.gpkg")
    for more in ((), ("--exact",)):
        done = cli("label", scene.tiles, "--vector", scene / "a.gpkg", "--field", "kind", "--min-known", 0, *more)
        assert done.code == 0, done.err
        assert "a.gpkg: 1 polygons have rings that cross; they were repaired" in done.err
        assert np.nansum(shares(scene.tiles)["a"]) * 10.24 == pytest.approx(169.0, rel=0.01), "hectares"
