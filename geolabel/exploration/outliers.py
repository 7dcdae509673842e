"""Tiles that lie alone: how much farther their neighbours are than those neighbours' own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.exploration.neighbours import Neighbours

_LEAST = 0.1
"""Of the set's median: a group of copies, which have no distance, does not make an outlier of whatever lies beside."""
_CUT = 5.0
_NORMAL = 1.4826
"""A median of absolute deviations × this is the standard deviation of a normal distribution."""


def outliers(neighbours: Neighbours) -> NDArray[np.float32]:
    """Score (n,) of each tile, about 1 within a group: mean distance to its neighbours by that of its neighbours.

    Dense groups and sparse ones are judged alike. NaN without neighbours. Source: the simplified local outlier factor
    of Schubert, Zimek and Kriegel, Local outlier detection reconsidered (2014), with the mean distance to k neighbours
    in place of that to the k-th.
    """
    if not neighbours.rows.size:
        return np.full(len(neighbours.rows), np.nan, np.float32)
    away = neighbours.distances.mean(axis=1, dtype=np.float64)
    away = np.maximum(away, _LEAST * np.median(away))
    around = away[neighbours.rows].mean(axis=1)
    return np.asarray(np.divide(away, around, out=np.ones_like(away), where=around > 0), np.float32)


def is_outlier(scores: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which of scores (n,) lie apart from the rest: log score more than 5 robust deviations above the median.

    The deviation is the median of what lies above the median, × 1.4826: scores are skewed, and what is below would make
    it too small. Source: Leys et al., Detecting outliers (2013), one-sided.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(scores.astype(np.float64))
    known = logs[np.isfinite(logs)]
    if not len(known):
        return np.zeros(len(scores), bool)
    middle = np.median(known)
    above = known[known > middle] - middle
    spread = _NORMAL * float(np.median(above)) if len(above) else 0.0
    return np.asarray(logs > middle + max(_CUT * spread, np.finfo(np.float32).eps))
