"""Weights and draws against the paper's formula, tables summed by hand, and laws of what is drawn how often."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from geolabel.errors import EmptyError, OptionError
from geolabel.learn.balance import BALANCES, class_weights, draw_epoch, known_weights
from geolabel.model import Head

NAN = math.nan
LAND = Head("land", "sigmoid", ("a", "b"))
SKY = Head("sky", "softmax", ("x", "y", "z"))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def column(present: int, absent: int, unknown: int = 0) -> NDArray[np.float32]:
    return np.array([1.0] * present + [0.0] * absent + [NAN] * unknown, np.float32)


def test_weights_of_positives_are_ratios_of_effective_numbers():
    wanted = np.column_stack([column(40, 3960, 1000), column(4000, 1000)])
    effective = {n: sum(0.999**k for k in range(n)) for n in (40, 3960, 4000, 1000)}  # 1 + β + β² + …: the paper's sum
    found = class_weights(wanted, [LAND])
    assert found == pytest.approx([effective[3960] / effective[40], effective[1000] / effective[4000]])
    assert 24 < found[0] < 26  # not 99, the ratio of counts: a thousand tiles say no less than a million


def test_weights_are_limited_and_1_where_there_is_nothing_to_weigh():
    assert class_weights(np.column_stack([column(1, 999), column(999, 1)]), [LAND]).tolist() == [50, 1 / 50]
    assert class_weights(np.column_stack([column(0, 9, 1), column(0, 0, 10)]), [LAND]).tolist() == [1, 1]
    assert class_weights(np.column_stack([column(9, 0, 1), column(5, 5)]), [LAND]) == pytest.approx([1, 1])


def test_unknown_is_not_absent():
    assert class_weights(column(10, 30, 960)[:, None], [Head("h", "sigmoid", ("a",))]) == pytest.approx(
        class_weights(column(10, 30)[:, None], [Head("h", "sigmoid", ("a",))])
    )


def test_weights_of_exclusive_classes_have_mean_1():
    tiles = np.repeat(np.eye(3, dtype=np.float32), [100, 10, 0], axis=0)
    found = class_weights(np.vstack([tiles, [[1, 0, NAN]]]), [SKY])
    effective = [(1 - 0.999**n) / 0.001 for n in (100, 10)]
    assert found[1] / found[0] == pytest.approx(effective[0] / effective[1])
    assert found.mean() == pytest.approx(1)
    assert found[2] == 1
    rare = class_weights(np.repeat(np.eye(3, dtype=np.float32), [900, 1, 1], axis=0), [SKY])
    assert rare.max() / rare.min() == pytest.approx(50)
    assert class_weights(np.full((4, 3), NAN, np.float32), [SKY]).tolist() == [1, 1, 1]


def test_heads_are_weighed_apart():
    land, sky = np.column_stack([column(5, 15), column(10, 10)]), np.eye(3, dtype=np.float32)[np.arange(20) % 3]
    both = class_weights(np.hstack([land, sky]), [LAND, SKY])
    assert both.tolist() == [*class_weights(land, [LAND]), *class_weights(sky, [SKY])]


def test_tiles_count_by_what_is_known_of_them():
    assert known_weights(np.array([1.0, 0.5, 0.0])).tolist() == [2, 1, 0]
    assert known_weights(np.zeros(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("how", BALANCES)
@settings(deadline=None)
@given(
    wanted=st.integers(0, 70),
    targets=arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=st.sampled_from([0, 1, NAN])),
)
def test_an_epoch_has_so_many_of_the_tiles_and_comes_again_by_its_seed(
    how: str, wanted: int, targets: NDArray[np.float32]
):
    rows = np.arange(len(targets)) * 3 + 100
    everything = np.ones((200, targets.shape[1]), np.float32)  # of the tiles that are not among the rows
    everything[rows] = targets
    found = draw_epoch(rows, everything, how, wanted, generator(1))
    assert found.dtype == np.int64
    assert len(found) == wanted
    assert np.isin(found, rows).all()
    assert (found == draw_epoch(rows, everything, how, wanted, generator(1))).all()
    known = np.isfinite(targets).any(axis=1)
    if how in ("sampler", "over", "under") and known.any():
        assert np.isin(found, rows[known]).all()  # of the others nothing can be learned


@pytest.mark.parametrize("how", ["none", "weights"])
def test_without_balance_every_tile_comes_once_in_each_pass(how: str):
    rows, targets = np.arange(50), np.column_stack([column(5, 40, 5)])
    found = draw_epoch(rows, targets, how, 125, generator())
    assert sorted(found[:50]) == sorted(found[50:100]) == list(rows)
    assert len(set(found[100:])) == 25
    assert (found[:50] != found[50:100]).any()


def frequencies(targets: NDArray[np.float32], how: str, wanted: int = 60_000) -> NDArray[np.float64]:
    """How often each tile is drawn, as shares of all draws."""
    found = draw_epoch(np.arange(len(targets)), targets, how, wanted, generator(5))
    return np.bincount(found, minlength=len(targets)) / wanted


def test_sampler_draws_the_rarest_class_as_often_as_the_rest():
    shares = frequencies(column(10, 990)[:, None], "sampler")
    assert shares[:10].sum() == pytest.approx(0.5, abs=0.01)
    assert shares[:10] == pytest.approx(np.full(10, 0.05), rel=0.1)


@settings(deadline=None, max_examples=25)
@given(
    arrays(np.float32, st.tuples(st.integers(4, 60), st.integers(1, 4)), elements=st.sampled_from([0, 0, 0, 1, NAN]))
)
def test_sampler_shows_every_class_in_one_of_classes_and_1_draws(targets: NDArray[np.float32]):
    present = targets == 1
    if not np.isfinite(targets).any():
        return
    shares = frequencies(targets, "sampler", 20_000)
    for shown in present.T:
        if shown.any():
            assert shares[shown].sum() >= 1 / (targets.shape[1] + 1) - 0.02


# 4 tiles of the rare class, 40 of the common one (2 of them show both), 8 with neither, 10 of which nothing is known
TABLE = np.array([[1, 1]] * 2 + [[1, 0]] * 2 + [[0, 1]] * 38 + [[NAN, 0]] * 8 + [[NAN, NAN]] * 10, np.float32)


@pytest.mark.parametrize("how", ["over", "under"])
def test_tiles_of_the_rare_class_come_ten_times_as_often(how: str):
    shares = frequencies(TABLE, how)
    # rarity: 1/4 of the first four, 1/40 of 38, 1/8 of the eight: 10 to 1 to 5
    once = 1 / (4 * 10 + 38 + 8 * 5)
    assert shares[:4] == pytest.approx(np.full(4, 10 * once), rel=0.08)
    assert shares[4:42].mean() == pytest.approx(once, rel=0.05)
    assert shares[42:50] == pytest.approx(np.full(8, 5 * once), rel=0.08)
    assert (shares[50:] == 0).all()


def test_over_repeats_and_keeps_all_under_leaves_out():
    once = draw_epoch(np.arange(60), TABLE, "over", 118, generator())
    assert np.bincount(once, minlength=60).tolist() == [10] * 4 + [1] * 38 + [5] * 8 + [0] * 10
    passes = [draw_epoch(np.arange(60), TABLE, "under", 4, generator(seed)) for seed in range(50)]
    assert all(len(set(found)) == 4 for found in passes)  # nothing twice in a pass
    assert len({int(tile) for found in passes for tile in found if 4 <= tile < 42}) > 20  # other ones each time


def test_no_tile_comes_more_than_ten_times_as_often_as_another():
    targets = column(2, 998)[:, None]
    for how in ("over", "under"):
        shares = frequencies(targets, how, 200_000)
        assert shares[:2].mean() / shares[2:].mean() == pytest.approx(10, rel=0.05)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="--balance smote: no such way; choose one of none, weights"):
        draw_epoch(np.arange(1), np.ones((1, 1), np.float32), "smote", 1, generator())
    with pytest.raises(EmptyError, match="no tiles"):
        draw_epoch(np.arange(0), np.ones((0, 1), np.float32), "none", 1, generator())
