"""How far tiles lie apart, for tests of what is drawn by distance."""

from __future__ import annotations

import numpy as np


def apart(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances of points (…, 2)."""
    return np.sqrt(((some - others) ** 2).sum(axis=-1))
