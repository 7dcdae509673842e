"""Where every tile stands in a new index, before any of them was in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.metric.magnet.index import with_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.metric.magnet.index import ClusterIndex

_AT_ONCE = 1 << 22
"""Distances that are in memory together."""
_LEAST_VARIANCE = 1e-9


def with_standing(index: ClusterIndex, vectors: NDArray[np.floating[Any]], margin: float) -> ClusterIndex:
    """The index with a loss of every tile that lies in a cluster, calculated by the centres of all clusters.

    `vectors` (n, d) are those that the index was built of. What follows a stopped run so needs nothing of it, and the
    first batches know already where the network does badly.
    """
    rows = np.flatnonzero(index.assigned >= 0)
    centres = index.centres.astype(np.float64)
    squares_of_centres = np.square(centres).sum(axis=1)
    width = 2 * max(index.variance, _LEAST_VARIANCE)
    found, step = [], max(1, _AT_ONCE // len(centres))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        some = vectors[part].astype(np.float64)
        squares = np.square(some).sum(axis=1)[:, None] - 2 * some @ centres.T + squares_of_centres
        exponents = -np.maximum(squares, 0) / width
        own = index.assigned[part]
        to_own = exponents[np.arange(len(part)), own]
        exponents[index.classes[own][:, None] == index.classes] = -np.inf
        largest = exponents.max(axis=1)
        largest[~np.isfinite(largest)] = 0.0  # one class alone has no impostors
        with np.errstate(divide="ignore"):
            impostors = np.log(np.exp(exponents - largest[:, None]).sum(axis=1)) + largest
        found.append(np.maximum(margin - to_own + impostors, 0.0))
    return with_losses(index, rows, np.concatenate(found)) if found else index
