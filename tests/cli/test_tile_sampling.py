"""`geolabel tile --sampling`: drawn tiles are rows of an index like any others."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from geolabel.tiling import read_index
from tests.cli.conftest import CRS, LEFT, SIDE, TOP, write_fields, write_region


@pytest.fixture
def region(tmp_path):
    path = tmp_path / "region.tif"
    write_region(path, nodata_rows=100)
    return path


def windows(index) -> np.ndarray:
    return np.column_stack([index.column(name) for name in ("source", "col_off", "row_off")])


@pytest.mark.parametrize("sampling", ["random", "cluster"])
def test_drawn_tiles_lie_on_valid_ground_and_are_said_how(cli, region, tmp_path, sampling: str) -> None:
    words = ("tile", region, "--size", 32, "--sampling", sampling, "--count", 200, "--seed", 3, "--min-valid", 0.9)
    done = cli(*words, "--json", "-o", tmp_path / "tiles.parquet")
    assert done.code == 0, done.err
    assert done.json["tiles"] == 200
    index = read_index(tmp_path / "tiles.parquet")
    assert index.tiling["sampling"] == sampling
    assert (index.tiling["count"], index.tiling["seed"], index.tiling["size"]) == (200, 3, [32, 32])
    assert len(np.unique(windows(index).astype(str), axis=0)) == 200
    with rasterio.open(region) as dataset:
        seen = dataset.read_masks(1) > 0
    for col, row, valid in zip(*(index.column(name) for name in ("col_off", "row_off", "valid")), strict=True):
        own = seen[row : row + 32, col : col + 32]
        assert own.shape == (32, 32)
        assert own.mean() == pytest.approx(valid, abs=1 / 16)
        assert valid >= 0.9
    boxes = shapely.from_wkb(index.column("geometry"))
    west, north = shapely.bounds(boxes)[:, [0, 3]].T
    assert np.allclose(west, LEFT + 10 * index.column("col_off"))
    assert np.allclose(north, TOP - 10 * index.column("row_off"))


def test_the_same_seed_gives_the_same_bytes(cli, region, tmp_path) -> None:
    words = ("tile", region, "--size", 32, "--sampling", "cluster", "--count", 60, "--random-reset", 0.3)
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert cli(*words, "--seed", seed, "-o", tmp_path / f"{name}.parquet").code == 0
    one, again, other = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "again", "other"))
    assert one == again
    assert one != other


def test_clusters_lie_closer_than_tiles_at_random(cli, tmp_path) -> None:
    with rasterio.open(
        tmp_path / "wide.tif", "w", driver="GTiff", width=2000, height=2000, count=1, dtype="uint8", crs=CRS,
        transform=Affine(10, 0, LEFT, 0, -10, TOP),
    ) as dataset:  # fmt: skip
        dataset.write(np.ones((1, 2000, 2000), np.uint8))
    nearest = {}
    for sampling in ("random", "cluster"):
        out = tmp_path / f"{sampling}.parquet"
        assert (
            cli("tile", tmp_path / "wide.tif", "--size", 8, "--sampling", sampling, "--count", 64, "-o", out).code == 0
        )
        index = read_index(out)
        places = np.column_stack([index.column("col_off"), index.column("row_off")]).astype(float)
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
        nearest[sampling] = np.median(np.sort(apart, axis=1)[:, 8])
    assert nearest["cluster"] < 80 < nearest["random"], "eight neighbours within five tile sizes of the same tile"


def test_several_rasters_an_area_of_interest_and_labels(cli, region, tmp_path) -> None:
    """Two dates side by side, tiles of both, then labelled as any index is."""
    write_region(tmp_path / "later.tif")
    box = shapely.box(LEFT + 500, TOP - 2500, LEFT + 1500, TOP - 1500)
    geopandas.GeoDataFrame(geometry=[box], crs=CRS).to_file(tmp_path / "aoi.gpkg")
    tiles, words = tmp_path / "t.parquet", ("--sampling", "random", "--count", 90, "--aoi", tmp_path / "aoi.gpkg")
    done = cli("tile", region, tmp_path / "later.tif", "--size", 16, *words, "-o", tiles)
    assert done.code == 0, done.err
    index = read_index(tiles)
    assert set(index.column("source")) == {"region.tif", "later.tif"}
    assert shapely.intersects(shapely.from_wkb(index.column("geometry")), box).all()
    write_fields(tmp_path / "fields.gpkg")
    done = cli("label", tiles, "--vector", tmp_path / "fields.gpkg", "--field", "landuse")
    assert done.code == 0, done.err
    assert np.allclose(read_index(tiles).shares.sum(axis=1), 1, atol=0.02)


def test_dates_in_pairs(cli, region, tmp_path) -> None:
    write_region(tmp_path / "later.tif")
    words = ("--pairs", "--size", 16, "--sampling", "random", "--count", 20, "-o", tmp_path / "t.parquet")
    done = cli("tile", region, tmp_path / "later.tif", *words, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["tiles"] == 20
    assert len(read_index(tmp_path / "t.parquet").sources[0].bands) == 8


def test_more_tiles_than_there_are_gives_all_of_them(cli, region, tmp_path, caplog) -> None:
    out = tmp_path / "t.parquet"
    done = cli("tile", region, "--size", SIDE - 1, "--min-valid", 0, "--sampling", "random", "--count", 9, "-o", out)
    assert done.code == 0, done.err
    assert len(read_index(out)) == 4
    assert np.isnan(read_index(out).column("valid")).all(), "nobody looked"
    assert "only 4 different tiles were found, of --count 9" in caplog.text + done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sampling", "random"), "needs --count"),
        (("--count", 5), "add --sampling random"),
        (("--sampling", "random", "--count", 5, "--stride", 16), "leave --images and --stride out"),
        (("--sampling", "random", "--count", 0), "--count must be at least 1"),
        (("--sampling", "cluster", "--count", 5, "--cluster-size", 0), "--cluster-size must be at least 1"),
        (("--sampling", "cluster", "--count", 5, "--random-reset", 2), "--random-reset must lie in 0–1"),
        (("--sampling", "random", "--count", 5, "--size", 400), "the largest is 320 × 320 px; lower --size"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, region, tmp_path, words, says: str) -> None:
    done = cli("tile", region, *words, "-o", tmp_path / "t.parquet")
    assert done.code == 1
    assert says in " ".join(done.err.split())
    assert not (tmp_path / "t.parquet").exists()
