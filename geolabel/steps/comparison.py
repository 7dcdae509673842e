"""What ways of training gave on the same tiles, and whether their difference is more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.scoring.intervals import Answers, Measure, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.scoring.multilabel import Scores

MACRO = "macro"
"""Stands for the mean over classes where a class is named."""
_COMPARED: tuple[Measure, Measure] = ("average_precision", "f2")
_AP, _F2 = 0, 3
"""Columns of the scores of one model."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a way is better by than the first one, on the same tiles; with 95 % of the resamples."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} … {self.high:+.3f})"


@dataclass(frozen=True, slots=True)
class Row:
    """A way and a class; scores are means over the repeats."""

    variant: str
    name: str
    """The class, or `macro`."""
    average_precision: float
    auc: float
    f1: float
    f2: float
    precision: float
    recall: float
    ap_deviation: float | None
    """Standard deviation over the repeats; None with one."""
    f2_deviation: float | None
    best: str
    """In what this way is the best of all for this class: AP, F2, both or neither."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What another way than the first gains, for a class or their mean."""

    variant: str
    name: str
    average_precision: Difference
    f2: Difference


@dataclass(frozen=True, slots=True)
class Outcome:
    """A way of training, and what its models, one a repeat, said of the test tiles."""

    variant: str
    scores: tuple[Scores, ...]
    answers: tuple[Answers, ...]


def rows(outcomes: Sequence[Outcome], names: Sequence[str]) -> tuple[Row, ...]:
    """One row a class and way, the mean over classes before all."""
    values = {one.variant: np.array([_table(scores) for scores in one.scores]) for one in outcomes}
    means = {variant: repeats.mean(axis=0) for variant, repeats in values.items()}
    found = []
    for at, name in enumerate([MACRO, *names]):
        for variant, repeats in values.items():
            several, mean = len(repeats) > 1, means[variant][at]
            ap, auc, f1, f2, precision, recall = mean.tolist()
            leads = (
                title
                for title, column in (("AP", _AP), ("F2", _F2))
                if mean[column] == max(other[at, column] for other in means.values())
            )
            found.append(
                Row(
                    variant=variant,
                    name=name,
                    average_precision=ap,
                    auc=auc,
                    f1=f1,
                    f2=f2,
                    precision=precision,
                    recall=recall,
                    ap_deviation=float(repeats[:, at, _AP].std(ddof=1)) if several else None,
                    f2_deviation=float(repeats[:, at, _F2].std(ddof=1)) if several else None,
                    best=", ".join(leads),
                )
            )
    return tuple(found)


def _table(scores: Scores) -> list[tuple[float, ...]]:
    """Average precision, AUC, F1, F2, precision and recall: of the mean over classes, then of each class."""
    mean = scores.macro
    whole = (scores.macro_average_precision, scores.macro_auc, mean.f1, mean.f2, mean.precision, mean.recall)
    return [
        whole,
        *((one.average_precision, one.auc, one.f1, one.f2, one.precision, one.recall) for one in scores.classes),
    ]


def gains(
    truth: NDArray[np.float32], outcomes: Sequence[Outcome], names: Sequence[str], places: NDArray[np.int64] | None
) -> tuple[Gain, ...]:
    """What the ways after the first gain, with intervals; `truth` (n, classes) is what all are judged by.

    Differences are paired: by tiles (whole `places` (n,) at a time, where given) and by repeat. Of several repeats
    the means of values and of interval ends are told; the intervals are rather too wide then.
    """
    first, *others = outcomes
    found = {one.variant: _differences(truth, one, first, names, places) for one in others}
    return tuple(
        Gain(variant, name, *pairs[at]) for at, name in enumerate([MACRO, *names]) for variant, pairs in found.items()
    )


def _differences(
    truth: NDArray[np.float32],
    one: Outcome,
    first: Outcome,
    names: Sequence[str],
    places: NDArray[np.int64] | None,
) -> list[tuple[Difference, Difference]]:
    """Differences in average precision and in F2: of the mean over classes, then of each class."""
    ends = np.mean(
        [
            [
                [(end.value, end.low, end.high) for end in (found.macro, *found.classes)]
                for found in differences(truth, mine, theirs, names, _COMPARED, groups=places)
            ]
            for mine, theirs in zip(one.answers, first.answers, strict=True)
        ],
        axis=0,
    )
    return [(Difference(*ap), Difference(*f2)) for ap, f2 in ends.transpose(1, 0, 2).tolist()]
