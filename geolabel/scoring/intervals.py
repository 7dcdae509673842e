"""Bootstrap intervals: how much a score would differ on other tiles, and whether two models really differ.

Whole groups (blocks, sets) are drawn where given: tiles of one place tell the same story, and intervals that take each
for news are too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.scoring import ranking
from geolabel.scoring.counts import PRESENT, Counts
from geolabel.scoring.multilabel import detect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Measure = Literal["average_precision", "auc", "f1", "f2", "precision", "recall"]
MEASURES: tuple[Measure, ...] = ("average_precision", "auc", "f1", "f2", "precision", "recall")
LEVEL = 0.95
_AT_ONCE = 1_000_000
"""Weights, tiles × resamples, that are in memory together."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of n tiles."""

    probabilities: NDArray[np.floating[Any]]
    """(n, classes)"""
    detected: NDArray[np.bool_]
    """(n, classes): which classes count as found."""

    @classmethod
    def at(
        cls, probabilities: NDArray[np.floating[Any]], thresholds: Sequence[float], exclusive: Sequence[slice] = ()
    ) -> Answers:
        """Found from the thresholds on; of exclusive classes the likeliest."""
        return cls(probabilities, detect(probabilities, thresholds, exclusive))


@dataclass(frozen=True, slots=True)
class Interval:
    """A score, or the difference of two, and where 95 % of the resamples lie."""

    value: float
    """On the tiles themselves."""
    low: float
    """NaN, as `high`, where fewer than two groups, or resamples, allow it."""
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one measure."""

    measure: Measure
    names: tuple[str, ...]
    classes: tuple[Interval, ...]
    macro: Interval
    """Mean over the classes with both presence and absence, as in `Scores`; in each resample those that still have."""
    groups: int
    """Blocks, sets, or else tiles that were drawn from; of a few the intervals are too narrow still."""
    resamples: int


def intervals(
    targets: NDArray[np.floating[Any]],
    answers: Answers,
    names: Sequence[str],
    measures: Sequence[Measure] = MEASURES,
    *,
    groups: NDArray[Any] | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> tuple[Intervals, ...]:
    """Intervals of each measure: percentiles over `resamples` of the groups (n,), or else of the tiles.

    `targets` (n, classes): 1 present, 0 absent, NaN unknown.
    """
    return _intervals(targets, (answers,), names, measures, groups, resamples, seed)


def differences(
    targets: NDArray[np.floating[Any]],
    one: Answers,
    other: Answers,
    names: Sequence[str],
    measures: Sequence[Measure] = MEASURES,
    *,
    groups: NDArray[Any] | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> tuple[Intervals, ...]:
    """Intervals of what `one` model is better than the `other` on the same tiles, drawn alike for both.

    An interval that holds 0 cannot tell which is better.
    """
    return _intervals(targets, (one, other), names, measures, groups, resamples, seed)


def _intervals(
    targets: NDArray[np.floating[Any]],
    models: Sequence[Answers],
    names: Sequence[str],
    measures: Sequence[Measure],
    groups: NDArray[Any] | None,
    resamples: int,
    seed: int,
) -> tuple[Intervals, ...]:
    group = np.arange(len(targets)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    drawn_from = int(group.max()) + 1 if len(group) else 0
    prepared = [_Prepared.of(targets, model, measures) for model in models]

    def result(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        first, *second = (one.measure(weights) for one in prepared)
        return first - second[0] if second else first

    values = result(np.ones((len(targets), 1)))[..., 0]
    drawn = np.concatenate([result(weights) for weights in _weights(group, drawn_from, resamples, seed)], axis=-1)
    found = []
    for measure, value, samples in zip(measures, values, drawn, strict=True):
        *classes, macro = (_interval(*pair, drawn_from) for pair in zip(value, samples, strict=True))
        found.append(Intervals(measure, tuple(names), tuple(classes), macro, drawn_from, resamples))
    return tuple(found)


def _interval(value: float, samples: NDArray[np.float64], drawn_from: int) -> Interval:
    finite = samples[np.isfinite(samples)]
    if drawn_from < 2 or len(finite) < 2 or not np.isfinite(value):  # noqa: PLR2004 - two, to differ
        return Interval(float(value), float("nan"), float("nan"))
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def _weights(group: NDArray[np.intp], drawn_from: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each tile is drawn, with its group: (n, some of the resamples), until all are done."""
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(1, len(group)))
    for first in range(0, resamples, step):
        count = min(step, resamples - first)
        drawn = rng.integers(drawn_from, size=(count, drawn_from)) + drawn_from * np.arange(count)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=count * drawn_from).reshape(count, drawn_from)
        yield np.ascontiguousarray(times.T, dtype=np.float64)[group]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A model's answers, sorted and compared with the truth once, to be measured under many weights."""

    measures: Sequence[Measure]
    rankings: tuple[ranking.Ranking, ...]
    cells: tuple[NDArray[np.float64], ...]
    """Of tp, fp, tn, fn: (classes, n), 1 where the entry is one."""

    @classmethod
    def of(cls, targets: NDArray[np.floating[Any]], model: Answers, measures: Sequence[Measure]) -> _Prepared:
        present, absent, found = targets > PRESENT, targets <= PRESENT, model.detected
        cells = (present & found, absent & found, absent & ~found, present & ~found)
        columns = zip(targets.T, model.probabilities.T, strict=True)
        rankings = tuple(ranking.rank(target, probability) for target, probability in columns)
        return cls(measures, rankings, tuple(np.ascontiguousarray(cell.T, dtype=np.float64) for cell in cells))

    def measure(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each measure under weights (n, resamples): (measures, classes and their mean, resamples)."""
        counts = Counts(*(cell @ weights for cell in self.cells))
        values: dict[str, NDArray[np.float64]] = {
            "f1": counts.f(1),
            "f2": counts.f(2),
            "precision": counts.precision,
            "recall": counts.recall,
        }
        both = (counts.tp + counts.fn > 0) & (counts.tn + counts.fp > 0)
        if {"average_precision", "auc"} & set(self.measures):
            sums = [one.sums(weights) for one in self.rankings]
            precision = np.stack([ranking.average_precision(*pair) for pair in sums])
            values["average_precision"] = np.where(both, precision, np.nan)  # without absence it says nothing
            values["auc"] = np.stack([ranking.auc(*pair) for pair in sums])
        scored = both & np.array([one.both for one in self.rankings])[:, None]
        return np.stack([_with_mean(values[measure], scored) for measure in self.measures])


def _with_mean(values: NDArray[np.float64], scored: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values (classes, resamples), and below them their mean over the scored ones; of those NaN counts as 0."""
    classes = scored.sum(axis=0)
    total = np.where(scored, np.nan_to_num(values), 0.0).sum(axis=0)
    mean = np.divide(total, classes, out=np.full(len(total), np.nan), where=classes > 0)
    return np.concatenate([values, mean[None]])
