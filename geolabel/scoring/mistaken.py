"""Which tiles a model gets wrong, the surest first, and what else is true of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.scoring.counts import PRESENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = 5
"""Errors, of as many places, in which another class must be, before anything is said of it."""
_LEVEL = 0.95
Kind = Literal["false alarm", "miss"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Tiles of one class by how they were judged: numbers (m,) among the tiles that are scored, the surest first."""

    name: str
    false_alarms: NDArray[np.int64]
    """Found, and known to be absent: the highest probability first."""
    misses: NDArray[np.int64]
    """Not found, and known to be present: the lowest probability first."""
    hits: NDArray[np.int64]
    """Found, and known to be present: the highest probability first."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """A class that stands in the errors of another more often than chance would have it."""

    kind: Kind
    name: str
    """The class that is claimed where it is not, or missed."""
    other: str
    """Of false alarms: a class that is there. Of misses: one that is found, and is not there."""
    count: int
    """Errors with the other class."""
    errors: int
    """Errors in which the other class is known; of misses, known to be absent."""
    common: float
    """Share of tiles with the other class, there or found in error, among all that could have been such an error."""
    lift: float
    """(count / errors) / common"""
    low: float
    """Ends of the lift's interval, which allows for all the pairs that were looked at."""
    high: float


def judged(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    detected: NDArray[np.bool_],
    names: Sequence[str],
) -> tuple[Judged, ...]:
    """Errors and hits of each class; `targets` (n, classes): 1 present, 0 absent, NaN unknown, which is no error."""
    present, absent = targets > PRESENT, targets <= PRESENT
    found = []
    for at, name in enumerate(names):
        rising = np.argsort(probabilities[:, at], kind="stable")
        falling = np.argsort(-probabilities[:, at].astype(np.float64), kind="stable")
        false_alarm, miss = absent[:, at] & detected[:, at], present[:, at] & ~detected[:, at]
        hit = present[:, at] & detected[:, at]
        found.append(Judged(name, falling[false_alarm[falling]], rising[miss[rising]], falling[hit[falling]]))
    return tuple(found)


def confusions(
    targets: NDArray[np.floating[Any]],
    detected: NDArray[np.bool_],
    names: Sequence[str],
    *,
    exclusive: Sequence[slice] = (),
    groups: NDArray[Any] | None = None,
) -> tuple[Confusion, ...]:
    """Pairs of classes with at least `LEAST` errors and a lift whose interval lies above 1; the most errors first.

    A false alarm of a class is set beside what is there among all tiles without the class, a miss beside what is
    found in error among all tiles that do not have the other. Classes of one `exclusive` group rule each other out,
    and are left to their confusion table. The intervals hold 95 % for all pairs together (Bonferroni). Tiles of one
    of the `groups` (n,) count as one observation. `targets` as in `judged`.
    """
    present, absent = targets > PRESENT, targets <= PRESENT
    group = np.arange(len(targets)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    apart = ~np.eye(len(names), dtype=bool)
    for columns in exclusive:
        apart[columns, columns] = False
    z = NormalDist().inv_cdf(1 - (1 - _LEVEL) / 2 / max(1, 2 * int(apart.sum())))
    found = []
    # by kind: which tiles are errors of a class, which could have been, where the other is, and where that is known
    kinds: tuple[tuple[Kind, Any, Any, Any, Any], ...] = (
        ("false alarm", absent & detected, absent, present, present | absent),
        ("miss", present & ~detected, np.ones_like(present), absent & detected, absent),
    )
    for kind, errors, eligible, there, known in kinds:
        together = errors.T.astype(np.int64) @ there.astype(np.int64)
        for at, other in np.argwhere((together >= LEAST) & apart).tolist():
            of = known[:, other]
            counts = [errors[:, at] & there[:, other], errors[:, at] & of]
            counts += [eligible[:, at] & there[:, other], eligible[:, at] & of]
            if len(np.unique(group[counts[0]])) < LEAST:  # one place, however many tiles it has
                continue
            lift, error = _lift([np.bincount(group, weights=one).astype(np.float64) for one in counts])
            low, high = lift * math.exp(-z * error), lift * math.exp(z * error)
            if low > 1:
                x, n, whole_x, whole = (int(one.sum()) for one in counts)
                found.append(Confusion(kind, names[at], names[other], x, n, whole_x / whole, lift, low, high))
    return tuple(sorted(found, key=lambda one: (-one.count, one.name, one.other, one.kind)))


def _lift(sums: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """(x/n) / (X/N) of sums by group (g,), and the standard error of its logarithm.

    The error is linearised over the groups (Woodruff, JASA 66, 1971), which allows for errors being among all tiles;
    few errors that all agree have no spread, so it is at least that of a binomial share with half an error added.
    """
    x, n, whole_x, whole = (float(one.sum()) for one in sums)
    lift = (x / n) / (whole_x / whole)
    spread = sums[0] / x - sums[1] / n - sums[2] / whole_x + sums[3] / whole
    many = int(np.count_nonzero(sums[3]))
    by_groups = float(np.square(spread).sum()) * many / max(many - 1, 1)
    share = (x + 0.5) / (n + 1)
    return lift, math.sqrt(max(by_groups, (1 - share) / (share * n)))
