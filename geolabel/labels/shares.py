"""The share of each class in each tile, and how much of the tile anybody knows.

A class map (height, width) of small integers, 0 = unknown, is made strip by strip; counts per class and column are
summed along the columns, so that tiles may lie anywhere in the strip and overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError
from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shares:
    """What the label sources say of n tiles."""

    share: NDArray[np.float32]
    """(n, classes): area of the class / area of the tile; NaN where less than `min_known` of the tile is known."""
    known: NDArray[np.float32]
    """(n,): share of the tile on which the sources speak. The shares of a known tile sum to it."""


def measure(
    class_map: Callable[[Window], NDArray[np.uint8]],
    tiles: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
    class_count: int,
    *,
    min_known: float,
    track: Callable[[Iterable[Any], int], Iterable[Any]],
) -> Shares:
    """Measure the shares in n tiles, given as (col_off, row_off, width, height).

    Memory is one strip: the rows of one row of tiles, over the columns they span.
    """
    if not 0 <= min_known <= 1:
        raise OptionError(f"--min-known must lie in 0–1, got {min_known:g}")
    col_off, row_off, width, height = (np.asarray(column, dtype=np.int64) for column in tiles)
    counts = np.zeros((len(col_off), class_count + 1), dtype=np.int64)
    strips, strip_of = np.unique(np.column_stack([row_off, height]), axis=0, return_inverse=True)
    order = np.argsort(strip_of.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(strip_of.ravel(), minlength=len(strips)))
    for number in track(range(len(strips)), len(strips)):
        inside = order[ends[number - 1] if number else 0 : ends[number]]
        left, right = int(col_off[inside].min()), int((col_off[inside] + width[inside]).max())
        window = Window(left, int(strips[number, 0]), right - left, int(strips[number, 1]))
        running = _running_counts(class_map(window), class_count)
        start = col_off[inside] - left
        counts[inside] = running[start + width[inside]] - running[start]
    area = (width * height)[:, None]
    share = (counts[:, 1:] / area).astype(np.float32)
    known = (1 - counts[:, 0] / area[:, 0]).astype(np.float32)
    share[(known < min_known) | (known == 0)] = np.nan
    return Shares(share, known)


def _running_counts(classes: NDArray[np.uint8], class_count: int) -> NDArray[np.int64]:
    """Pixels of each class left of each column: (width + 1, classes + 1)."""
    width = classes.shape[1]
    cell = np.arange(width, dtype=np.int64) * (class_count + 1) + classes
    per_column = np.bincount(cell.ravel(), minlength=width * (class_count + 1)).reshape(width, class_count + 1)
    running = np.zeros((width + 1, class_count + 1), dtype=np.int64)
    np.cumsum(per_column, axis=0, out=running[1:])
    return running


def lookup(codes: NDArray[Any], table: NDArray[np.int64], numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class number of each code: 0 for codes that `table` (sorted, (m,)) does not hold; `numbers` (m,) beside it."""
    position = np.searchsorted(table, codes).clip(max=len(table) - 1)
    return np.where(table[position] == codes, numbers[position], 0).astype(np.uint8)
