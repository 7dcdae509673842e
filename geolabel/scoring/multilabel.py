"""Scores of multi-label predictions, each over the entries that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring import ranking
from geolabel.scoring.averages import Averages, SampleScores, macro, mean_of_known, micro, samples
from geolabel.scoring.confusion import GroupConfusion, confusion
from geolabel.scoring.counts import Counts
from geolabel.scoring.reliability import reliability

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
    sensitivity: float
    """Recall by its other name."""
    specificity: float
    g_mean: float
    """√(sensitivity × specificity)."""
    f1: float
    f2: float
    """5PR / (4P + R): recall counts twice as much as precision."""
    jaccard: float
    binary_accuracy: float
    average_precision: float
    """Area under the precision-recall steps; its value by chance is positives / tiles."""
    auc: float
    """Area under the ROC curve."""
    ece: float
    """Expected calibration error, in 15 equally wide bins of the probability."""
    brier: float
    """Mean squared difference between probability and truth."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores by class, and their means; "macro" is over the classes that have both presence and absence."""

    classes: tuple[ClassScores, ...]
    macro_average_precision: float
    macro_f1: float
    macro_auc: float
    macro: Averages
    """Plain means over those classes."""
    micro: Averages
    """Of all known entries, counted together."""
    samples: SampleScores
    """Means over the tiles."""
    hamming_score: float
    """1 − Hamming loss: the share of the known entries that are right. By this name some mean `samples.jaccard`."""
    confusions: tuple[GroupConfusion, ...]
    """Of each exclusive group."""


def score(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    names: Sequence[str],
    thresholds: Sequence[float],
    detected: NDArray[np.bool_] | None = None,
    *,
    exclusive: Sequence[slice] = (),
) -> Scores:
    """Score `probabilities` (n, classes) against `targets` (n, classes): 1 present, 0 absent, NaN unknown.

    `detected` (n, classes) says which classes count as found; where not given, those that reach their threshold, and
    of `exclusive` ones (columns of groups) the likeliest.
    """
    found = detect(probabilities, thresholds, exclusive) if detected is None else detected
    counts = Counts.of(targets, found, axis=0)
    classes = tuple(_class_scores(targets, probabilities, names, thresholds, counts))
    both = np.array([bool(np.isfinite(one.auc)) for one in classes], dtype=bool)
    whole = Counts.of(targets, found, axis=None)
    return Scores(
        classes=classes,
        macro_average_precision=mean_of_known([one.average_precision for one in classes]),
        macro_f1=mean_of_known(counts.f(1)[both]),
        macro_auc=mean_of_known([one.auc for one in classes]),
        macro=macro(counts, both),
        micro=micro(whole),
        samples=samples(targets, found),
        hamming_score=float(whole.accuracy),
        confusions=tuple(
            # where none of the group is found, because the model leaves it undecided, the likeliest
            confusion(targets[:, columns], (probabilities + found)[:, columns].argmax(axis=1), names[columns])
            for columns in exclusive
        ),
    )


def detect(
    probabilities: NDArray[np.floating[Any]], thresholds: Sequence[float], exclusive: Sequence[slice] = ()
) -> NDArray[np.bool_]:
    """Which classes count as found (n, classes): from their threshold on; of exclusive ones the likeliest."""
    found = np.asarray(probabilities >= np.asarray(thresholds, dtype=np.float32))
    for columns in exclusive:
        group = probabilities[:, columns]
        found[:, columns] = np.eye(group.shape[1], dtype=bool)[group.argmax(axis=1)]
    return found


def _class_scores(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    names: Sequence[str],
    thresholds: Sequence[float],
    counts: Counts,
) -> list[ClassScores]:
    """Scores of each class; the counts of all are ratios at once, ranks are class by class."""
    tiles, positives = counts.tp + counts.fp + counts.tn + counts.fn, counts.tp + counts.fn
    ratios = {
        "precision": counts.precision,
        "recall": counts.recall,
        "sensitivity": counts.recall,
        "specificity": counts.specificity,
        "g_mean": counts.g_mean,
        "f1": counts.f(1),
        "f2": counts.f(2),
        "jaccard": counts.jaccard,
        "binary_accuracy": counts.accuracy,
    }
    scores = []
    for column, name in enumerate(names):
        target, probability = targets[:, column], probabilities[:, column]
        ranked = ranking.rank(target, probability)
        sums = ranked.sums()
        squares = np.square(probability[ranked.order].astype(np.float64) - ranked.present)
        scores.append(
            ClassScores(
                name=name,
                tiles=int(tiles[column]),
                positives=int(positives[column]),
                threshold=float(thresholds[column]),
                tp=int(counts.tp[column]),
                fp=int(counts.fp[column]),
                tn=int(counts.tn[column]),
                fn=int(counts.fn[column]),
                average_precision=float(ranking.average_precision(*sums)[0]) if ranked.both else float("nan"),
                auc=float(ranking.auc(*sums)[0]),
                ece=reliability(target, probability).error,
                brier=float(squares.mean()) if len(squares) else float("nan"),
                **{key: float(values[column]) for key, values in ratios.items()},
            )
        )
    return scores
