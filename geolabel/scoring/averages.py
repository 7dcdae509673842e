"""One number for all classes: means over classes, over entries, and over tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Averages:
    """Scores of several classes in one number each."""

    precision: float
    recall: float
    f1: float
    f2: float
    jaccard: float


@dataclass(frozen=True, slots=True)
class SampleScores:
    """Means over the tiles, each scored on the classes that are known in it."""

    tiles: int
    """Tiles with at least one known class."""
    empty: int
    """Of those, the ones in which nothing is present and nothing was found: each counts as 1, full agreement."""
    f1: float
    f2: float
    """Kaggle's score of "Planet: Understanding the Amazon from Space"."""
    jaccard: float
    """Classes both present and found, of those that are either; some call it Hamming score."""
    exact_match: float
    """Share of the tiles in which every known class is right."""


def macro(counts: Counts, scored: NDArray[np.bool_]) -> Averages:
    """Plain means over the `scored` classes (classes,); the precision of a class that was never found counts as 0."""
    precision = np.nan_to_num(counts.precision)
    parts = precision, counts.recall, counts.f(1), counts.f(2), counts.jaccard
    return Averages(*(mean_of_known(part[scored]) for part in parts))


def micro(whole: Counts) -> Averages:
    """Of all entries counted together."""
    return Averages(*map(float, (whole.precision, whole.recall, whole.f(1), whole.f(2), whole.jaccard)))


def samples(targets: NDArray[np.floating[Any]], found: NDArray[np.bool_]) -> SampleScores:
    """Score each tile on what is known in it; `targets` (n, classes): 1, 0, NaN unknown; `found` (n, classes)."""
    known = np.isfinite(targets).any(axis=1)
    counts = Counts.of(targets[known], found[known], axis=1)
    wrong = counts.fp + counts.fn
    empty = counts.tp + wrong == 0

    def mean(of_tile: NDArray[np.float64]) -> float:
        return mean_of_known(np.where(empty, 1.0, of_tile))

    return SampleScores(
        tiles=int(known.sum()),
        empty=int(empty.sum()),
        f1=mean(counts.f(1)),
        f2=mean(counts.f(2)),
        jaccard=mean(counts.jaccard),
        exact_match=mean_of_known(wrong == 0),
    )


def mean_of_known(values: NDArray[Any] | Sequence[float]) -> float:
    """Mean of what is a number; NaN where nothing is."""
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    return float(finite.mean()) if len(finite) else float("nan")
