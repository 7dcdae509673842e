"""Tiles of a region cover it, and stay on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.inference import make_plan

sides = st.integers(1, 90)
tiles = st.integers(1, 24)


@given(sides, sides, tiles, tiles, st.data())
def test_every_pixel_is_covered_and_no_tile_leaves_the_region(width, height, tile_width, tile_height, data) -> None:
    stride = data.draw(st.none() | st.integers(1, min(tile_width, tile_height)))
    plan = make_plan(width, height, (tile_width, tile_height), stride)
    for starts, length, size in ((plan.cols, width, tile_width), (plan.rows, height, tile_height)):
        assert starts[0] == 0
        assert (np.diff(starts) > 0).all()
        assert (np.diff(starts) <= (stride or max(1, min(tile_width, tile_height) // 2))).all()
        assert starts[-1] == max(0, length - size)
    assert plan.tiles == len(plan.cols) * len(plan.rows)


def test_by_hand() -> None:
    plan = make_plan(10, 3, (4, 4), 3)
    assert (plan.cols.tolist(), plan.rows.tolist()) == ([0, 3, 6], [0])
    assert make_plan(11, 4, (4, 4), None).cols.tolist() == [0, 2, 4, 6, 7]


@pytest.mark.parametrize("stride", [0, -1, 5])
def test_a_stride_that_would_leave_gaps_is_refused(stride: int) -> None:
    with pytest.raises(OptionError, match=rf"--stride must lie in 1–4 px, the model's tile, got {stride}"):
        make_plan(10, 10, (4, 6), stride)
