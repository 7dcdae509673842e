"""Patches that changed, by levels that are written by hand: seeded where it is sure, grown to where it is likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import shapely

from geolabel import raster
from geolabel.changes.series import plain_table
from geolabel.errors import EmptyError
from geolabel.steps.changes import strips
from geolabel.steps.changes.choices import Choices
from geolabel.steps.changes.evidence import Evidence
from geolabel.steps.changes.find import Found, find

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

SIDE = 60
HERE, LIKELY_GONE, GONE = 225, 100, 25
"""Levels whose chances are .9, .4 and .1: two dates lose the class with .9 · .6 = .54, and .9 · .9 = .81."""
CORE, RING, ALONE = (slice(10, 20), slice(10, 20)), (slice(8, 22), slice(8, 22)), (slice(40, 50), slice(40, 50))


def levels(*parts: tuple[tuple[slice, slice], int]) -> np.ndarray:
    found = np.full((SIDE, SIDE), HERE, "uint8")
    for where, level in parts:
        found[where] = level
    return found


LATER = levels((RING, LIKELY_GONE), (CORE, GONE), (ALONE, LIKELY_GONE))


def run(
    write_raster: WriteRaster, folder: Path, *dates: np.ndarray, threshold: float = 0.7, grow: float = 0.5
) -> tuple[Found, np.ndarray]:
    """What is found, and the raster of confidence."""
    infos = [
        raster.describe(write_raster(f"l{at}.tif", one[None], nodata=255, descriptions=("forest",)))
        for at, one in enumerate(dates)
    ]
    grid = infos[0].place
    tables = (plain_table(),) * len(infos)
    evidence = Evidence(tuple(infos), tables, grid, None, "nobody", "", (), "Forest", "#000000")
    choices = Choices(
        class_name="forest",
        what=("loss",),
        bands=(),
        threshold=threshold,
        grow=grow,
        mmu_ha=0.5,
        as_they_are=False,
        unsupervised=False,
        paired=False,
        aoi=None,
        device="cpu",
    )
    style = raster.BandStyle(("confidence",), nodata=255)
    with raster.write_cog(folder / "confidence.tif", grid, style, 16) as writer:
        found = find(evidence, "loss", choices, folder, writer)
    with rasterio.open(folder / "confidence.tif") as dataset:
        return found, dataset.read(1)


@pytest.mark.parametrize(
    ("threshold", "grow", "hectares"),
    [(0.7, 0.5, [1.96]), (0.7, 0.6, [1.0]), (0.5, 0.5, [1.0, 1.96]), (0.8, 0.8, [1.0]), (0.9, 0.5, [])],
)
@pytest.mark.parametrize("in_strips", [False, True])
def test_seeded_and_grown(
    write_raster: WriteRaster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_strips: bool,
    threshold: float,
    grow: float,
    hectares: list[float],
):
    """A core of a hectare in 1.96 that are likely; and a hectare that is likely only."""
    if in_strips:
        monkeypatch.setattr(strips, "_PIXELS", 1)
    found, confidence = run(write_raster, tmp_path, levels(), LATER, threshold=threshold, grow=grow)
    assert sorted((shapely.area(found.patches.geometries) / 10_000).tolist()) == pytest.approx(hectares)
    assert confidence[CORE] == pytest.approx(0.81 * 250, abs=0.6)
    assert confidence[ALONE] == pytest.approx(0.54 * 250, abs=0.6)
    assert confidence[30, 30] == pytest.approx(0.9 * 0.1 * 250, abs=0.6)
    if hectares == [1.96]:
        mean = (100 * 0.81 + 96 * 0.54) / 196
        assert found.patches.mean_probability == pytest.approx([mean], abs=0.003)


def test_each_patch_has_its_interval_and_the_unseen_is_told(write_raster: WriteRaster, tmp_path: Path):
    """The core goes by the second date, the other by the third; a corner is seen once, a strip never."""
    second, third = levels((CORE, GONE)), levels((CORE, GONE), (ALONE, GONE))
    first = levels()
    for date in (first, second, third):
        date[:, 55:] = 255
    for date in (second, third):
        date[:5, :5] = 255
    found, confidence = run(write_raster, tmp_path, first, second, third)
    assert found.patches.class_index.tolist() == [0, 1]
    assert shapely.area(found.patches.geometries) == pytest.approx([10_000, 10_000])
    with rasterio.open(found.told.path) as dataset:
        told = dataset.read(1)
    assert set(told[:, 55:].ravel()) == {255}
    assert set(told[:5, :5].ravel()) == {254}
    assert (told == 0).sum() == SIDE * 55 - 25
    assert set(confidence[:5, :5].ravel()) == {255}


def test_what_is_seen_once_tells_no_change(write_raster: WriteRaster, tmp_path: Path):
    with pytest.raises(EmptyError, match="no place was seen at two dates"):
        run(write_raster, tmp_path, levels(), np.full((SIDE, SIDE), 255, "uint8"))
