"""Precision-recall, ROC and reliability curves, thinned to what a plot shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.ranking import Ranking, rank
from geolabel.scoring.reliability import Reliability, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

POINTS = 200
"""Of a curve, at most."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """From the highest threshold down; the precision between two points is that of the second, in steps."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    threshold: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Roc:
    """From (0, 0), where the threshold is infinite, to (1, 1)."""

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    threshold: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClassCurves:
    """The curves of one class."""

    name: str
    precision_recall: PrecisionRecall
    roc: Roc
    reliability: Reliability
    """In bins of equal width."""
    reliability_equal_mass: Reliability
    """In bins of equally many tiles."""


def curves(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    names: Sequence[str],
    points: int = POINTS,
) -> tuple[ClassCurves, ...]:
    """Curves of each class over its known tiles; classes that lack presence or absence have none and are left out.

    `targets` (n, classes): 1 present, 0 absent, NaN unknown; `probabilities` (n, classes). `points` ≥ 2, at most.
    """
    found = []
    for column, name in enumerate(names):
        target, probability = targets[:, column], probabilities[:, column]
        ranked = rank(target, probability)
        if ranked.both:
            bins = reliability(target, probability), reliability(target, probability, "mass")
            found.append(ClassCurves(name, *_threshold_curves(ranked, points), *bins))
    return tuple(found)


def _threshold_curves(ranked: Ranking, points: int) -> tuple[PrecisionRecall, Roc]:
    hits, misses = (np.cumsum(part[:, 0]) for part in ranked.sums())
    recall, false_rate, precision = hits / hits[-1], misses / misses[-1], hits / (hits + misses)
    roc = (np.append(0.0, false_rate), np.append(0.0, recall), np.append(np.inf, ranked.least))
    return (
        PrecisionRecall(*_plain(_thin(recall, precision, points), recall, precision, ranked.least)),
        Roc(*_plain(_thin(roc[0], roc[1], points), *roc)),
    )


def _thin(x: NDArray[np.float64], y: NDArray[np.float64], points: int) -> NDArray[np.intp]:
    """Which points to keep: the first, the last, and those at about equal distances along the curve."""
    along = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    if len(along) <= points:
        return np.arange(len(along))
    return np.unique(np.append(np.searchsorted(along, np.linspace(0, along[-1], points)[:-1]), len(along) - 1))


def _plain(keep: NDArray[np.intp], *values: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(np.round(value[keep], _DECIMALS).tolist()) for value in values)
