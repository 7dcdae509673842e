"""Generalised silhouettes: how much nearer tiles of the same classes are than tiles of others, of shares of classes.

Rousseeuw, Silhouettes, Journal of Computational and Applied Mathematics 20 (1987); for shares: Rawashdeh & Ralescu,
Center-wise intra-inter silhouettes, SUM (2012), in the form of system B (gSil).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.averages import mean_of_known
from geolabel.scoring.counts import ratio
from geolabel.scoring.distances import distance_blocks, row_threads
from geolabel.scoring.overlap import ABSENT, checked_shares, weigh_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SilhouetteScore:
    """Of all tiles together."""

    score: float
    """gSil, −1 to 1: mean of the tiles' silhouettes; NaN where no tile has one."""
    tiles: int
    """Tiles that have a silhouette."""
    left_out: int
    """Tiles without one: they have no share of any class, or there is nothing that they do not share."""


def silhouette(vectors: NDArray[Any], shares: NDArray[np.floating[Any]], *, compat: bool = False) -> SilhouetteScore:
    """Score vectors (n, d) of shares (n, classes; 0–1, all known) by gSil.

    With `compat` as system B did: 1e-8 is added to all shares, they are normalised, and tiles count by what their
    shares summed to. So a class that a tile does not have weighs all tiles alike, and neither of its two distances
    exceeds the mean distance to all tiles: bad silhouettes come out better, and good ones worse.
    """
    if not compat:
        values = silhouettes(vectors, shares)
        return _score(values, mean_of_known(values))
    raised = shares.astype(np.float64) + ABSENT
    sums = raised.sum(axis=1)
    values = silhouettes(vectors, raised / sums[:, None])
    known = np.isfinite(values)
    return _score(values, float(np.average(values[known], weights=sums[known])) if known.any() else float("nan"))


def silhouettes(vectors: NDArray[Any], shares: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(bᵢ − aᵢ) / max(aᵢ, bᵢ) of each tile, (n,): by euclidean distance d, of vectors (n, d) and shares u (n, classes).

    aᵢ = min_r Σ_k d_ik·min(u_ri, u_rk) / Σ_k min(u_ri, u_rk), and bᵢ = min over pairs r ≠ s, likewise weighted with
    max(min(u_ri, u_sk), min(u_si, u_rk)), over all k ≠ i; classes and pairs whose weights sum to 0 are skipped. A tile
    that shares its classes with no other has 0, as Rousseeuw has it; NaN where there is no b. Of crisp shares (1 and
    0) these are the plain silhouettes. Raises InputError for vectors that are not finite.
    """
    asked = checked_shares(shares, vectors)
    given = np.ascontiguousarray(asked.T)
    found = np.full(len(vectors), np.nan)
    with row_threads() as run:
        for block in distance_blocks(vectors, None):
            run(partial(_find, given), block.squared, block.own, asked[block.rows], found[block.rows])
    return found


def _find(
    given: NDArray[np.float32],
    squared: NDArray[np.float32],
    own: NDArray[np.int64],
    asked: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    classes = len(given)
    near, weight = np.zeros((2, len(asked), classes, classes))
    weigh_distances(given, squared, own, asked, near, weight)
    mean = ratio(near, weight)
    within = _least(np.diagonal(mean, axis1=1, axis2=2))
    first, second = np.triu_indices(classes, 1)
    between = _least(mean[:, first, second])
    larger = np.fmax(within, between)
    compared = np.isfinite(within) & (larger > 0)
    found[:] = np.divide(between - within, larger, out=np.zeros(len(asked)), where=compared)
    found[np.isnan(between)] = np.nan


def _least(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least of what is known in each row; NaN where nothing is."""
    least = np.where(np.isnan(values), np.inf, values).min(axis=1, initial=np.inf)
    return np.asarray(np.where(np.isinf(least), np.nan, least))


def _score(values: NDArray[np.float64], score: float) -> SilhouetteScore:
    tiles = int(np.isfinite(values).sum())
    return SilhouetteScore(score, tiles, len(values) - tiles)
