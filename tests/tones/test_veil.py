"""Veils found from what is darkest: by hand, by laws, and planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.tones.veil import CELL_PX, NOTHING, SURE, Ends, airlight, ends_of, haze, joined, upsampled, veil_field


def ends(dark: float, bright: float, shape: tuple[int, int] = (4, 4)) -> Ends:
    return Ends(np.full((3, *shape), dark), np.full((3, *shape), bright))


def test_ends_of_a_cell_leave_out_a_hundredth_and_what_is_not_valid() -> None:
    pixels = np.arange(CELL_PX * CELL_PX, dtype=np.float32).reshape(1, CELL_PX, CELL_PX)
    valid = np.ones((CELL_PX, CELL_PX), dtype=bool)
    found = ends_of(pixels, valid)
    assert (found.dark[0, 0, 0], found.bright[0, 0, 0]) == (40, 4054)  # .01 and .99 of 4095
    valid[: CELL_PX // 2] = False
    assert ends_of(pixels, valid).dark[0, 0, 0] == 2048 + 20


def test_a_cell_that_is_hardly_valid_says_nothing_and_one_at_the_edge_does() -> None:
    pixels = np.full((3, 10, CELL_PX + 5), 7, dtype=np.float32)
    valid = np.ones(pixels.shape[1:], dtype=bool)
    valid[:, 20:CELL_PX] = False
    found = ends_of(pixels, valid)
    assert found.dark.shape == (3, 1, 2)
    assert np.isfinite(found.dark).all()
    valid[:, 2:CELL_PX] = False
    assert np.isnan(ends_of(pixels, valid).dark[:, 0, 0]).all()


def test_the_light_by_hand() -> None:
    # dark 60, bright 160: 60 + 100 / .5
    np.testing.assert_allclose(airlight(ends(60, 160)), [260] * 3)
    # a picture's white is 255; too dim a light is raised to .7 of it
    np.testing.assert_allclose(airlight(ends(60, 160), np.full(3, 255.0)), [255] * 3)
    np.testing.assert_allclose(airlight(ends(10, 20), np.full(3, 255.0)), [0.7 * 255] * 3)


def test_nothing_seen_is_no_light_and_no_veil() -> None:
    nothing = ends(np.nan, np.nan)
    light = airlight(nothing)
    assert not light.any()
    assert not veil_field(nothing, light).any()


@given(
    st.floats(1e-4, 1e4),
    st.floats(0.3, 0.9),
    st.floats(0.2, 0.9),
)
def test_light_and_veil_follow_the_scale(scale: float, through: float, bright: float) -> None:
    rng = np.random.default_rng(3)
    dark = rng.uniform(0.01, 0.05, (3, 5, 6)) * through + (1 - through)
    found = Ends(dark, dark + bright * through)
    scaled = Ends(dark * scale, found.bright * scale)
    light = airlight(found)
    np.testing.assert_allclose(airlight(scaled), light * scale, rtol=1e-9)
    np.testing.assert_allclose(veil_field(scaled, light * scale), veil_field(found, light), rtol=1e-9)


@given(st.floats(0.4, 0.95), st.floats(0.5, 2.0))
def test_a_planted_light_is_found_where_ground_is_half_as_bright_as_haze(through: float, light: float) -> None:
    hazy = ends(light * (1 - through), light * (1 - through) + 0.5 * light * through)
    np.testing.assert_allclose(airlight(hazy), [light] * 3, rtol=1e-9)
    np.testing.assert_allclose(veil_field(hazy, airlight(hazy)), 1 - through, rtol=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_shown_is_never_less_haze(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = haze(np.array([low, high]))
    assert 0 <= found[0] <= found[1] <= 1
    assert (found[1] == 0) == (high <= NOTHING) or found[1] < 1e-6


def test_haze_beyond_doubt_is_all_but_the_ground_s_own() -> None:
    np.testing.assert_allclose(haze(np.array([SURE, 0.56, 1.0])), [(SURE - 0.12) / 0.88, 0.5, 1.0])


def test_a_bright_field_in_a_dark_land_is_no_haze() -> None:
    found = ends(20, 200, (9, 9))
    found.dark[:, 4, 4] = 150
    assert not haze(veil_field(found, airlight(found, np.full(3, 255.0)))).any()


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_field_is_the_same_from_any_window(top: int, left: int) -> None:
    field = np.random.default_rng(0).random((4, 5))
    whole = upsampled(field, slice(0, 100), slice(0, 120), (25.0, 24.0))
    part = upsampled(field, slice(top, top + 30), slice(left, left + 40), (25.0, 24.0))
    np.testing.assert_array_equal(part, whole[top : top + 30, left : left + 40])


def test_a_plane_stays_one_between_the_centres() -> None:
    rows, cols = np.mgrid[:4, :5]
    whole = upsampled(2.0 * rows + 3.0 * cols, slice(0, 40), slice(0, 50), (10.0, 10.0))
    y, x = (np.arange(n) + 0.5 for n in (40, 50))
    wanted = 2 * (np.clip(y, 5, 35) / 10 - 0.5)[:, None] + 3 * (np.clip(x, 5, 45) / 10 - 0.5)
    np.testing.assert_allclose(whole, wanted, rtol=1e-6, atol=1e-6)


def test_rows_of_cells_are_put_one_below_the_other() -> None:
    both = joined([ends(1, 2, (1, 3)), ends(3, 4, (1, 3))])
    assert both.dark.shape == (3, 2, 3)
    assert both.bright[0, :, 0].tolist() == [2, 4]


@pytest.mark.parametrize("through", [0.8, 0.6, 0.4])
def test_planted_haze_of_one_strength_is_found(through: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.gamma(1.5, 25, (3, 256, 256)).clip(4, 180)
    hazy = (truth * through + 230 * (1 - through)).astype(np.float32)
    rows = [ends_of(hazy[:, top : top + CELL_PX], np.ones((CELL_PX, 256), bool)) for top in range(0, 256, CELL_PX)]
    found = joined(rows)
    light = airlight(found, np.full(3, 255.0))
    assert np.allclose(light, 230, rtol=0.15)
    veil = haze(veil_field(found, light))
    assert (veil > 0).all()
    assert (veil < 1 - through + 0.02).all()
    if through < 0.7:  # thinner haze over dark ground is left in part: it might be the ground
        assert np.allclose(veil, 1 - through, atol=0.12)
