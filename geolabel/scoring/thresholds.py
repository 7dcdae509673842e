"""The probability from which a class counts as detected, chosen on validation tiles for an aim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.special import expit, logit

from geolabel.errors import OptionError
from geolabel.scoring.counts import Counts
from geolabel.scoring.ranking import Ranking, rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT = 0.5
_RESAMPLES = 100
_SET_ASIDE = _RESAMPLES // 4
"""Of the resamples' thresholds, at each end, before the mean is taken."""
_SURE = 1e-6
AimKind = Literal["f1", "f2", "precision", "recall"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What thresholds are chosen for."""

    kind: AimKind
    level: float | None = None
    """Precision or recall to be reached, above 0 and up to 1; None for f1 and f2."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(AimKind):
            raise OptionError(f"{self.kind!r} is no aim of thresholds; give f1, f2, precision=.9 or recall=.9")
        if self.kind in ("f1", "f2"):
            if self.level is not None:
                raise OptionError(f"the highest {self.kind} is the aim, it has no level; give {self.kind} alone")
        elif self.level is None or not 0 < self.level <= 1:
            raise OptionError(f"the aim {self.kind} needs a level above 0, up to 1; give {self.kind}=.9 for instance")

    @classmethod
    def parse(cls, text: str) -> Aim:
        """Read "f1", "f2", "precision=.9" or "recall=.9". Raises OptionError for anything else."""
        kind, given, level = (part.strip() for part in text.lower().partition("="))
        try:
            return cls(kind, float(level) if given else None)  # type: ignore[arg-type] # checked by the class
        except ValueError as error:
            raise OptionError(f"{text!r}: {level!r} is no number; give {kind}=.9 for instance") from error

    def __str__(self) -> str:
        return self.kind if self.level is None else f"{self.kind}={self.level:g}"


F1 = Aim("f1")


def choose(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    aim: Aim = F1,
    *,
    steady: bool = False,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Threshold per class that serves the aim best, and which classes miss the aim, or cannot show that they do not.

    Both (classes,); the threshold is .5 where a class lacks presence or absence. `targets` (n, classes): 1 present, 0
    absent, NaN unknown. f1, f2: the highest, which no class misses; precision=p: the highest recall of those that
    reach p, or else the highest precision; recall=r: the highest precision of those that reach r. A threshold lies
    midway between the last probability that is let in and the first that is not, so that it does not hang on one tile.

    `steady`, for f1 and f2: the mean of the middle half of the thresholds of 100 resamples of the tiles, by their
    logits, loses less on fresh tiles than the best threshold of few. Raises OptionError with other aims.
    """
    if steady and aim.level is not None:
        raise OptionError(f"steady thresholds are for the aims f1 and f2, not for {aim}; leave one of both out")
    found = probabilities.astype(np.float32)  # as they are stored, so that >= is exact
    weights = _resamples(len(targets), seed) if steady else None
    thresholds = np.array(
        [_choose(rank(targets[:, column], found[:, column]), aim, weights) for column in range(targets.shape[1])]
    )
    return thresholds, _missed(targets, found, thresholds, aim)


def best_f1(targets: NDArray[np.floating[Any]], probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Threshold per class that gives the highest F1: (classes,); see `choose`."""
    return choose(targets, probabilities, F1)[0]


def _missed(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.float32],
    thresholds: NDArray[np.float64],
    aim: Aim,
) -> NDArray[np.bool_]:
    if aim.level is None:
        return np.zeros(targets.shape[1], dtype=bool)
    counts = Counts.of(targets, probabilities >= thresholds.astype(np.float32), axis=0)
    return ~((counts.precision if aim.kind == "precision" else counts.recall) >= aim.level)


def _choose(ranked: Ranking, aim: Aim, weights: NDArray[np.float64] | None) -> float:
    if not ranked.both:
        return DEFAULT
    hits, absent = (np.cumsum(part, axis=0) for part in ranked.sums(weights))
    cuts = _best_cuts(Counts(hits, absent, absent[-1] - absent, hits[-1] - hits), aim)
    least, below = ranked.least[cuts], ranked.below[cuts]
    middle = ((least + below) / 2).astype(np.float32).astype(np.float64)
    chosen = np.where(middle > below, middle, least)
    if len(chosen) == 1:
        return float(chosen[0])
    middle_half = np.sort(logit(np.clip(chosen, _SURE, 1 - _SURE)))[_SET_ASIDE:-_SET_ASIDE]
    return float(np.float32(expit(middle_half.mean())))


def _best_cuts(counts: Counts, aim: Aim) -> NDArray[np.intp]:
    """Which of the k cuts, (k, resamples) from the highest down, serves the aim best: (resamples,).

    Of cuts that serve it equally, the highest; for a recall, where precision is equal, the lowest.
    """
    if aim.level is None:
        return np.asarray(np.nan_to_num(counts.f(1 if aim.kind == "f1" else 2)).argmax(axis=0))
    precision, recall = counts.precision, counts.recall
    if aim.kind == "recall":
        allowed = np.where(recall >= aim.level, precision, -1.0)
        return np.asarray(len(allowed) - 1 - allowed[::-1].argmax(axis=0))
    reached = np.where(precision >= aim.level, recall, -1.0)
    highest = np.asarray(len(precision) - 1 - precision[::-1].argmax(axis=0))
    return np.where((reached >= 0).any(axis=0), reached.argmax(axis=0), highest)


def _resamples(tiles: int, seed: int) -> NDArray[np.float64]:
    """How often each tile is drawn: (tiles, resamples)."""
    drawn = np.random.default_rng(seed).multinomial(tiles, np.full(tiles, 1 / tiles), size=_RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)
