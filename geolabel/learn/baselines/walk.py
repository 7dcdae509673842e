"""Rows of features through many trees, by a compiled loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 256
"""Rows that pass one tree before the next: they stay in the cache, and so does the tree."""


@njit(cache=True, nogil=True)
def walk(
    rows: NDArray[np.float32],
    start: NDArray[np.int32],
    first: NDArray[np.int64],
    width: NDArray[np.int64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    value: NDArray[np.float32],
    out: NDArray[np.float64],
) -> None:
    """Add to `out` (n, outputs), from column `first` of each tree on, what its leaves say of `rows` (n, features)."""
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        for tree in range(len(start)):
            for row in range(begin, min(begin + _ROWS_AT_ONCE, len(rows))):
                node = start[tree]
                while feature[node] >= 0:
                    node = left[node] if rows[row, feature[node]] <= threshold[node] else right[node]
                for at in range(width[tree]):
                    out[row, first[tree] + at] += value[left[node] + at]
