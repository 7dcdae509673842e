"""Scores of multi-label predictions, each class over the tiles where its label is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How well one class is found; NaN where the tiles do not allow a score."""

    name: str
    tiles: int
    """Tiles on which the class is known to be present or absent."""
    positives: int
    threshold: float
    tp: int
    fp: int
    tn: int
    fn: int
    precision: float
    recall: float
    f1: float
    average_precision: float
    """Area under the precision-recall steps; its value by chance is positives / tiles."""
    auc: float
    """Area under the ROC curve."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores by class, and their plain means over the classes that have both presence and absence."""

    classes: tuple[ClassScores, ...]
    macro_average_precision: float
    macro_f1: float
    macro_auc: float


def score(
    targets: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    names: Sequence[str],
    thresholds: Sequence[float],
    detected: NDArray[np.bool_] | None = None,
) -> Scores:
    """Score `probabilities` (n, classes) against `targets` (n, classes): 1 present, 0 absent, NaN unknown.

    `detected` (n, classes) says which classes count as found; where not given, those that reach their threshold.
    """
    found = probabilities >= np.asarray(thresholds, dtype=np.float32) if detected is None else detected
    classes = tuple(
        _score_class(name, targets[:, column], probabilities[:, column], found[:, column], thresholds[column])
        for column, name in enumerate(names)
    )
    return Scores(
        classes,
        _mean([found.average_precision for found in classes]),
        _mean([found.f1 for found in classes if np.isfinite(found.auc)]),
        _mean([found.auc for found in classes]),
    )


def _score_class(
    name: str,
    target: NDArray[np.float32],
    probability: NDArray[np.float32],
    found: NDArray[np.bool_],
    threshold: float,
) -> ClassScores:
    known = np.isfinite(target)
    present, probability, found = target[known] > 0.5, probability[known], found[known]  # noqa: PLR2004 - 0 or 1
    tp, fp = int((present & found).sum()), int((~present & found).sum())
    fn, tn = int((present & ~found).sum()), int((~present & ~found).sum())
    both = bool(present.any() and (~present).any())
    return ClassScores(
        name=name,
        tiles=int(known.sum()),
        positives=tp + fn,
        threshold=float(threshold),
        tp=tp,
        fp=fp,
        tn=tn,
        fn=fn,
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, tp + fn),
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        average_precision=float(average_precision_score(present, probability)) if both else float("nan"),
        auc=float(roc_auc_score(present, probability)) if both else float("nan"),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
