"""Groups of vectors that lie together: k-means over a whole file, and HDBSCAN on a sample of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings.sampling import every, step_for
from geolabel.errors import EmptyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.embeddings.sampling import Read

SAMPLE = 20_000
"""Vectors, at the most, by which k-means begins: every n-th of all."""
DENSE_SAMPLE = 8_000
"""Vectors, at the most, that HDBSCAN sees: its time grows with their square, half a minute for these."""
NOISE = -1
_STARTS = 8
"""Draws of first centres (k-means++), of which the best is followed."""
_PASSES = 30
_SETTLED = 1e-4
"""Share by which the squared distances must still fall for another pass."""
_INSIDE = 0.95
"""Share of a cluster's sampled members within its radius."""
_LEAST_SHARE, _LEAST = 0.01, 5
"""Of the sample, that a cluster of HDBSCAN has at the least; and vectors."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Where clusters lie, the largest first, and which vector belongs to which."""

    centres: NDArray[np.float32]
    """(clusters, size)."""
    members: NDArray[np.int16]
    """Cluster of each vector (n,); NOISE where it belongs to none."""
    prototypes: NDArray[np.int64]
    """Row of the member that lies nearest its centre: (clusters,); the first where several do."""


def sample(read: Read, count: int, most: int = SAMPLE) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows (m,) and vectors (m, size) of every n-th of `count` vectors. Raises EmptyError where there are none."""
    if not count:
        raise EmptyError("no vectors to cluster; encode some tiles first")
    step = step_for(count, most)
    return np.arange(0, count, step), np.concatenate([part.astype(np.float32) for part in every(read, step)])


def kmeans(read: Read, count: int, clusters: int, seed: int, most: int = SAMPLE) -> Clusters:
    """k-means over all `count` vectors that `read` gives in blocks (first row, vectors (n, size)).

    Begins on a sample, from the best of some draws of first centres; then all vectors move the centres, pass by pass
    (Lloyd), until that changes nothing that counts. Clusters that no vector belongs to are left out. Source: Arthur and
    Vassilvitskii 2007, k-means++.
    """
    from sklearn.cluster import kmeans_plusplus

    _, few = sample(read, count, most)
    rng = np.random.RandomState(seed)
    starts = [kmeans_plusplus(few, min(clusters, len(few)), random_state=rng)[0] for _ in range(_STARTS)]
    tried = [_lloyd(lambda: [(0, few)], centres) for centres in starts]
    centres, _ = min(tried, key=lambda found: found[1])
    if len(few) < count:
        centres, _ = _lloyd(read, centres)
    return _settled(read, count, centres, None)


def hdbscan(read: Read, count: int, most: int = DENSE_SAMPLE) -> Clusters:
    """HDBSCAN on a sample of the vectors; each other one belongs to the nearest cluster within whose radius it lies.

    The radius is the distance from a cluster's mean within which 95 % of its sampled members lie. A cluster has at
    least 1 % of the sample. Source: Campello, Moulavi and Sander 2013. Raises EmptyError where there is no cluster.
    """
    from sklearn.cluster import HDBSCAN

    rows, few = sample(read, count, most)
    least = max(_LEAST, round(_LEAST_SHARE * len(few)))
    told = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(few) if len(few) >= least else np.full(len(few), -1)
    names = range(int(told.max()) + 1)
    if not names:
        raise EmptyError(f"HDBSCAN finds no cluster of {least} vectors or more: they do not lie in groups; use kmeans")
    centres = np.stack([few[told == name].mean(axis=0) for name in names])
    distances = [np.linalg.norm(few[told == name] - centres[name], axis=1) for name in names]
    radii = np.array([np.quantile(each, _INSIDE) for each in distances], np.float32)
    return _settled(read, count, centres, radii, dict(zip(rows.tolist(), told.tolist(), strict=True)))


def squared_distances(vectors: NDArray[Any], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (n, clusters) of vectors (n, size) from centres (clusters, size)."""
    around = vectors.astype(np.float32)
    lengths = np.einsum("ij,ij->i", around, around)[:, None] + np.einsum("ij,ij->i", centres, centres)
    found: NDArray[np.float32] = np.maximum(lengths - 2 * (around @ centres.T), 0)
    return found


def _lloyd(read: Read, centres: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Centres after passes over all vectors, and the sum of squared distances before the last."""
    before = np.inf
    for _ in range(_PASSES):
        sums, counts, spread = np.zeros(centres.shape), np.zeros(len(centres)), 0.0
        for _, vectors in read():
            distances = squared_distances(vectors, centres)
            nearest = distances.argmin(axis=1)
            chosen = np.zeros(distances.shape, np.float32)
            chosen[np.arange(len(nearest)), nearest] = 1
            sums += chosen.T @ vectors.astype(np.float32)
            counts += chosen.sum(axis=0)
            spread += float(distances.min(axis=1).sum(dtype=np.float64))
        full = counts > 0
        centres = centres.copy()
        centres[full] = (sums[full] / counts[full, None]).astype(np.float32)
        if spread >= before * (1 - _SETTLED):
            break
        before = spread
    return centres, spread


def _settled(
    read: Read,
    count: int,
    centres: NDArray[np.float32],
    radii: NDArray[np.float32] | None,
    told: dict[int, int] | None = None,
) -> Clusters:
    """Every vector in its cluster: the nearest, within its radius where there are radii, or the one that was told."""
    members = np.full(count, NOISE, np.int16)
    best, prototypes = np.full(len(centres), np.inf), np.zeros(len(centres), np.int64)
    limits = np.full(len(centres), np.inf) if radii is None else radii.astype(np.float64) ** 2
    known = np.full(count, NOISE - 1, np.int16)
    if told:
        known[list(told)] = list(told.values())
    for first, vectors in read():
        distances = squared_distances(vectors, centres)
        inside = np.where(distances <= limits, distances, np.inf)
        own = np.where(np.isfinite(inside.min(axis=1)), inside.argmin(axis=1), NOISE)
        given = known[first : first + len(vectors)]
        own = np.where(given >= NOISE, given, own)
        members[first : first + len(vectors)] = own
        for name in np.unique(own[own >= 0]).tolist():
            inner = np.flatnonzero(own == name)
            nearest = inner[distances[inner, name].argmin()]
            if distances[nearest, name] < best[name]:
                best[name], prototypes[name] = distances[nearest, name], first + nearest
    return _largest_first(centres, members, prototypes)


def _largest_first(centres: NDArray[np.float32], members: NDArray[np.int16], prototypes: NDArray[np.int64]) -> Clusters:
    sizes = np.bincount(members[members >= 0], minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    names = np.full(len(centres) + 1, NOISE, np.int16)  # the last is noise's own
    names[order] = np.arange(len(order))
    return Clusters(centres[order], names[members], prototypes[order])
