"""Tiles of a class from the likeliest down, sorted once: average precision and AUC, also of weighted tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from geolabel.scoring.counts import PRESENT, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ranking:
    """The m known tiles of a class, likeliest first, in k runs that are let in together.

    Tiles of one probability are one run; so are neighbours without a present tile among them, for no score and no
    best threshold lies between those.
    """

    order: NDArray[np.intp]
    """(m,): which tiles, of all n."""
    present: NDArray[np.bool_]
    """(m,)"""
    start: NDArray[np.intp]
    """(k,): where each run begins."""
    least: NDArray[np.float64]
    """(k,): lowest probability of each run."""
    below: NDArray[np.float64]
    """(k,): highest probability of the next run; 0 after the last."""

    @property
    def both(self) -> bool:
        """Whether the class is present in some tiles and absent in others: without both there is no score."""
        return bool(self.present.any() and not self.present.all())

    def sums(self, weights: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Present and absent tiles in each run: two arrays (k, resamples); with `weights` (n, resamples) of all tiles.

        Without weights there is one resample, the tiles themselves.
        """
        ends = np.append(self.start, len(self.order))
        hits_before = np.append(0, np.cumsum(self.present))[ends]
        if weights is None:
            hits = np.diff(hits_before)[:, None].astype(np.float64)
            return hits, np.diff(ends)[:, None] - hits
        return (
            sum_runs(self.order[self.present], hits_before, weights),
            sum_runs(self.order[~self.present], ends - hits_before, weights),
        )


def rank(target: NDArray[np.floating[Any]], probability: NDArray[np.floating[Any]]) -> Ranking:
    """Sort the known tiles of a class; `target` (n,): 1 present, 0 absent, NaN unknown; `probability` (n,)."""
    rows = np.flatnonzero(np.isfinite(target))
    order = rows[np.argsort(-probability[rows], kind="stable")]
    value, present = probability[order].astype(np.float64), target[order] > PRESENT
    if not len(order):
        nothing = np.zeros(0)
        return Ranking(order, present, order, nothing, nothing)
    start = np.flatnonzero(np.append(True, value[1:] < value[:-1]))
    some = np.logical_or.reduceat(present, start)
    start = start[np.append(True, some[1:] | some[:-1])]
    least = value[np.append(start[1:], len(order)) - 1]
    return Ranking(order, present, start, least, np.append(value[start[1:]], 0.0))


def average_precision(hits: NDArray[np.float64], misses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ precision × gain in recall, run by run: (resamples,) of the sums (k, resamples); NaN where none is present."""
    caught = np.cumsum(hits, axis=0)
    let_in = caught + np.cumsum(misses, axis=0)
    precision = np.divide(caught, let_in, out=np.zeros_like(caught), where=let_in > 0)
    return ratio(np.einsum("kr,kr->r", hits, precision), hits.sum(axis=0))


def auc(hits: NDArray[np.float64], misses: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often a present tile ranks above an absent one, ties counting half: (resamples,); NaN without both."""
    above = np.cumsum(hits, axis=0) - hits / 2
    return ratio(np.einsum("kr,kr->r", misses, above), hits.sum(axis=0) * misses.sum(axis=0))


def sum_runs(rows: NDArray[np.intp], ends: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the weights (n, resamples) of `rows` over runs that end before each of `ends` (k + 1): (k, resamples)."""
    runs = csr_array((np.ones(len(rows)), rows, ends), shape=(len(ends) - 1, len(weights)))
    return np.asarray(runs @ weights)
