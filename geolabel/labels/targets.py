"""From shares to labels: the dominant class, presence by a cut per class, distance to the nearest positive tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF = 0.5


def dominant(share: NDArray[np.float32], least: float) -> NDArray[np.int64]:
    """The class of the largest share (n,) of shares (classes, n); −1 where it has less than `least`, or is unknown.

    Of equal shares the first class counts. Where another class is unknown, the largest needs half of the tile.
    """
    known = np.nan_to_num(share, nan=-1.0)
    best: NDArray[np.int64] = known.argmax(axis=0)
    largest = known.max(axis=0)
    sure = (largest >= _HALF) | ~np.isnan(share).any(axis=0)
    return np.where((largest >= least) & (largest > 0) & sure, best, -1)


def present(share: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
    """1 where a class's share (n,) reaches the cut, 0 where not, NaN where it is unknown."""
    return np.where(np.isnan(share), np.nan, share >= cut).astype(np.float32)


def distance_m(positive: NDArray[np.bool_], centres_m: NDArray[np.float64]) -> NDArray[np.float32]:
    """Metres from each tile's centre (n, 2) to that of the nearest tile that has any of the class (n,): (n,).

    0 for tiles that have it; NaN for tiles without a place; infinite where no tile has it.
    """
    from scipy.spatial import cKDTree

    placed = np.isfinite(centres_m).all(axis=1)
    positive = placed & positive
    metres = np.full(len(positive), np.nan, dtype=np.float32)
    metres[placed] = np.inf
    if positive.any():
        metres[placed] = cKDTree(centres_m[positive]).query(centres_m[placed])[0]
    return metres
