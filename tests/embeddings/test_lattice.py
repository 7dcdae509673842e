"""Cells of the coarse raster: one a tile, their centres the tiles' centres."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.embeddings.lattice import Lattice
from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid
from geolabel.inference import make_plan
from geolabel.tiling.sampling import grid_windows

GRID = Grid("EPSG:32719", Affine(10, 0, 400_000, 0, -10, 8_600_000), 100, 70)


def starts(cols, rows):
    col, row = np.meshgrid(cols, rows)
    return col.ravel(), row.ravel()


def test_by_hand():
    col, row = starts([0, 16, 32], [0, 16])
    found = Lattice.of(col, row, np.full(6, 32), np.full(6, 32), GRID, 16)
    assert found.cols.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.rows.tolist() == [0, 0, 0, 1, 1, 1]
    assert (found.grid.width, found.grid.height) == (3, 2)
    # the first tile's centre is pixel 16, 160 m from the corner; the cell around it begins half a stride before
    assert found.grid.transform == Affine(160, 0, 400_080, 0, -160, 8_599_920)
    laid = found.laid(np.arange(6, dtype=np.uint8), 255)
    assert laid.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_holes_are_empty_and_values_may_be_colours():
    found = Lattice.of(np.array([8, 24]), np.array([4, 12]), np.full(2, 8), np.full(2, 8), GRID, 8)
    laid = found.laid(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), 0)
    assert laid.shape == (2, 3, 3)
    assert laid[0, 0].tolist() == [1, 2, 3]
    assert laid[1, 2].tolist() == [4, 5, 6]
    assert laid.sum() == 21


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    region=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    data=st.data(),
)
def test_tiles_of_a_plan_have_a_cell_each_around_their_centre(size, region, data):
    stride = data.draw(st.integers(1, min(size)))
    plan = make_plan(*region, size, stride)
    col, row = starts(plan.cols, plan.rows)
    count = len(col)
    width, height = (np.minimum(side, whole) for side, whole in zip(size, region, strict=True))
    found = Lattice.of(col, row, np.full(count, width), np.full(count, height), GRID, stride)
    assert len(set(zip(found.rows.tolist(), found.cols.tolist(), strict=True))) == count
    assert (found.grid.width, found.grid.height) == (len(plan.cols), len(plan.rows))
    x, y = found.grid.xy(found.cols + 0.5, found.rows + 0.5)
    centre = GRID.xy(col + width / 2, row + height / 2)
    regular = (col % stride == 0) & (row % stride == 0)
    assert np.allclose(x[regular], centre[0][regular])
    assert np.allclose(y[regular], centre[1][regular])
    # tiles that were moved inward are less than a cell away
    assert (np.abs(x - centre[0]) < stride * 10).all()
    assert (np.abs(y - centre[1]) < stride * 10).all()


@given(st.integers(1, 30), st.integers(1, 30), st.tuples(st.integers(1, 100), st.integers(1, 100)))
def test_tiles_of_an_index_have_a_cell_each(size, stride, region):
    stride = min(size, stride)
    windows = grid_windows(*region, size, stride)
    found = Lattice.of(windows.col_off, windows.row_off, windows.width, windows.height, GRID, stride)
    assert (found.cols * stride == windows.col_off).all()
    assert (found.rows * stride == windows.row_off).all()


def test_a_raster_that_runs_up_stays_so():
    up = Grid("EPSG:32719", Affine(10, 0, 0, 0, 10, 0), 100, 100)
    found = Lattice.of(np.array([0, 0]), np.array([0, 10]), np.full(2, 10), np.full(2, 10), up, 10)
    assert found.grid.transform == Affine(100, 0, 0, 0, 100, 0)


def test_refused():
    none = np.zeros(0, int)
    with pytest.raises(EmptyError):
        Lattice.of(none, none, none, none, GRID, 8)
    with pytest.raises(OptionError, match="stride"):
        Lattice.of(none, none, none, none, GRID, 0)
