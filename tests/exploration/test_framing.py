"""Points as a picture can show them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geolabel.exploration.framing import framed


def test_what_lies_far_out_stands_at_the_edge():
    points = np.column_stack([np.arange(1001), np.zeros(1001)]).astype(np.float32)
    points[1000] = (1e6, 0)
    found, moved = framed(points)
    assert np.flatnonzero(moved).tolist() == [1000]
    # percentiles of 0 … 999 and one far out: 5 and 995, and a quarter of 990 beyond
    assert found[1000].tolist() == [1242.5, 0]
    assert (found[:1000] == points[:1000]).all()


def test_round_clouds_and_groups_stay():
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(2000, 3)).astype(np.float32)
    assert framed(cloud)[1].mean() < 0.002
    groups = np.concatenate([cloud, cloud[:200] + 30])
    assert not framed(groups)[1].any(), "a group of a tenth is no stray"


def test_where_most_points_are_one_none_is_moved():
    points = np.zeros((1000, 2), np.float32)
    points[0] = 7
    assert not framed(points)[1].any()


@given(arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-1e6, 1e6, width=32)))
def test_order_is_kept(points: np.ndarray):
    found, moved = framed(points)
    for axis in range(2):
        order = np.argsort(points[:, axis], kind="stable")
        assert (np.diff(found[order, axis]) >= 0).all()
    assert (found[~moved] == points[~moved]).all()
