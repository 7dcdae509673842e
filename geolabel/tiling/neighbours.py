"""Which tiles lie in a ring around others, and places that lie far apart; centres in tile sides, any plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 2_048
"""Anchors whose neighbours are looked at together, at the most."""
_PAIRS = 1 << 22
"""Pairs of anchors and neighbours that are in memory together, about."""
_TRIED = 32
"""Anchors that tell how many neighbours there are."""


def draw_in_ring(
    centres: NDArray[np.float64],
    anchors: NDArray[np.int64],
    members: NDArray[np.int64],
    ring: tuple[float, float],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """For each of `anchors` (k,), `count` of `members` whose centres lie in the ring: (k, count), -1 where none does.

    `centres` (n, 2); anchors and members are rows of it. Drawn alike, none twice, unless there are fewer than `count`:
    then they come again in turn.
    """
    from scipy.spatial import cKDTree

    found = np.full((len(anchors), count), -1, dtype=np.int64)
    if not len(members):
        return found
    tree = cKDTree(centres[members])
    around = tree.query_ball_point(centres[anchors[:_TRIED]], ring[1], return_length=True) if len(anchors) else [1]
    step = int(np.clip(_PAIRS // max(1.0, float(np.mean(around))), 1, _AT_ONCE))
    for start in range(0, len(anchors), step):
        part = slice(start, start + step)
        near = cKDTree(centres[anchors[part]]).sparse_distance_matrix(tree, ring[1], output_type="ndarray")
        own = members[near["j"]] == anchors[part][near["i"]]
        near = near[(near["v"] >= ring[0]) & ~own]
        near = near[np.lexsort((rng.random(len(near)), near["i"]))]
        sizes = np.bincount(near["i"], minlength=len(found[part]))
        starts = np.cumsum(sizes) - sizes
        some = np.flatnonzero(sizes)
        at = starts[some, None] + np.arange(count) % sizes[some, None]
        found[start + some] = members[near["j"][at]]
    return found


def far_apart(centres: NDArray[np.float64], distance: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of `centres` (n, 2), no two nearer than `distance`: as many as fit when taken in random order."""
    from scipy.spatial import cKDTree

    tree = cKDTree(centres)
    free = np.ones(len(centres), dtype=bool)
    kept = []
    for row in rng.permutation(len(centres)).tolist():
        if free[row]:
            kept.append(row)
            # what lies at the distance itself is far enough
            free[tree.query_ball_point(centres[row], distance * (1 - 1e-9))] = False
    return np.array(kept, dtype=np.int64)


def nearest_place(centres: NDArray[np.float64], places: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """Number of the nearest of `places` (p, 2) within `reach` of each of `centres` (n, 2); -1 where none is."""
    from scipy.spatial import cKDTree

    distance, number = cKDTree(places).query(centres, distance_upper_bound=np.nextafter(reach, np.inf))
    return np.where(np.isfinite(distance), number, -1).astype(np.int64)
