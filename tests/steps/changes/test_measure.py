"""What is measured in patches, and what the last date says of alerts, beside a plain transcription with NumPy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import rasterize

from geolabel import raster
from geolabel.changes.series import plain_table
from geolabel.maps import Detections
from geolabel.steps.changes import strips
from geolabel.steps.changes.evidence import Evidence
from geolabel.steps.changes.find import Found
from geolabel.steps.changes.legend import interval_bands, interval_styles
from geolabel.steps.changes.measure import measure, noise, shares_of_class
from tests.conftest import UTM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

ROWS, COLS, DATES = 70, 50, 3
BANDS = ("green", "red", "nir", "swir1")


@pytest.fixture
def scene(write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Random levels, images and gaps; five strips, so that patches lie across their borders."""
    monkeypatch.setattr(strips, "_PIXELS", 1)
    rng = np.random.default_rng(8)
    levels = rng.integers(0, 251, (DATES, ROWS, COLS), dtype="uint8")
    levels[rng.random(levels.shape) < 0.2] = 255
    images = rng.integers(1, 4000, (DATES, len(BANDS), ROWS, COLS), dtype="uint16")
    images[np.broadcast_to((rng.random((DATES, 1, ROWS, COLS)) < 0.3), images.shape)] = 0
    told = rng.choice(np.array([0, 0, 0, 254, 255], "uint8"), (ROWS, COLS))
    others = rng.integers(0, 251, (2, ROWS, COLS), dtype="uint8")

    def described(name: str, pixels: np.ndarray, nodata: int, names: tuple[str, ...]) -> raster.RasterInfo:
        return raster.describe(write_raster(name, pixels, nodata=nodata, descriptions=names))

    evidence = Evidence(
        levels=tuple(described(f"l{at}.tif", one[None], 255, ("forest",)) for at, one in enumerate(levels)),
        tables=(plain_table(), plain_table(1.5, -0.4), plain_table(0.7, 0.3)),
        grid=described("l.tif", levels[:1], 255, ("forest",)).place,
        others=described("o.tif", others, 255, ("mine", "farm")),
        maker="nobody",
        model_sha="",
        attribution=(),
        title="Forest",
        color="#000000",
    )
    infos = [described(f"i{at}.tif", one, 0, BANDS) for at, one in enumerate(images)]
    return SimpleNamespace(
        evidence=evidence, infos=infos, levels=levels, images=images, told=told, others=others,
        told_info=described("t.tif", told[None], 255, ("told",)),
    )  # fmt: skip


def boxes(*edges: tuple[int, int, int, int]) -> np.ndarray:
    """Rectangles by row, column, height and width, in map coordinates."""
    found = [UTM @ (col, row) + UTM @ (col + width, row + height) for row, col, height, width in edges]
    return np.array([shapely.box(*part) for part in found], dtype=object)


def patches(geometries: np.ndarray, first: list[int]) -> Detections:
    n = len(geometries)
    ones = np.ones(n)
    return Detections(geometries, np.array(first, np.int32) - 1, np.ones(n, np.int64), ones, ones)


def wanted(scene: Any, inside: np.ndarray) -> dict[str, Any]:
    """The same by one mask a patch."""
    seen = (scene.images != 0).all(axis=1)
    pixels = scene.images.astype(np.float64)
    ndvi = (pixels[:, 2] - pixels[:, 1]) / (pixels[:, 2] + pixels[:, 1]).clip(1)
    nbr = (pixels[:, 2] - pixels[:, 3]) / (pixels[:, 2] + pixels[:, 3]).clip(1)
    tables = scene.evidence.tables

    def mean(values: np.ndarray, where: np.ndarray) -> float:
        return float(values[where].mean()) if where.any() else float("nan")

    dates = range(DATES)
    return {
        "seen": [seen[at][inside].mean() for at in dates],
        "odds": [mean(tables[at][scene.levels[at]], inside & (scene.levels[at] != 255)) for at in dates],
        "ndvi": [mean(ndvi[at], inside & seen[at]) for at in dates],
        "nbr": [mean(nbr[at], inside & seen[at]) for at in dates],
        "others": [mean(band / 250, inside) for band in scene.others],
    }


