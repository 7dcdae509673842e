"""Batches of a pool: classes with some tiles of each, or tuples that were drawn by distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.errors import EmptyError
from geolabel.learn.metric.relation import Relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.learn.metric.pool import Pool, Rings


@dataclass(frozen=True, slots=True)
class Draw:
    """Tiles of one step."""

    rows: NDArray[np.int64]
    """(n,): in the pool."""
    relation: Relation


def by_class(
    pool: Pool,
    size: int,
    per_class: int,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    steps: int,
    *,
    least: int = 2,
) -> Iterator[Draw]:
    """`steps` batches of `size` tiles, `per_class` of each of some classes (Hermans et al. 2017, arXiv 1703.07737).

    Classes are drawn alike, however rare they are; a tile comes twice into a batch only where its class has too few.
    With shares, tiles are compared by what they have in common, within `bounds`. A batch has `least` classes at the
    least: 2, or 3 for quadruplets, whose negatives belong apart too. Raises EmptyError for fewer.
    """
    known, counts = np.unique(pool.labels[pool.labels >= 0], return_counts=True)
    if len(known) < 2:  # noqa: PLR2004 - something must be apart
        raise EmptyError("only one class or place is known; nothing can be told apart. Label more, or --no-supervised")
    if len(known) < least:
        raise EmptyError(
            f"a quadruplet needs tiles of {least} classes or places, and {len(known)} are known; choose --loss triplet"
        )
    members = [np.flatnonzero(pool.labels == label) for label in known.tolist()]
    wanted = min(len(known), max(least, size // per_class))
    each = max(2, size // wanted)
    for _ in range(steps):
        chosen = rng.choice(len(known), wanted, replace=False)
        rows = np.concatenate(
            [rng.choice(members[at], each, replace=bool(counts[at] < each)) for at in chosen.tolist()]
        )
        if pool.shares is not None:
            relation = Relation.of_shares(torch.from_numpy(pool.shares[rows]), bounds)
        else:
            relation = Relation.of_labels(torch.from_numpy(pool.labels[rows]))
        yield Draw(rows, relation)


def by_tuple(pool: Pool, chosen: NDArray[np.int64], size: int, rings: Rings) -> Iterator[Draw]:
    """The tuples `chosen` (k, 3 or 4) of rows of the pool, `size` at a time, in their order; the rest is left out."""
    for first in range(0, len(chosen) - size + 1, size):
        part = chosen[first : first + size]
        rows, local = np.unique(part, return_inverse=True)
        drawn = local.reshape(part.shape).astype(np.int64)
        yield Draw(rows, pool.by_distance(rows, rings, drawn))
