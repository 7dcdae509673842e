"""Finer outlines: what a network sees at each place of its map, within the tiles that it answers for.

Where the head is linear, the logit of a tile is the mean of those of its places, so that a tile in which a class is
detected has a place at least as likely as itself: what is detected shrinks to such places, and never to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.inference.decision import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Window

UNSEEN = 255
"""Level of a place that was not looked at."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the places of a network's map lie: place (i, j) begins at pixel (i, j) × `step` of the region."""

    step: int
    """Pixels."""
    centre: float
    """Pixels from where a place begins to the middle of what it sees."""

    def within(self, first: int, end: int, length: int) -> slice:
        """Which places begin in the pixels [first, end) of an axis and end within its `length`."""
        return slice(
            -(-first // self.step), max(-(-first // self.step), min(-(-end // self.step), length // self.step))
        )

    def near(self, first: int, count: int, length: int) -> tuple[slice, NDArray[np.float32]]:
        """Places between which `count` pixels from `first` lie, and weights (count, places) of straight lines between.

        Beyond the middle of the first and the last place, that place counts alone.
        """
        total = max(1, length // self.step)
        at = np.clip((np.arange(first, first + count) + 0.5 - self.centre) / self.step, 0, total - 1)
        begin, end = int(at[0]), min(int(at[-1]) + 2, total)
        apart = np.abs(at[:, None] - np.arange(begin, end))
        return slice(begin, end), np.maximum(1 - apart, 0).astype(np.float32)


def spread(places: Places, window: Window, region: tuple[int, int], levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (classes, height, width) of a window's pixels; NaN where no place near was looked at.

    `region` is (height, width); `levels` (classes, rows, cols) are those of the places that `near` names on both axes.
    """
    _, down = places.near(window.row_off, window.height, region[0])
    _, across = places.near(window.col_off, window.width, region[1])
    seen = (levels[0] != UNSEEN).astype(np.float32)
    weight = down @ (seen @ across.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([down @ ((part * seen) @ across.T) / (weight * LEVELS) for part in levels.astype(np.float32)])


def refined(
    blended: NDArray[np.float32], local: NDArray[np.float32], exclusive: Sequence[slice]
) -> NDArray[np.float32]:
    """Both probabilities (classes, height, width) as one: the lower; of exclusive classes, their product, summing to 1.

    Where `local` is NaN, the blended ones stay.
    """
    both = np.where(np.isnan(local), blended, np.minimum(blended, local))
    for columns in exclusive:
        product = blended[columns] * np.where(np.isnan(local[columns]), 1.0, local[columns])
        both[columns] = product / np.maximum(product.sum(axis=0), np.finfo(np.float32).tiny)
    return both
