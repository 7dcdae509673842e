"""Tuples and places drawn from the ground: which windows are read, and how they belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError
from geolabel.learn.metric.pool import Tuples
from geolabel.steps.embed.training.tuples import candidates
from geolabel.tiling.neighbours import far_apart
from geolabel.tiling.parts import same_lattice
from geolabel.tiling.places import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.tiling.ground import Ground

_TRIED = 4_096
"""Places that are asked whether they may be the middle of one of magnet's."""
MOST_TILES = 2_048
"""Of all of magnet's places together."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Windows of a pool."""

    places: Places
    labels: NDArray[np.int64]
    """(n,): place of each window, for magnet; -1 for windows of tuples."""
    tuples: Tuples | None


def lay_tuples(ground: Ground, count: int, recipe: EmbedRecipe, rng: np.random.Generator) -> Layout:
    """`count` tuples: anchors anywhere, or in clusters where `random_reset` is below 1; who is near, and who is far.

    Raises EmptyError where the ground is too small for the distances.
    """
    near, far = candidates(recipe)
    positive, negative = (
        (low * ground.size, high * ground.size)
        for low, high in (
            (recipe.min_pos_dist, recipe.max_pos_dist),
            (recipe.min_neg_dist, recipe.max_neg_dist),
        )
    )
    anchors, first, others = ground.triplets(count, rng, positive=positive, negative=negative, negatives=far)
    if recipe.random_reset < 1:
        anchors, first, others = _beside(ground, (anchors, first, others), (positive, negative), far, recipe, rng)
    count = len(anchors)
    more, found = ground.around(anchors.take(np.repeat(np.arange(count), near - 1)), *positive, rng)
    more = _where(found, more, first.take(np.repeat(np.arange(count), near - 1)))
    at = np.arange(count)
    positives = np.column_stack([count + at, (2 + far) * count + np.arange(count * (near - 1)).reshape(count, -1)])
    return Layout(
        Places.concat([anchors, first, others, more]),
        np.full(count * (1 + near + far), -1, dtype=np.int64),
        Tuples(at, positives, 2 * count + np.arange(count * far).reshape(count, far)),
    )


def _beside(
    ground: Ground,
    drawn: tuple[Places, Places, Places],
    rings: tuple[tuple[float, float], tuple[float, float]],
    far: int,
    recipe: EmbedRecipe,
    rng: np.random.Generator,
) -> tuple[Places, Places, Places]:
    """Tuples whose anchors are drawn by a walk; those that lack somebody stay as they were drawn."""
    count = len(drawn[0])
    anchors = ground.clusters(count, recipe.batch, rings[0][1], rng, recipe.random_reset)
    near, whole = ground.around(anchors, *rings[0], rng)
    others, found = ground.around(anchors.take(np.repeat(np.arange(count), far)), *rings[1], rng)
    whole &= found.reshape(count, far).all(axis=1)
    return (
        _where(whole, anchors, drawn[0]),
        _where(whole, near, drawn[1]),
        _where(np.repeat(whole, far), others, drawn[2]),
    )


def _where(wanted: NDArray[np.bool_], some: Places, others: Places) -> Places:
    return Places(*(np.where(wanted, getattr(some, name), getattr(others, name)) for name in ("source", "col", "row")))


def lay_places(
    ground: Ground, steps: int, recipe: EmbedRecipe, rng: np.random.Generator, most_tiles: int = MOST_TILES
) -> Layout:
    """Places for magnet, each with its tiles: no two of one place are farther apart than positives may be.

    All places together have about `most_tiles` tiles. Tiles of different places are at least as far apart as negatives
    must be; dates of one ground, on one lattice, are one ground here. Raises EmptyError for fewer than two places.
    """
    tried = ground.random(_TRIED, rng)
    centres = np.column_stack([tried.col, tried.row]) / ground.size
    apart = recipe.min_neg_dist + recipe.max_pos_dist
    # rasters on different lattices are not compared by distance: as if they lay far beside each other
    centres[:, 0] += same_lattice(ground.infos)[tried.source] * (centres.max() + 2 * apart)
    middles = tried.take(far_apart(centres, apart, rng))
    if len(middles) < 2:  # noqa: PLR2004 - a place, and another
        raise EmptyError(
            f"the ground is too small for two places {apart * ground.size:g} px apart (--min-neg-dist and "
            "--max-pos-dist together); lower them or --size, or give more rasters"
        )
    most = max(2, min(steps * recipe.magnet_clusters, most_tiles // recipe.magnet_tiles))
    middles = middles.take(np.arange(min(len(middles), most)))
    per = min(2 * recipe.magnet_tiles, max(recipe.magnet_tiles, most_tiles // len(middles)))
    labels = np.repeat(np.arange(len(middles)), per)
    places, _ = ground.around(middles.take(labels), 0.0, recipe.max_pos_dist / 2 * ground.size, rng)
    return Layout(places, labels, None)
