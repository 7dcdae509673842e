"""How far two ways to the same answers agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near the probabilities of two ways are on the same tiles."""

    r: float
    """Correlation of what lies around each class's mean, over all classes; 1 where nothing varies on either way."""
    largest: float
    """Absolute difference."""
    mean: float
    """Absolute difference."""

    @classmethod
    def of(cls, one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> Agreement:
        """Of probabilities (n, classes) each."""
        apart = np.abs(one.astype(np.float64) - other)
        around = [values - values.mean(axis=0, dtype=np.float64) for values in (one, other)]
        spread = [float((values**2).sum()) for values in around]
        both = float(np.sqrt(spread[0] * spread[1]))
        r = float((around[0] * around[1]).sum()) / both if both else float(spread[0] == spread[1])
        return cls(r, float(apart.max()), float(apart.mean()))
