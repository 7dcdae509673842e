"""The rival of amazon_mining.py: a random forest on colour statistics, in scikit-learn alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from geolabel.scoring.multilabel import ClassScores, score
from geolabel.scoring.thresholds import best_f1

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERCENTILES = (2, 10, 25, 50, 75, 90, 98)
_TREES = 500
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One method's word on the test chips."""

    probability: NDArray[np.float64]
    """(n,)."""
    scores: ClassScores


def colour_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean, deviation and seven percentiles of each band of chips (n, h, w, bands): (n, 9 × bands)."""
    done = []
    for start in range(0, len(pixels), _AT_ONCE):
        chips = pixels[start : start + _AT_ONCE].reshape(-1, pixels.shape[1] * pixels.shape[2], pixels.shape[3])
        flat = chips.astype(np.float32)
        done.append(np.concatenate([flat.mean(1), flat.std(1), *np.percentile(flat, _PERCENTILES, axis=1)], axis=1))
    return np.concatenate(done).astype(np.float32)


def forest(pixels: NDArray[np.uint8], mine: NDArray[np.bool_], parts: NDArray[Any], seed: int) -> Judged:
    """Train on train, choose the threshold on val, score on test: as the network does."""
    statistics = colour_statistics(pixels)
    trees = RandomForestClassifier(_TREES, class_weight="balanced_subsample", n_jobs=2, random_state=seed)
    trees.fit(statistics[parts == "train"], mine[parts == "train"])
    val, test = (trees.predict_proba(statistics[parts == part])[:, 1] for part in ("val", "test"))
    threshold = float(best_f1(_column(mine[parts == "val"]), _column(val))[0])
    return judge(mine[parts == "test"], test, threshold)


def judge(truth: NDArray[np.bool_], probability: NDArray[np.floating[Any]], threshold: float) -> Judged:
    """Score probabilities (n,) by geolabel's own arithmetic."""
    scores = score(_column(truth), _column(probability), ["mine"], [threshold])
    return Judged(probability.astype(np.float64), scores.classes[0])


def _column(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None]
