"""Shifts that were made are found; changed land does not fool the consensus, strangers are not sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from geolabel import raster
from geolabel.changes.shift import Displacement, Shift, consensus, displacement, spots
from geolabel.grid import Window
from geolabel.world import make_world

if TYPE_CHECKING:
    from pathlib import Path


def moved(pixels: np.ndarray, row_px: float, col_px: float) -> np.ndarray:
    """The content further down and right, by Fourier's shift theorem: independent of any interpolation."""
    return np.stack([np.fft.ifftn(ndimage.fourier_shift(np.fft.fftn(b), (row_px, col_px))).real for b in pixels])


def measured(reference: np.ndarray, other: np.ndarray, valid: np.ndarray) -> Shift:
    found = []
    for spot in spots(reference.shape[2], reference.shape[1]):
        at = np.s_[spot.row_off : spot.row_off + spot.height, spot.col_off : spot.col_off + spot.width]
        found.append(displacement(reference[:, *at], other[:, *at], valid[at]))
    return consensus(found)


def pixels_of(path: Path) -> np.ndarray:
    info = raster.describe(path)
    with raster.open_raster(info) as reader:
        return reader.read(Window(0, 0, info.width, info.height))[0].astype(float)


@pytest.fixture(scope="module")
def world():
    return make_world(512, 5)


@pytest.mark.parametrize("size", [(697, 377), (512, 512), (10_000, 4000), (100, 90), (32, 32)])
def test_windows_are_spread_from_edge_to_edge(size):
    width, height = size
    found = spots(width, height)
    assert 1 <= len(found) <= 49
    assert min(s.col_off for s in found) == min(s.row_off for s in found) == 0
    assert max(s.col_off + s.width for s in found) == width
    assert max(s.row_off + s.height for s in found) == height


def test_too_small_a_scene_has_no_windows():
    assert spots(31, 500) == ()


def test_a_consensus_that_can_be_counted_by_hand():
    votes = [Displacement(1.0, 2.0, 20)] * 3 + [Displacement(1.2, 2.0, 20), Displacement(9.0, -4.0, 20)]
    found = consensus([*votes, Displacement(-30.0, 7.0, 5.0), Displacement(0.0, 0.0, 0.0)])
    assert (found.windows, found.clear, found.agreeing) == (6, 5, 4)
    assert (found.col_px, found.row_px) == (1.0, 2.0)
    assert found.sure
    assert found.to_correct


def test_half_must_agree_and_nothing_is_no_consensus():
    apart = [Displacement(10.0 * n, 0.0, 20) for n in range(5)]
    assert not consensus([Displacement(1.0, 2.0, 20)] * 4 + apart).sure
    assert consensus([]) == Shift(0.0, 0.0, 0, 0, 0, 0.0)
    assert not consensus([]).sure


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.3, -0.7), (-1.25, 2.5), (6.4, 3.1)])
def test_a_second_date_of_the_world_is_found_where_it_was_put(world, shift):
    before, after = world.before, world.after
    found = measured(before.image.astype(float), moved(after.image.astype(float), *shift), before.valid & after.valid)
    assert found.sure
    assert (found.row_px, found.col_px) == pytest.approx(shift, abs=0.1)
    assert found.to_correct == (np.hypot(*shift) >= 0.1)


def test_a_third_of_changed_land_does_not_fool_it(world):
    image = world.before.image.astype(float)
    other = moved(image, 0.6, -1.3) * 0.8 + 100
    other[:, :, :170] = make_world(512, 6).before.image[:, :, :170]
    found = measured(image, other, world.before.valid)
    assert found.sure
    assert (found.row_px, found.col_px) == pytest.approx((0.6, -1.3), abs=0.1)


def test_strangers_are_not_sure(world):
    stranger = make_world(512, 6).before
    assert not measured(world.before.image, stranger.image, world.before.valid & stranger.valid).sure


def test_without_texture_or_without_pixels_nothing_is_said():
    flat, seen = np.full((2, 64, 64), 7.0), np.ones((64, 64), bool)
    assert displacement(flat, flat, seen).clearness == 0
    rough = np.random.default_rng(0).random((2, 64, 64))
    assert displacement(rough, rough, np.zeros((64, 64), bool)).clearness == 0


@pytest.mark.parametrize("year", [1990, 2020])
def test_real_dates_five_and_thirty_five_years_apart(shared_data: Path, year: int):
    folder = shared_data / "pucallpa-landsat"
    first, other = pixels_of(folder / "1985.tif"), pixels_of(folder / f"{year}.tif")
    seen = np.ones(first.shape[1:], bool)
    found = measured(first, moved(other, 0.37, -1.21), seen)
    assert found.sure
    assert (found.row_px, found.col_px) == pytest.approx((0.37, -1.21), abs=0.1)


def test_an_aerial_picture(shared_data: Path):
    image = pixels_of(shared_data / "naip" / "m_4709963_se_14_1_20200831.tif")
    found = measured(image, moved(image, 3.33, -0.4), np.ones(image.shape[1:], bool))
    assert found.agreeing == found.windows
    assert (found.row_px, found.col_px) == pytest.approx((3.33, -0.4), abs=0.05)
