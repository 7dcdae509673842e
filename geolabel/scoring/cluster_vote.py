"""Classification by the nearest clusters (kNC), which is how MagNet is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy as np

from geolabel.errors import InputError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_VARIANCE = 1e-30
_AT_ONCE = 2_000_000
"""Distances that are in memory together."""


def cluster_vote(
    vectors: NDArray[np.floating[Any]],
    centres: NDArray[np.floating[Any]],
    classes: NDArray[np.integer[Any]],
    variance: SupportsFloat,
    *,
    class_count: int,
    nearest: int = 128,
) -> NDArray[np.float64]:
    """Posterior (n, class_count) of each class for `vectors` (n, d), rows sum to 1.

    Of clusters with `centres` (clusters, d) of `classes` (clusters,), the `nearest` each vote for their class by the
    kernel exp(−‖r−μ‖² / (2 variance)); the posterior is a class's part of all these votes. Classes without a cluster
    among them have 0. Raises InputError where the arrays do not fit each other.

    Source: Rippel et al., arXiv 1511.05939, its evaluation procedure; the variance is that of the clusters' index.
    """
    _refuse(vectors, centres, classes, float(variance), class_count)
    if nearest < 1:
        raise OptionError(f"at least 1 nearest cluster must vote, got {nearest}")
    by_class = np.argsort(classes, kind="stable")
    there, firsts = np.unique(classes[by_class], return_index=True)
    # around their middle, so that products lose little where all vectors lie to one side of 0
    middle = centres.mean(axis=0, dtype=np.float64)
    around = centres[by_class] - middle
    posterior = np.zeros((len(vectors), class_count))
    step = max(1, _AT_ONCE // len(centres))
    for first in range(0, len(vectors), step):
        votes = _votes(vectors[first : first + step] - middle, around, float(variance), min(nearest, len(centres)))
        sums = np.add.reduceat(votes, firsts, axis=1)
        posterior[first : first + step, there] = sums / sums.sum(axis=1, keepdims=True)
    return posterior


def _votes(
    vectors: NDArray[np.float64], centres: NDArray[np.float64], variance: float, nearest: int
) -> NDArray[np.float64]:
    """What each cluster says of each vector (n, clusters): 1 the nearest, 0 those that are not among the nearest."""
    # |r|² is the same for all clusters of a row, and the posterior does not change by it
    squares = np.square(centres).sum(axis=1) - 2 * vectors @ centres.T
    # a partition of values is many times faster than one of their places
    farthest = np.partition(squares, nearest - 1, axis=1)[:, nearest - 1 : nearest]
    # where every tile lies on its centre, the nearest cluster decides
    width = 2 * max(variance, _LEAST_VARIANCE)
    votes: NDArray[np.float64] = np.exp((squares.min(axis=1, keepdims=True) - squares) / width)
    votes[squares > farthest] = 0
    return votes


def _refuse(
    vectors: NDArray[np.floating[Any]],
    centres: NDArray[np.floating[Any]],
    classes: NDArray[np.integer[Any]],
    variance: float,
    class_count: int,
) -> None:
    """Raise InputError for clusters that cannot vote on these vectors."""
    if len(centres) == 0 or len(centres) != len(classes):
        raise InputError(f"{len(centres)} cluster centres and {len(classes)} classes: give one class for each")
    if vectors.shape[1:] != centres.shape[1:]:
        raise InputError(
            f"vectors are {vectors.shape} and cluster centres {centres.shape}: use the model that made both"
        )
    if not 0 <= classes.min() <= classes.max() < class_count:
        raise InputError(
            f"classes of clusters are {classes.min()} to {classes.max()}, and there are {class_count} classes"
        )
    if not 0 <= variance < np.inf:
        raise InputError(f"the variance of clusters must be a number from 0 on, got {variance:g}")