def test_measured_patch_by_patch(tmp_path: Path, scene: Any):
    shapes = boxes((3, 4, 30, 9), (10, 20, 5, 5), (40, 0, 30, 50), (0, 49, 1, 1))
    ring = shapely.difference(shapes[1], shapely.buffer(shapely.centroid(shapes[1]), 12))
    shapes[1] = ring
    found = Found("loss", patches(shapes, [1, 2, 2, 1]), scene.told_info)
    style = interval_bands("loss", interval_styles(["2019", "2020", "2021"]), ())
    with raster.write_cog(tmp_path / "loss.tif", scene.evidence.grid, style, 16) as writer:
        got = measure(scene.evidence, scene.infos, found, writer)
    ids = rasterize(zip(shapes, (1, 2, 3, 4), strict=True), out_shape=(ROWS, COLS), transform=UTM, dtype="uint8")
    for row in range(4):
        want = wanted(scene, ids == row + 1)
        assert got.seen[row] == pytest.approx(want["seen"])
        assert got.odds[row] == pytest.approx(want["odds"], rel=1e-5, nan_ok=True)
        assert got.indices["ndvi"][row] == pytest.approx(want["ndvi"], rel=1e-5, abs=1e-6, nan_ok=True)
        assert got.indices["nbr"][row] == pytest.approx(want["nbr"], rel=1e-5, abs=1e-6, nan_ok=True)
        assert got.others[row] == pytest.approx(want["others"])
    with rasterio.open(tmp_path / "loss.tif") as dataset:
        number = np.array([0, 1, 2, 2, 1])[ids]
        assert (dataset.read(1) == np.where(scene.told == 0, number, scene.told)).all()


def test_shares_of_class(scene: Any):
    """The last date only; of unseen pixels nothing is said; outside the images there are none."""
    shapes = boxes((3, 4, 30, 9), (12, 20, 7, 5), (5, 4, 40, 20), (60, 40, 20, 20), (200, 200, 3, 3))
    there, gone = shares_of_class(scene.evidence, shapes)
    odds, seen = scene.evidence.tables[-1][scene.levels[-1]], scene.levels[-1] != 255
    for row, shape in enumerate(shapes):
        inside = np.zeros((ROWS, COLS), bool)
        if shape.intersects(shapely.box(*scene.evidence.grid.bounds)):
            inside = rasterize([(shape, 1)], out_shape=(ROWS, COLS), transform=UTM, dtype="uint8") == 1
        pixels = shapely.area(shape) / 100
        assert there[row] == pytest.approx((inside & seen & (odds > 0)).sum() / pixels)
        assert gone[row] == pytest.approx((inside & seen & (odds <= 0)).sum() / pixels)
    assert (there[-1], gone[-1]) == (0, 0)
    assert [part.tolist() for part in shares_of_class(scene.evidence, shapes[:0])] == [[], []]


def test_noise_is_that_of_ground_which_all_dates_agree_on(scene: Any):
    moves = noise(scene.evidence, scene.infos, "nbr", "loss")
    tables, levels = scene.evidence.tables, scene.levels
    calm = np.all([(level == 255) | (table[level] > 0) for table, level in zip(tables, levels, strict=True)], axis=0)
    seen = (scene.images != 0).all(axis=1)
    pixels = scene.images.astype(np.float64)
    nbr = (pixels[:, 2] - pixels[:, 3]) / (pixels[:, 2] + pixels[:, 3]).clip(1)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = calm & seen[one] & seen[other]
        if both.sum() < 200:
            assert np.isnan(moves[one, other]).all()
            continue
        moved = nbr[one][both] - nbr[other][both]
        spread = 1.4826 * np.median(np.abs(moved - np.median(moved)))
        assert moves[one, other] == pytest.approx([np.median(moved), spread], rel=1e-4, abs=1e-6)
    assert np.isfinite(moves).any()
    assert np.isnan(moves[1, 0]).all()
