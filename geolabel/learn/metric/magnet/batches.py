"""Batches of neighbourhoods: a cluster on which the network does badly, and the clusters it may be mistaken for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.metric.magnet.index import ClusterIndex


class Neighbourhood(NamedTuple):
    """Tiles of one batch, cluster by cluster, the seed's first; all of shape (clusters × examples,)."""

    rows: NDArray[np.int64]
    """Tiles of the index."""
    cluster: NDArray[np.int64]
    """Their cluster's number in the batch, 0 is the seed."""
    classes: NDArray[np.int64]


def draw_batch(index: ClusterIndex, clusters: int, examples: int, rng: np.random.Generator) -> Neighbourhood:
    """Draw `examples` (D) tiles of each of `clusters` (M): a seed and the M−1 nearest clusters of other classes.

    Seeds are drawn in proportion to their mean loss; those without one count as the mean of the others, and all
    count alike where no loss is above 0. An index with fewer than M−1 clusters of other classes gives all of them,
    so the batch is smaller. No tile comes twice, unless its cluster has fewer than D: then each comes in turn.
    """
    if clusters < 2 or examples < 1:  # noqa: PLR2004
        raise OptionError(f"a batch needs at least 2 clusters of 1 tile each, got {clusters} of {examples}")
    seed = int(rng.choice(len(index.centres), p=seed_chances(index)))
    chosen = np.concatenate([[seed], _impostors(index, seed, clusters - 1)])
    tiles = [index.tiles_of(int(cluster)) for cluster in chosen]
    picked = [rng.choice(own, min(examples, len(own)), replace=False) for own in tiles]
    return Neighbourhood(
        np.concatenate([np.resize(own, examples) for own in picked]),
        np.repeat(np.arange(len(chosen)), examples),
        np.repeat(index.classes[chosen], examples),
    )


def seed_chances(index: ClusterIndex) -> NDArray[np.float64]:
    """Chance of each cluster (clusters,) to be the seed of the next batch; they sum to 1."""
    known = np.isfinite(index.losses)
    usual = index.losses[known].mean() if known.any() else 0.0
    weights = np.where(known, index.losses, usual)
    return weights / weights.sum() if usual > 0 else np.full(len(weights), 1 / len(weights))


def _impostors(index: ClusterIndex, seed: int, most: int) -> NDArray[np.int64]:
    """The nearest clusters of other classes than the seed's, nearest first."""
    others = np.flatnonzero(index.classes != index.classes[seed])
    squares = np.square(index.centres[others] - index.centres[seed]).sum(axis=1)
    # of thousands of places only the nearest are sorted
    nearest = np.argpartition(squares, most - 1)[:most] if most < len(others) else np.arange(len(others))
    return others[nearest[np.argsort(squares[nearest], kind="stable")]]
