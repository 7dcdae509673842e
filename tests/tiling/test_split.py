"""Train and test stay apart: by brute force over all pairs of tiles."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.errors import EmptyError, OptionError
from geolabel.tiling.split import UNUSED, buffer_out, draw_folds, draw_split, spatial_blocks

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def one_hot(values: np.ndarray, classes: int) -> np.ndarray:
    return (values[:, None] == np.arange(classes)).astype(float)


@given(st.integers(0, 999), st.integers(1, 80), st.floats(10, 5_000))
def test_blocks_are_squares_of_that_side(seed: int, count: int, block_m: float) -> None:
    centres = np.random.default_rng(seed).random((count, 2)) * 10_000
    blocks = spatial_blocks(centres, block_m)
    assert sorted(set(blocks.tolist())) == list(range(blocks.max() + 1))
    for block in set(blocks.tolist()):
        inside = centres[blocks == block]
        assert (np.ptp(inside, axis=0) <= block_m).all()


def test_blocks_by_hand_and_without_size() -> None:
    centres = np.array([[0, 0], [99, 99], [100, 0], [0, 250]], dtype=float)
    blocks = spatial_blocks(centres, 100)
    assert blocks[0] == blocks[1]
    assert len(set(blocks.tolist())) == 3
    with pytest.raises(OptionError, match=r"--block must be more than 0 m, got 0"):
        spatial_blocks(centres, 0)


@settings(max_examples=25)
@given(st.integers(0, 999), st.integers(3, 40), st.integers(0, 5))
def test_groups_are_never_torn_and_every_part_is_there(seed: int, groups: int, draw: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 30, groups) ** 2  # some groups are much larger than others
    group = np.repeat(np.arange(groups), sizes)
    presence = one_hot(rng.integers(0, 3, len(group)), 3)
    parts = draw_split(group, presence, SHARES, draw)
    assert set(parts) == {"train", "val", "test"}
    assert all(len(set(parts[group == number])) == 1 for number in range(groups))
    np.testing.assert_array_equal(parts, draw_split(group, presence, SHARES, draw))


def test_one_large_group_still_leaves_one_for_each_part() -> None:
    group = np.repeat([0, 1, 2], [90, 5, 5])
    for seed in range(5):
        parts = draw_split(group, np.zeros((100, 0)), SHARES, seed)
        assert set(parts) == {"train", "val", "test"}
        assert set(parts[group == 0]) == {"train"}


def test_another_seed_is_another_split() -> None:
    group = np.arange(200)
    first, second = (draw_split(group, np.zeros((200, 0)), SHARES, seed) for seed in (1, 2))
    assert (first != second).any()


def test_shares_are_met_where_groups_are_small() -> None:
    parts = draw_split(np.arange(400), np.zeros((400, 0)), SHARES, 0)
    assert [(parts == name).mean() for name in SHARES] == pytest.approx(list(SHARES.values()), abs=0.01)


def test_a_part_without_a_share_is_not_made() -> None:
    parts = draw_split(np.arange(40), np.zeros((40, 0)), {"train": 0.8, "val": 0.2, "test": 0.0}, 0)
    assert set(parts) == {"train", "val"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rare", [3, 4, 6])
def test_a_rare_class_lands_in_every_part(seed: int, rare: int) -> None:
    """Thirty groups of ten tiles; one class lives in three, four or six of them."""
    group = np.repeat(np.arange(30), 10)
    holders = np.random.default_rng(seed).choice(30, rare, replace=False)
    presence = np.column_stack([np.isin(group, holders), np.ones(300)]).astype(float)
    parts = draw_split(group, presence, SHARES, seed)
    assert set(parts[presence[:, 0] > 0]) == {"train", "val", "test"}


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(EmptyError, match=r"2 spatial blocks or groups cannot make 3 parts; give a smaller --block"):
        draw_split(np.array([0, 0, 1]), np.zeros((3, 0)), SHARES, 0)
    with pytest.raises(EmptyError, match=r"2 blocks or groups cannot make 5 folds; .*--folds"):
        draw_folds(np.array([0, 0, 1]), 5, 0)


@given(st.integers(0, 999), st.integers(2, 60), st.data())
def test_folds_are_a_partition_of_whole_groups(seed: int, groups: int, data) -> None:
    folds = data.draw(st.integers(2, groups))
    group = np.random.default_rng(seed).permutation(np.repeat(np.arange(groups), 1 + np.arange(groups) % 4))
    fold = draw_folds(group, folds, seed)
    assert set(fold.tolist()) == set(range(folds))
    assert all(len(set(fold[group == number])) == 1 for number in range(groups))
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= np.bincount(group).max()
    np.testing.assert_array_equal(fold, draw_folds(group, folds, seed))


@settings(max_examples=25)
@given(st.integers(0, 9_999), st.sampled_from([0.0, 50.0, 120.0, 400.0]))
def test_nothing_is_left_within_the_buffer(seed: int, buffer_m: float) -> None:
    rng = np.random.default_rng(seed)
    count = 120
    centres = rng.random((count, 2)) * 2_000
    half = rng.choice([20.0, 50.0], count)
    parts = rng.choice(["train", "val", "test"], count, p=[0.8, 0.1, 0.1])
    left = buffer_out(parts, centres, half, buffer_m)
    boxes = shapely.box(*(centres - half[:, None]).T, *(centres + half[:, None]).T)
    distance = shapely.distance(boxes[:, None], boxes[None])
    deep = np.abs(centres[:, None] - centres[None]).max(axis=2) - half[:, None] - half[None]
    touching = -0.01 * (half[:, None] + half[None])  # a plane is not the map's own: touching tiles may seem to overlap
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        pairs = np.ix_(left == one, left == other)
        assert (deep[pairs] >= touching[pairs]).all()
        assert (distance[pairs] >= buffer_m + touching[pairs]).all()
    assert ((left == parts) | (left == UNUSED)).all()
    assert (left[parts == "test"] == "test").all()


def test_the_buffer_takes_no_more_than_it_must() -> None:
    """Tiles of 100 m in a row: touching ones go, those beyond the buffer stay."""
    centres = np.column_stack([np.arange(6) * 100.0, np.zeros(6)])
    parts = np.array(["test", "train", "train", "train", "train", "train"])
    half = np.full(6, 50.0)
    assert buffer_out(parts, centres, half, 0.0).tolist() == parts.tolist()
    assert buffer_out(parts, centres, half, 100.0).tolist() == ["test", UNUSED, *["train"] * 4]
    assert buffer_out(parts, centres, half, 250.0).tolist() == ["test", UNUSED, UNUSED, UNUSED, "train", "train"]


def test_tiles_without_a_place_stay() -> None:
    centres = np.array([[np.nan, np.nan], [0.0, 0.0], [10.0, 0.0]])
    parts = np.array(["train", "test", "train"])
    assert buffer_out(parts, centres, np.full(3, 50.0), 100.0).tolist() == ["train", "test", UNUSED]
