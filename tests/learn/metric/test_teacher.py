"""Teachers: what is drawn for a step, and what is told about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from geolabel.errors import EmptyError, OptionError
from geolabel.learn.chips import Chips
from geolabel.learn.metric.pool import Pool, Tuples
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.teacher import MagnetTeacher, TupleTeacher, harden, teacher_of

GENERATOR = torch.Generator().manual_seed(0)


def pool(labels: np.ndarray, **given: Any) -> Pool:
    count = len(labels)
    return Pool(Chips(np.zeros((count, 1, 2, 2), np.uint8), np.ones((count, 2, 2), bool)), labels, **given)


def nobody(rows: np.ndarray) -> np.ndarray:
    raise AssertionError(f"nobody asked for vectors of {rows}")


def test_steps_by_class_need_no_vectors():
    recipe = EmbedRecipe(batch=12, per_class=4)
    steps = list(TupleTeacher.of(recipe).steps(pool(np.arange(40) % 5), nobody, np.random.default_rng(0), 7))
    assert [len(step.rows) for step in steps] == [12] * 7
    vectors = torch.randn(12, 3, generator=GENERATOR)
    outcome = steps[0].judge(vectors, GENERATOR)
    assert outcome.loss.isfinite()
    same, other = (
        np.concatenate([step.rows for step in TupleTeacher.of(recipe).steps(pool(np.arange(40) % 5), nobody, rng, 7)])
        for rng in (np.random.default_rng(0), np.random.default_rng(1))
    )
    assert (same == np.concatenate([step.rows for step in steps])).all()
    assert (same != other).any()


@pytest.mark.parametrize(("batch", "per_class"), [(8, 4), (4, 4), (12, 2)])
def test_batches_of_quadruplets_hold_some(batch: int, per_class: int):
    recipe = EmbedRecipe(loss="quadruplet", batch=batch, per_class=per_class)
    for step in TupleTeacher.of(recipe).steps(pool(np.arange(40) % 5), nobody, np.random.default_rng(0), 5):
        outcome = step.judge(torch.zeros(len(step.rows), 3), GENERATOR)
        assert outcome.active == 1  # vectors that are all the same have everything to learn


def test_two_classes_make_no_quadruplet():
    with pytest.raises(EmptyError, match="a quadruplet needs tiles of 3 classes or places, and 2 are known"):
        next(
            iter(
                TupleTeacher.of(EmbedRecipe(loss="quadruplet")).steps(
                    pool(np.arange(40) % 2), nobody, np.random.default_rng(0), 1
                )
            )
        )


def drawn_pool(count: int) -> Pool:
    """Anchor k, positive k + 1, negative k + 50, on a line."""
    at = np.arange(count)
    tuples = Tuples(at, at[:, None] + 1, at[:, None] + 50)
    centres = np.column_stack([np.arange(200.0), np.zeros(200)])
    return pool(np.full(200, -1), centres=centres, sources=np.zeros(200, np.int64), tuples=tuples)


def test_tuples_come_in_the_order_in_which_they_were_drawn():
    """So that batches whose anchors were drawn side by side stay what they are."""
    recipe = EmbedRecipe(batch=10, min_pos_dist=1, max_pos_dist=1, min_neg_dist=50, max_neg_dist=50)
    steps = list(TupleTeacher.of(recipe).steps(drawn_pool(35), nobody, np.random.default_rng(0), 9))
    anchors = [step.rows[step.relation.drawn[:, 0].numpy()].tolist() for step in steps]  # type: ignore[attr-defined]
    assert anchors == [list(range(10)), list(range(10, 20)), list(range(20, 30))]  # five are left over
    fewer = list(TupleTeacher.of(recipe).steps(drawn_pool(35), nobody, np.random.default_rng(0), 2))
    assert len(fewer) == 2
    relation = steps[0].relation  # type: ignore[attr-defined]
    rows = steps[0].rows
    near = np.abs(rows[:, None] - rows) == 1
    assert (relation.positive.numpy() == near).all()
    assert (relation.negative.numpy() == (np.abs(rows[:, None] - rows) == 50)).all()


def test_fewer_tuples_than_a_batch_are_one_step():
    recipe = EmbedRecipe(batch=64, min_pos_dist=1, max_pos_dist=1, min_neg_dist=50, max_neg_dist=50)
    (step,) = TupleTeacher.of(recipe).steps(drawn_pool(7), nobody, np.random.default_rng(0), 4)
    assert len(step.rows) == 15  # 0 … 7 and 50 … 56


@pytest.mark.parametrize("mining", ["", "random-hard-negative"])
def test_the_negatives_of_a_quadruplet_lie_apart_too(mining: str):
    """Tiles on a line; the anchor at 0 has negatives at 10, 12, 25 and −11; of these −11 and 25 are 10 from 10."""
    at = np.array([0, 1, 10, 12, 25, -11.0])
    tuples = Tuples(np.array([0]), np.array([[1]]), np.array([[2, 3, 4, 5]]))
    found = pool(np.full(6, -1), centres=np.column_stack([at, 0 * at]), sources=np.zeros(6, np.int64), tuples=tuples)
    vectors = np.array([0, 0, 3, 1, 4, 2], np.float32)[:, None]  # 12 is the hardest, then −11, which is apart from it
    recipe = EmbedRecipe(loss="quadruplet", mining=mining, min_neg_dist=10, max_neg_dist=30)
    expected = [0, 1, 3, 5] if mining else [0, 1, 2, 4]
    assert harden(found, recipe, lambda rows: vectors[rows]).tolist() == [expected]
    near = replace(tuples, negatives=np.array([[2, 3]]))
    with pytest.raises(EmptyError, match="no two negatives of an anchor lie 10 tile sides apart, as quadruplets need"):
        harden(replace(found, tuples=near), recipe, lambda rows: vectors[rows])


def test_magnet_is_told_its_losses_and_looks_where_it_is_bad():
    """Two pairs of classes: two lie on each other, the others far from all; the seeds come from the former."""
    labels = np.repeat(np.arange(4), 20)
    rng = np.random.default_rng(0)
    middles = np.array([[0, 0], [0.1, 0], [100, 0], [0, 100]], float)
    vectors = (middles[labels] + rng.normal(0, 1, (80, 2))).astype(np.float32)
    asked: list[int] = []

    def encode(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return vectors[rows]

    recipe = EmbedRecipe(loss="magnet", output_size=2, magnet_clusters=2, magnet_tiles=5, magnet_per_class=1, margin=1)
    teacher = teacher_of(recipe, by_place=False)
    assert isinstance(teacher, MagnetTeacher)
    unknown = np.concatenate([labels, [-1, -1]])
    steps = list(teacher.steps(pool(unknown), encode, np.random.default_rng(0), 60))
    assert asked == [80]  # once, of what is known
    seeds = np.array([labels[step.rows[0]] for step in steps])
    assert (seeds < 2).all()
    for step in steps:
        assert len(step.rows) == 10
        assert len(np.unique(labels[step.rows])) == 2
    outcome = steps[0].judge(torch.from_numpy(vectors[steps[0].rows]), GENERATOR)
    assert 0 < outcome.active <= 1


def test_magnet_follows_the_losses_of_its_steps():
    """What it is told of one cluster makes that the next seed."""
    labels = np.repeat(np.arange(3), 8)
    vectors = (np.eye(3)[labels] + np.random.default_rng(0).normal(0, 0.01, (24, 3))).astype(np.float32)
    recipe = EmbedRecipe(loss="magnet", output_size=3, magnet_clusters=2, magnet_tiles=8, margin=0.0, lr=1)
    steps = MagnetTeacher(recipe, by_place=True).steps(
        pool(labels), lambda rows: vectors[rows], np.random.default_rng(3), 30
    )
    first = next(steps)
    bad = labels[first.rows[0]]
    first.told(first.rows, np.where(labels[first.rows] == bad, 10, 0).astype(np.float32))  # type: ignore[attr-defined]
    seeds = np.array([labels[step.rows[0]] for step in steps])
    assert (seeds == bad).all()  # the others had no loss, and have none


def test_no_two_places():
    recipe = EmbedRecipe(loss="magnet", output_size=2)
    steps = MagnetTeacher(recipe, by_place=True).steps(
        pool(np.zeros(9, np.int64)), lambda rows: np.zeros((len(rows), 2), np.float32), np.random.default_rng(0), 1
    )
    with pytest.raises(EmptyError, match="there are 1; draw tiles at two places"):
        next(steps)


def test_a_miner_that_nobody_knows():
    with pytest.raises(OptionError, match="no-such-miner") as refused:
        teacher_of(EmbedRecipe(mining="no-such-miner"), by_place=False)
    assert "\n" not in str(refused.value)
