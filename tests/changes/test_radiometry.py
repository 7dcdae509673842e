"""Gains and offsets that were made are undone, whatever changed on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import raster
from geolabel.changes.radiometry import BandFit, fit, saturated, unchanged
from geolabel.grid import Window
from geolabel.world import make_world

if TYPE_CHECKING:
    from pathlib import Path

GAINS, OFFSETS = np.array([1.2, 0.85, 1.1, 0.9]), np.array([30.0, -20.0, 15.0, 10.0])


def other_light(pixels: np.ndarray, scale: float, altered: float) -> np.ndarray:
    """The same land in another light with a little noise; on its left, land that is turned over and brighter."""
    rng = np.random.default_rng(0)
    made = (pixels - scale * OFFSETS[:, None, None]) / GAINS[:, None, None]
    made += rng.normal(0, pixels.std() * 0.01, pixels.shape)
    width = int(pixels.shape[2] * altered)
    made[:, :, :width] = made[:, ::-1, ::-1][:, :, :width] * 1.3 + pixels.std() / 2
    return made


def pucallpa(folder: Path, year: int) -> np.ndarray:
    info = raster.describe(folder / "pucallpa-landsat" / f"{year}.tif")
    with raster.open_raster(info) as reader:
        return reader.read(Window(0, 0, info.width, info.height))[0]


@pytest.mark.parametrize("altered", [0.0, 0.3])
def test_known_gains_of_the_world_are_found(altered: float):
    scene = make_world(384, 3).before
    image = scene.image.astype(float)
    fits = fit(image[:, scene.valid], other_light(image, 10, altered)[:, scene.valid])
    assert [each.method for each in fits] == ["linear"] * 4
    assert [each.gain for each in fits] == pytest.approx(GAINS, rel=0.01)
    assert [each.offset for each in fits] == pytest.approx(10 * OFFSETS, abs=3)
    assert all(each.error_after < 0.1 * each.error_before for each in fits)


@pytest.mark.parametrize("altered", [0.0, 0.3])
def test_known_gains_of_real_bytes_are_found(shared_data: Path, altered: float):
    stored = pucallpa(shared_data, 1985)
    clear = ~saturated(stored)
    image = stored.astype(float)
    fits = fit(image[:, clear], other_light(image, 1, altered)[:, clear])
    assert [each.gain for each in fits] == pytest.approx(GAINS, rel=0.01)
    assert [each.offset for each in fits] == pytest.approx(OFFSETS, abs=0.5)


def test_real_dates_come_closer_on_what_was_held_out_and_in_the_old_town(shared_data: Path):
    first, later = pucallpa(shared_data, 1985), pucallpa(shared_data, 2005)
    usable = ~(saturated(first) | saturated(later))
    fits = fit(first[:, usable], later[:, usable])
    assert all(each.error_after < 0.6 * each.error_before for each in fits)
    town = np.s_[118:132, 218:236]  # roofs in both years, brighter than anything that was taken for invariant
    for band in (2, 3):
        before, raw = np.median(first[band][town]), np.median(later[band][town])
        assert abs(np.median(fits[band].apply(later[band][town])) - before) < 0.5 * abs(raw - before)


def test_a_bent_stretch_is_met_by_a_curve():
    rng = np.random.default_rng(1)
    value = rng.uniform(0.05, 1, 20_000)
    reference = np.stack([value, 1 - value]) + rng.normal(0, 0.005, (2, 20_000))
    fits = fit(reference * 200, np.stack([value, 1 - value]) ** 0.5 * 250)
    assert [each.method for each in fits] == ["quantile", "quantile"]
    assert all(each.error_after < 3 for each in fits)


def test_what_has_nothing_in_common_is_left_alone():
    rng = np.random.default_rng(2)
    fits = fit(rng.normal(100, 10, (3, 20_000)), rng.normal(100, 10, (3, 20_000)))
    assert all(each.method == "none" for each in fits)
    assert fit(np.ones((2, 10)), np.ones((2, 10))) == (BandFit(), BandFit())
    assert fit(np.ones((2, 5000)), np.ones((2, 5000)))[0].method == "none"


def test_ends_move_on_as_far_as_the_last_that_was_seen():
    line = BandFit("linear", 2.0, -10.0, ((10.0, 10.0), (20.0, 30.0)))
    assert line.apply(np.array([0.0, 10.0, 15.0, 20.0, 100.0])).tolist() == [0.0, 10.0, 20.0, 30.0, 110.0]


@given(st.integers(0, 100), st.floats(0.2, 5), st.floats(-100, 100))
def test_what_is_unchanged_does_not_depend_on_the_light(seed: int, gain: float, offset: float):
    rng = np.random.default_rng(seed)
    one = rng.normal(0, 10, (3, 400))
    two = one + rng.normal(0, 1, one.shape)
    two[:, :100] = rng.normal(20, 10, (3, 100))
    found = unchanged(one, two)
    np.testing.assert_allclose(unchanged(one, two * gain + offset), found, atol=1e-6)
    assert found[100:].mean() > 2 * found[:100].mean()


def test_ends_of_bytes_are_saturated():
    pixels = np.array([[[0, 5, 255, 9]], [[7, 7, 7, 7]]], np.uint8)
    assert saturated(pixels).tolist() == [[True, False, True, False]]
    assert not saturated(pixels.astype(np.uint16)).any()
