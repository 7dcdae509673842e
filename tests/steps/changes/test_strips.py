"""Windows of a pass over a region, and of a sample of it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.grid import Grid, Window
from geolabel.steps.changes.strips import box_of, rows_at_once, sample_windows, strips
from geolabel.vector import Layer, write_layer


def grid(width: int, height: int) -> Grid:
    return Grid("EPSG:32719", Affine(10, 0, 4e5, 0, -10, 8.6e6), width, height)


def counted(windows: list[Window], width: int, height: int) -> np.ndarray:
    """How many windows hold each pixel; a window that is not inside is an error."""
    found = np.zeros((height, width), dtype=int)
    for window in windows:
        assert 0 <= window.col_off <= width - window.width
        assert 0 <= window.row_off <= height - window.height
        found[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width] += 1
    return found


@given(width=st.integers(1, 2000), height=st.integers(1, 2000))
def test_a_sample_is_spread_and_sees_nothing_twice(width: int, height: int):
    found = counted(sample_windows(grid(width, height)), width, height)
    assert found.max() == 1
    for edge in (found[0], found[-1], found[:, 0], found[:, -1]):
        assert edge.any()
    if max(width, height) <= 960:  # the far side of a small region is not left out: all but a rest of the division
        assert found.any(axis=0).sum() > width - 5
        assert found.any(axis=1).sum() > height - 5
    assert found.sum() <= (5 * 192) ** 2


@given(width=st.integers(1, 100_000), height=st.integers(1, 5000), images=st.integers(1, 40))
def test_strips_are_a_partition(width: int, height: int, images: int):
    windows = strips(grid(width, height), images)
    assert [window.row_off for window in windows] == list(np.cumsum([0, *(w.height for w in windows)])[:-1])
    assert sum(window.height for window in windows) == height
    assert {(window.col_off, window.width) for window in windows} == {(0, width)}
    assert all(window.height % 16 == 0 for window in windows[:-1])


@pytest.mark.parametrize(("width", "images", "rows"), [(512, 4, 512), (10_000, 4, 64), (1_000_000, 10, 16)])
def test_rows_fit_memory(width: int, images: int, rows: int):
    """3 million pixels of all images together: 3e6 / (10,000 · 4) = 75, of which 64 is the power of two below."""
    assert rows_at_once(grid(width, 1000), images) == rows


def test_a_sample_keeps_to_the_area_of_interest(tmp_path):
    here = grid(1_000, 800)
    for name, box in (("inside", (402_000, 8_595_000, 403_000, 8_597_500)), ("elsewhere", (300_000, 0, 300_010, 10))):
        shapes = np.array([shapely.box(*box)], dtype=object)
        write_layer(tmp_path / f"{name}.gpkg", Layer("a", shapes, {"n": np.ones(1)}, here.crs, "Polygon"), "GPKG")
    assert box_of(tmp_path / "inside.gpkg", here) == Window(200, 250, 100, 250)
    assert box_of(tmp_path / "elsewhere.gpkg", here) is None
    assert box_of(None, here) is None
    windows = sample_windows(here, Window(200, 250, 100, 250))
    assert counted(windows, 1_000, 800)[250:500, 200:300].all()
    assert counted(windows, 1_000, 800).sum() == 100 * 250
