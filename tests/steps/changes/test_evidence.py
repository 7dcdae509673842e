"""Dates calibrated against the first one: shifts of log-odds that were planted are taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel import raster
from geolabel.changes.series import plain_table
from geolabel.steps.changes.evidence import calibrated

if TYPE_CHECKING:
    from tests.conftest import WriteRaster

SIDE = 192


def logit(chance: np.ndarray) -> np.ndarray:
    return np.log(chance / (1 - chance))


@pytest.mark.parametrize(("scale", "offset", "threshold"), [(1.0, 0.0, 0.5), (1.0, 0.8, 0.3), (0.7, -0.5, 0.6)])
def test_a_planted_shift_is_taken_back(write_raster: WriteRaster, scale: float, offset: float, threshold: float):
    """Date two says scale · log-odds + offset of what date one says, but in a quarter that did change."""
    rng = np.random.default_rng(3)
    odds = np.where(rng.random((SIDE, SIDE)) < 0.5, 1.6, -1.6) + rng.normal(0, 0.3, (SIDE, SIDE))
    later = scale * odds + offset
    picture = rng.integers(100, 3000, (2, SIDE, SIDE)).astype("uint16")
    changed = np.zeros((SIDE, SIDE), bool)
    changed[: SIDE // 2, : SIDE // 2] = True
    after = np.where(changed, 3100 - picture, picture).astype("uint16")
    later[changed] = -later[changed]
    # log-odds about the model's threshold, as a network gives them
    even = np.log(threshold / (1 - threshold))
    levels = [np.rint(250 / (1 + np.exp(-(value + even)))).astype("uint8") for value in (odds, later)]
    infos = [
        raster.describe(write_raster(f"{name}.tif", pixels, nodata=nodata, descriptions=names))
        for name, pixels, nodata, names in (
            ("before", picture, 0, ("red", "nir")),
            ("after", after, 0, ("red", "nir")),
            ("l1", levels[0][None], 255, ("forest",)),
            ("l2", levels[1][None], 255, ("forest",)),
        )
    ]
    first, second = calibrated(infos[2:], infos[:2], infos[0].place, threshold)
    assert first[round(250 * threshold)] == pytest.approx(0, abs=0.01)  # even chances at the threshold
    calm = ~changed & (np.abs(odds) < 2.2)
    assert np.abs(second[levels[1][calm]] - first[levels[0][calm]]).max() < 0.12
    assert np.abs(second[levels[1][calm]] - first[levels[0][calm]]).mean() < 0.03
    assert (np.diff(second[1:250]) >= 0).all()
    assert second[255] == first[255] == 0


def test_dates_of_other_bands_are_left_as_they_are(write_raster: WriteRaster):
    level = np.full((1, 40, 40), 200, "uint8")
    one, other = (
        raster.describe(write_raster(f"{band}.tif", level.astype("uint16"), descriptions=(band,)))
        for band in ("red", "nir")
    )
    levels = raster.describe(write_raster("l.tif", level, nodata=255, descriptions=("forest",)))
    tables = calibrated([levels, levels], [one, other], levels.place, 0.5)
    assert len(tables) == 2
    assert (tables[0] == plain_table()).all()
    assert (tables[1] == plain_table()).all()
