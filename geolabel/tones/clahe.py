"""Contrast by neighbourhood: each cell of a lattice over the region has its own curve, and pixels lie between them.

Contrast limited adaptive histogram equalisation. Source: Zuiderveld (Graphics Gems IV, 1994); the limit, and how what
is cut off is given back, as OpenCV has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.tones.veil import upsampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 256


@dataclass(frozen=True, slots=True)
class Lattice:
    """How often each level occurs in the cells of a lattice over a region."""

    counts: NDArray[np.int64]
    """(cells, cells, BINS)"""
    cell: tuple[float, float]
    """Height and width of a cell, px."""

    @classmethod
    def over(cls, height: int, width: int, cells: int) -> Lattice:
        """Nothing counted yet: `cells` cells along each side of a region, fewer where it has fewer pixels."""
        down, across = min(cells, height), min(cells, width)
        return cls(np.zeros((down, across, BINS), np.int64), (height / down, width / across))

    def add(self, levels: NDArray[np.floating], valid: NDArray[np.bool_], rows: slice, cols: slice) -> None:
        """Count levels (h, w), 0–1, of a part of the region."""
        row, col = (
            np.minimum((np.arange(part.start, part.stop) + 0.5) // side, size - 1).astype(np.int64)
            for part, side, size in zip((rows, cols), self.cell, self.counts.shape[:2], strict=True)
        )
        place = (row[:, None] * self.counts.shape[1] + col) * BINS + binned(levels)
        self.counts[:] += np.bincount(place[valid], minlength=self.counts.size).reshape(self.counts.shape)


def binned(levels: NDArray[np.floating]) -> NDArray[np.int64]:
    """Levels 0–1 as numbers of bins."""
    return np.asarray(np.clip(np.rint(levels * (BINS - 1)), 0, BINS - 1).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Curves:
    """What becomes of each level in each cell."""

    levels: NDArray[np.float64]
    """(cells, cells, BINS), 0–1"""
    cell: tuple[float, float]

    @classmethod
    def of(cls, lattice: Lattice, clip: float) -> Curves:
        """Equalised, but no level counts more than `clip` times what it would if all were as frequent."""
        counts = lattice.counts.astype(np.float64)
        total = counts.sum(axis=2, keepdims=True)
        limit = np.maximum(clip * total / BINS, 1.0)
        cut = np.minimum(counts, limit)
        shared = cut + (total - cut.sum(axis=2, keepdims=True)) / BINS
        reached = np.cumsum(shared, axis=2) / np.maximum(total, 1)
        straight = np.arange(BINS) / (BINS - 1)  # a cell in which nothing was seen changes nothing
        return cls(np.where(total > 0, np.clip(reached, 0, 1), straight), lattice.cell)

    def apply(self, levels: NDArray[np.floating], rows: slice, cols: slice) -> NDArray[np.float32]:
        """Levels (h, w), 0–1, of a part of the region by the curves of the four cells around each pixel."""
        place = np.clip(levels, 0, 1) * (BINS - 1)
        low = np.minimum(place.astype(np.int64), BINS - 2)
        share = place - low
        found = np.zeros(levels.shape)
        for row in range(self.levels.shape[0]):
            for col in range(self.levels.shape[1]):
                weight = self._weight(row, col, rows, cols)
                if weight is None:
                    continue
                part, weights = weight
                curve = self.levels[row, col]
                at, on = low[part], share[part]
                found[part] += weights * (curve[at] * (1 - on) + curve[at + 1] * on)
        return found.astype(np.float32)

    def _weight(
        self, row: int, col: int, rows: slice, cols: slice
    ) -> tuple[tuple[slice, slice], NDArray[np.float32]] | None:
        """Where within a part a cell counts, and how much; None where it does not."""
        parts, sides = [], []
        for at, part, side, cells in zip((row, col), (rows, cols), self.cell, self.levels.shape[:2], strict=True):
            first = part.start if at == 0 else max(part.start, int((at - 0.5) * side) - 1)
            last = part.stop if at == cells - 1 else min(part.stop, int((at + 1.5) * side) + 2)
            if first >= last:
                return None
            own = np.zeros((cells, 1))
            own[at] = 1
            sides.append(upsampled(own, slice(first, last), slice(0, 1), (side, 1.0))[:, 0])
            parts.append(slice(first - part.start, last - part.start))
        return (parts[0], parts[1]), sides[0][:, None] * sides[1]
