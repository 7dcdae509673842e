"""Tuples and places of tiles that are there already: they lie where they should, wherever the tiles are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geolabel.errors import EmptyError
from geolabel.learn.metric.pool import Pool
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.teacher import TupleTeacher
from geolabel.steps.embed.training.tuples import candidates, draw_places, draw_tuples
from tests.steps.embed.distances import apart

LITTLE = 0.0101
"""A hundredth of a tile side is no distance."""
OFFLINE = "random-hard-negative,random-hard-positive"


@st.composite
def scattered(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, EmbedRecipe, int]:
    """Centres of tiles, which of them learn, and rings."""
    seed = draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    centres = rng.random((draw(st.integers(20, 200)), 2)) * draw(st.floats(3, 30))
    rows = np.sort(rng.permutation(len(centres))[: draw(st.integers(10, len(centres)))])
    low, wide, gap, far = (draw(st.floats(*ends)) for ends in ((0, 2), (0.5, 3), (0.1, 3), (1, 10)))
    recipe = EmbedRecipe(
        min_pos_dist=low,
        max_pos_dist=low + wide,
        min_neg_dist=low + wide + gap,
        max_neg_dist=low + wide + gap + far,
        loss=draw(st.sampled_from(["triplet", "quadruplet"])),
        mining=draw(st.sampled_from(["", OFFLINE])),
        random_reset=draw(st.sampled_from([0.0, 0.5, 1.0])),
        batch=draw(st.integers(2, 24)),
    )
    return centres, rows, recipe, seed


@given(scattered())
def test_tuples_lie_in_their_rings(found: tuple[np.ndarray, np.ndarray, EmbedRecipe, int]):
    centres, rows, recipe, seed = found
    wanted = 3 * recipe.batch + 1
    try:
        drawn = draw_tuples(centres, rows, wanted, recipe, np.random.default_rng(seed))
    except EmptyError:
        assume(False)
    near, far = candidates(recipe)
    assert (drawn.anchors.shape, drawn.positives.shape) == ((wanted,), (wanted, near))
    assert drawn.negatives.shape == (wanted, far)
    for members in (drawn.anchors, drawn.positives, drawn.negatives):
        assert np.isin(members, rows).all()
    positive, negative = (
        apart(centres[drawn.anchors][:, None], centres[part]) for part in (drawn.positives, drawn.negatives)
    )
    assert (positive >= recipe.min_pos_dist - LITTLE).all()
    assert (positive <= recipe.max_pos_dist + LITTLE).all()
    assert (negative >= recipe.min_neg_dist - LITTLE).all()
    assert (negative <= recipe.max_neg_dist + LITTLE).all()
    assert (drawn.positives != drawn.anchors[:, None]).all()
    again = draw_tuples(centres, rows, wanted, recipe, np.random.default_rng(seed))
    assert (again.negatives == drawn.negatives).all()


def test_how_many_are_drawn_for_an_anchor():
    assert candidates(EmbedRecipe()) == (1, 1)
    # a quadruplet's second negative is to lie apart from the first, so there must be some to choose of
    assert candidates(EmbedRecipe(loss="quadruplet")) == (1, 6)
    assert candidates(EmbedRecipe(mining=OFFLINE, redraws=7)) == (7, 7)
    assert candidates(EmbedRecipe(mining="random-hard-negative", redraws=9, loss="quadruplet")) == (1, 18)


def grid(side: int) -> np.ndarray:
    """Centres (side², 2) of tiles that fill a square."""
    return np.argwhere(np.ones((side, side), bool)) + 0.5


@pytest.mark.parametrize("random_reset", [0.0, 1.0])
def test_anchors_of_a_batch_lie_together_or_anywhere(random_reset: float):
    """Up to what the network is given: the batches of the teacher."""
    recipe = EmbedRecipe(
        min_pos_dist=1,
        max_pos_dist=2,
        min_neg_dist=5,
        max_neg_dist=9,
        random_reset=random_reset,
        batch=16,
        output_size=2,
    )
    centres, rows = grid(60), np.arange(3600)
    drawn = draw_tuples(centres, rows, 10 * 16, recipe, np.random.default_rng(0))
    pool = Pool(None, np.full(3600, -1), centres=centres, sources=np.zeros(3600, np.int64), tuples=drawn)  # type: ignore[arg-type]
    steps = list(TupleTeacher.of(recipe).steps(pool, lambda _: np.zeros((0, 2)), np.random.default_rng(1), 10))
    assert len(steps) == 10
    spread = []
    for step in steps:
        anchors = centres[step.rows[step.relation.drawn[:, 0].numpy()]]  # type: ignore[attr-defined]
        assert len(anchors) == 16
        spread.append(apart(anchors[:, None], anchors).max())
    if random_reset == 0:
        assert max(spread) <= 2 * recipe.max_pos_dist  # all near the first of them
    else:
        assert min(spread) > 25  # in 16 of random places of 60 × 60, some two lie far apart


def test_tiles_that_lack_somebody_are_made_up_for_by_their_own_batch():
    """Two islands of 5 × 5 tiles, and single tiles beside each: these have nobody near, and are no anchors."""
    island = grid(5)
    centres = np.concatenate([island, island + np.array([20, 0]), [[2.5, 12.0], [22.5, 12.0]]])
    recipe = EmbedRecipe(min_pos_dist=1, max_pos_dist=1.5, min_neg_dist=15, max_neg_dist=30, random_reset=0.0, batch=10)
    drawn = draw_tuples(centres, np.arange(52), 200, recipe, np.random.default_rng(0))
    assert (drawn.anchors < 50).all()
    batches = centres[drawn.anchors].reshape(20, 10, 2)
    assert apart(batches[:, :, None], batches[:, None]).max() <= 2 * 1.5
    assert len(np.unique(drawn.anchors)) > 20


@pytest.mark.parametrize("bent", [0.9995, 1.0, 1.0005])
def test_neighbours_on_a_grid_are_one_side_apart_where_it_is_bent(bent: float):
    """As every projection bends it."""
    recipe = EmbedRecipe(min_pos_dist=1, max_pos_dist=1, min_neg_dist=4, max_neg_dist=4, batch=8)
    drawn = draw_tuples(grid(9) * bent, np.arange(81), 400, recipe, np.random.default_rng(0))
    step = np.abs(grid(9)[drawn.anchors] - grid(9)[drawn.positives[:, 0]])
    assert (np.sort(step, axis=1) == [0, 1]).all()
    assert 0.3 < step[:, 0].mean() < 0.7  # to the sides as often as up and down
    far = np.abs(grid(9)[drawn.anchors] - grid(9)[drawn.negatives[:, 0]])
    assert (np.sort(far, axis=1) == [0, 4]).all()


def test_nobody_far_is_said_in_one_line():
    with pytest.raises(EmptyError, match=r"1–5 tile sides away and one 10–25 away; lower --min-neg-dist") as told:
        draw_tuples(grid(4), np.arange(16), 8, EmbedRecipe(), np.random.default_rng(0))
    assert "\n" not in str(told.value)


@given(scattered())
def test_places_lie_apart_and_their_tiles_together(found: tuple[np.ndarray, np.ndarray, EmbedRecipe, int]):
    centres, rows, recipe, seed = found
    try:
        labels = draw_places(centres, rows, recipe, np.random.default_rng(seed))
    except EmptyError:
        assume(False)
    assert (labels[np.setdiff1d(np.arange(len(centres)), rows)] == -1).all()
    placed = np.flatnonzero(labels >= 0)
    assert len(np.unique(labels[placed])) >= 2
    between = apart(centres[placed][:, None], centres[placed])
    same = labels[placed][:, None] == labels[placed]
    assert (between[same] <= recipe.max_pos_dist * (1 + 1e-9)).all()
    assert (between[~same] >= recipe.min_neg_dist * (1 - 1e-9)).all()


def test_places_are_others_each_time_and_one_is_none():
    recipe = EmbedRecipe(max_pos_dist=2, min_neg_dist=5)
    centres, rows = grid(30), np.arange(900)
    one, other = (draw_places(centres, rows, recipe, np.random.default_rng(seed)) for seed in (0, 1))
    assert (one != other).any()
    with pytest.raises(EmptyError, match=r"no two tiles lie 7 tile sides apart.*lower them") as told:
        draw_places(grid(4), np.arange(16), recipe, np.random.default_rng(0))
    assert "\n" not in str(told.value)
