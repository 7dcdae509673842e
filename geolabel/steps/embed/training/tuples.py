"""Tuples by distance, from tiles that are there already: anchors, and who lies near and far of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError
from geolabel.learn.metric.pool import ROUNDING, Tuples
from geolabel.learn.metric.recipe import OFFLINE
from geolabel.tiling.neighbours import draw_in_ring, far_apart, nearest_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.metric.recipe import EmbedRecipe

_SECOND = 6
"""Negatives drawn for a quadruplet."""
_PLACES_TRIED = 4_096
"""Tiles that are asked whether they may be the middle of a place of their own."""


def candidates(recipe: EmbedRecipe) -> tuple[int, int]:
    """How many positives, and how many negatives, are drawn for an anchor."""
    hard_negative, hard_positive = (name in recipe.mining_names for name in OFFLINE)
    negatives = recipe.redraws if hard_negative else 1
    if recipe.loss == "quadruplet":  # its second negative is to lie apart from the first, which not all do
        negatives = max(_SECOND, 2 * negatives)
    return recipe.redraws if hard_positive else 1, negatives


def draw_tuples(
    centres: NDArray[np.float64],
    rows: NDArray[np.int64],
    wanted: int,
    recipe: EmbedRecipe,
    rng: np.random.Generator,
) -> Tuples:
    """`wanted` tuples among the tiles `rows` (m,), whose `centres` (n, 2) are in tile sides.

    Tiles that have nobody near or nobody far are no anchors. With a `random_reset` below 1, anchors that follow each
    other, a batch of them, lie together. Raises EmptyError where there is no tuple at all.
    """
    near, far = candidates(recipe)
    anchors = _anchors(centres, rows, wanted, recipe, rng)
    positive, negative = (
        (low - ROUNDING, high + ROUNDING)
        for low, high in (
            (recipe.min_pos_dist, recipe.max_pos_dist),
            (recipe.min_neg_dist, recipe.max_neg_dist),
        )
    )
    positives = draw_in_ring(centres, anchors, rows, positive, near, rng)
    negatives = draw_in_ring(centres, anchors, rows, negative, far, rng)
    whole = (positives >= 0).all(axis=1) & (negatives >= 0).all(axis=1)
    if not whole.any():
        raise EmptyError(
            f"no tile has another {recipe.min_pos_dist:g}–{recipe.max_pos_dist:g} tile sides away and one "
            f"{recipe.min_neg_dist:g}–{recipe.max_neg_dist:g} away; lower --min-neg-dist, or give more tiles"
        )
    kept = _made_up(np.flatnonzero(whole), wanted, recipe)
    return Tuples(anchors[kept], positives[kept], negatives[kept])


def _made_up(kept: NDArray[np.int64], wanted: int, recipe: EmbedRecipe) -> NDArray[np.int64]:
    """`wanted` of the tuples `kept`: others come again for those that lack somebody, as tiles at the border do.

    Where batches lie together, others of the same batch; a batch of which nothing is left is another one again.
    """
    if recipe.random_reset >= 1:
        return np.resize(kept, wanted)
    _, first, count = np.unique(kept // recipe.batch, return_index=True, return_counts=True)
    at = first[:, None] + np.arange(recipe.batch) % count[:, None]
    return np.resize(kept[at], wanted)


def _anchors(
    centres: NDArray[np.float64],
    rows: NDArray[np.int64],
    wanted: int,
    recipe: EmbedRecipe,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """A walk: with the chance `random_reset` the next anchor is any tile, else one near the first of its batch."""
    free = np.resize(rng.permutation(rows), wanted)
    if recipe.random_reset >= 1:
        return free
    first = np.arange(wanted) // recipe.batch * recipe.batch
    stays = (rng.random(wanted) >= recipe.random_reset) & (first < np.arange(wanted))
    beside = draw_in_ring(centres, free[first], rows, (0.0, recipe.max_pos_dist), 1, rng)[:, 0]
    return np.where(stays & (beside >= 0), beside, free)


def draw_places(
    centres: NDArray[np.float64], rows: NDArray[np.int64], recipe: EmbedRecipe, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Number of the place of each tile (n,), -1 for those of none: places for magnet, drawn anew among `rows` (m,).

    Tiles of one place lie within the largest distance of positives of each other, those of different places at least
    the smallest distance of negatives apart. Raises EmptyError for fewer than two places.
    """
    some = rng.permutation(rows)[:_PLACES_TRIED]
    middles = some[far_apart(centres[some], recipe.min_neg_dist + recipe.max_pos_dist, rng)]
    labels = np.full(len(centres), -1, dtype=np.int64)
    labels[rows] = nearest_place(centres[rows], centres[middles], recipe.max_pos_dist / 2)
    if len(middles) < 2:  # noqa: PLR2004 - a place, and another
        raise EmptyError(
            f"no two tiles lie {recipe.min_neg_dist + recipe.max_pos_dist:g} tile sides apart, which places need "
            "(--min-neg-dist and --max-pos-dist together); lower them, or give more tiles"
        )
    return labels
