"""How well a map tells classes pixel by pixel: confusion, intersection over union, accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PixelScores:
    """Scores of n pixels, each of which may stand for many."""

    matrix: NDArray[np.float64]
    """(classes, classes): rows are what pixels are, columns what they were taken for, sums of weights."""

    @property
    def iou(self) -> NDArray[np.float64]:
        """TP / (TP + FP + FN) of each class (classes,); NaN for one that is neither there nor found."""
        right = np.diag(self.matrix)
        union = self.matrix.sum(axis=0) + self.matrix.sum(axis=1) - right
        found: NDArray[np.float64] = np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)
        return found

    @property
    def recall(self) -> NDArray[np.float64]:
        """TP / (TP + FN) of each class (classes,); NaN for one that is not there."""
        there = self.matrix.sum(axis=1)
        right = np.diag(self.matrix)
        found: NDArray[np.float64] = np.divide(right, there, out=np.full(len(there), np.nan), where=there > 0)
        return found

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that are there; NaN without any pixel.

        One that is only found lowers the IoU of those whose pixels it took.
        """
        there = self.matrix.sum(axis=1) > 0
        return float(self.iou[there].mean()) if there.any() else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of the pixels that are right; NaN without any pixel."""
        total = self.matrix.sum()
        return float(np.trace(self.matrix) / total) if total else float("nan")


def pixel_scores(
    truth: NDArray[np.integer[Any]],
    chosen: NDArray[np.integer[Any]],
    classes: int,
    weights: NDArray[np.floating[Any]] | None = None,
) -> PixelScores:
    """Compare numbers of classes, `chosen` (n,) with `truth` (n,), both 0 … classes − 1.

    `weights` (n,): how many pixels each stands for; 1 where not given.
    """
    pairs = truth.astype(np.int64) * classes + chosen
    sums = np.bincount(pairs, weights, minlength=classes * classes)
    return PixelScores(sums.astype(np.float64).reshape(classes, classes))
