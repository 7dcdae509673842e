"""The probability from which a class counts as detected, chosen on validation tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT = 0.5


def best_f1(targets: NDArray[np.float32], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Threshold per class that gives the highest F1: (classes,); .5 where a class lacks presence or absence.

    `targets` (n, classes): 1 present, 0 absent, NaN unknown. The threshold lies midway between the last probability
    that is let in and the first that is not, so that it does not hang on one tile.
    """
    return np.array([_best(targets[:, column], probabilities[:, column]) for column in range(targets.shape[1])])


def _best(target: NDArray[np.float32], probability: NDArray[np.float32]) -> float:
    known = np.isfinite(target)
    present, probability = target[known] > DEFAULT, probability[known].astype(np.float64)
    if not present.any() or present.all():
        return DEFAULT
    order = np.argsort(-probability, kind="stable")
    probability, hits = probability[order], np.cumsum(present[order])
    count = np.arange(1, len(order) + 1)
    last_of_value = np.append(probability[1:] < probability[:-1], True)
    f1 = np.where(last_of_value, 2 * hits / (count + present.sum()), -1.0)
    cut = int(f1.argmax())
    below = probability[cut + 1] if cut + 1 < len(probability) else 0.0
    middle = np.float32((probability[cut] + below) / 2)  # as the probabilities are stored: >= is then exact
    return float(middle if middle > below else probability[cut])
