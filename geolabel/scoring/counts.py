"""What is counted: what is there against what was found, and the ratios of the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRESENT = 0.5
"""Between absent, 0, and present, 1."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Known entries by what is there and what was found: four arrays of one shape (classes, tiles or resamples).

    Every ratio is NaN where nothing was counted that could tell it.
    """

    tp: NDArray[Any]
    fp: NDArray[Any]
    tn: NDArray[Any]
    fn: NDArray[Any]

    @classmethod
    def of(cls, targets: NDArray[np.floating[Any]], found: NDArray[np.bool_], axis: int | None) -> Counts:
        """Count `found` (n, classes) against `targets` (n, classes; 1, 0, NaN unknown) along an axis, or both."""
        present, absent = targets > PRESENT, targets <= PRESENT  # NaN is neither
        return cls(
            np.asarray((present & found).sum(axis)),
            np.asarray((absent & found).sum(axis)),
            np.asarray((absent & ~found).sum(axis)),
            np.asarray((present & ~found).sum(axis)),
        )

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of what was found, the share that is there."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Of what is there, the share that was found: the sensitivity."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> NDArray[np.float64]:
        """Of what is not there, the share that was not found."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def g_mean(self) -> NDArray[np.float64]:
        """√(sensitivity × specificity)."""
        return np.sqrt(self.recall * self.specificity)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share that is right, found or not."""
        return ratio(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn)

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """What is both there and found, of what is either."""
        return ratio(self.tp, self.tp + self.fp + self.fn)

    def f(self, beta: float) -> NDArray[np.float64]:
        """F of precision and recall, the recall `beta` times as important: F1, F2 (5PR / (4P + R))."""
        square = beta * beta
        return ratio((1 + square) * self.tp, (1 + square) * self.tp + self.fp + square * self.fn)


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Part / whole; NaN where the whole is nothing."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.asarray(np.divide(part, whole, out=np.full(shape, np.nan), where=np.asarray(whole) > 0))
