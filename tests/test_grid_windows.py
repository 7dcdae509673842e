"""Windows on the map: they meet there where their pixels meet, cover what they cover, and lead back to their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.grid import Grid, Window

_SIZES = st.sampled_from([0.25, 0.5, 1.0, 10.0, 30.0])  # sums of them are exact
_FLIP = st.sampled_from([1.0, -1.0])


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """North-up and south-up grids, from west or from east."""
    across, down = draw(_SIZES) * draw(_FLIP), draw(_SIZES) * draw(_FLIP)
    left, top = draw(st.integers(-(10**6), 10**6)), draw(st.integers(-(10**7), 10**7))
    width, height = draw(st.integers(2, 5000)), draw(st.integers(2, 5000))
    return Grid("EPSG:32719", Affine(across, 0, left, 0, down, top), width, height)


def window_of(draw: st.DrawFn, grid: Grid) -> Window:
    col, row = draw(st.integers(0, grid.width - 1)), draw(st.integers(0, grid.height - 1))
    return Window(col, row, draw(st.integers(1, grid.width - col)), draw(st.integers(1, grid.height - row)))


@st.composite
def two_windows(draw: st.DrawFn) -> tuple[Grid, Window, Window]:
    """A grid, and two windows of it."""
    grid = draw(grids())
    return grid, window_of(draw, grid), window_of(draw, grid)


def box(grid: Grid, window: Window) -> Any:
    numbers = (np.array([value]) for value in (window.col_off, window.row_off, window.width, window.height))
    return grid.boxes(*numbers)[0]


@given(two_windows())
def test_windows_meet_on_the_map_where_their_pixels_meet(drawn: tuple[Grid, Window, Window]) -> None:
    grid, one, other = drawn
    across = min(one.col_off + one.width, other.col_off + other.width) - max(one.col_off, other.col_off)
    down = min(one.row_off + one.height, other.row_off + other.height) - max(one.row_off, other.row_off)
    pixels = max(across, 0) * max(down, 0)
    area = abs(grid.transform.a * grid.transform.e)
    assert box(grid, one).intersection(box(grid, other)).area == pixels * area


@given(two_windows())
def test_a_window_is_the_outline_of_its_own_grid(drawn: tuple[Grid, Window, Window]) -> None:
    grid, window, _ = drawn
    part = grid.part(window)
    assert (part.width, part.height) == (window.width, window.height)
    assert part.bounds == box(grid, window).bounds
    west, south, east, north = grid.bounds
    assert shapely.box(west, south, east, north).covers(box(grid, window))


@given(two_windows())
def test_corners_lead_back_to_their_pixels(drawn: tuple[Grid, Window, Window]) -> None:
    grid, window, _ = drawn
    cols = np.array([window.col_off, window.col_off + window.width], float)
    rows = np.array([window.row_off, window.row_off + window.height], float)
    back = grid.col_row(*grid.xy(cols, rows))
    np.testing.assert_allclose(np.array(back), np.array([cols, rows]), rtol=0, atol=1e-6)
    assert np.rint(back[0]).astype(int).tolist() == cols.astype(int).tolist()
