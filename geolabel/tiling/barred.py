"""Blocks of a raster that tiles keep away from: how training is kept off the blocks that validate, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Barred:
    """Square blocks that tiles must not touch, as summed areas."""

    block_px: int
    margin_px: int
    """Tiles stay so far away from them."""
    sums: NDArray[np.int32]
    """(rows + 1, cols + 1): barred blocks above and to the left."""

    @staticmethod
    def of(barred: NDArray[np.bool_], block_px: int, margin_px: int) -> Barred:
        """Of a map (rows, cols) of the raster's blocks."""
        sums = np.zeros((barred.shape[0] + 1, barred.shape[1] + 1), np.int32)
        sums[1:, 1:] = barred.cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
        return Barred(block_px, margin_px, sums)

    def touches(
        self, left: NDArray[np.int64], top: NDArray[np.int64], right: NDArray[np.int64], bottom: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which of n boxes, edges in pixels, come nearer than the margin: (n,). A box without pixels touches none."""
        rows, cols = np.array(self.sums.shape) - 1
        margin, block = self.margin_px, self.block_px
        first_col, end_col = _span(left - margin, right + margin, block, int(cols))
        first_row, end_row = _span(top - margin, bottom + margin, block, int(rows))
        found = self.sums[end_row, end_col] - self.sums[first_row, end_col]
        found = found - self.sums[end_row, first_col] + self.sums[first_row, first_col]
        return np.asarray((found > 0) & (left - margin < right + margin) & (top - margin < bottom + margin))


def _span(
    low: NDArray[np.int64], end: NDArray[np.int64], block: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and end block of pixels from `low` up to `end`."""
    return np.clip(low // block, 0, count), np.clip(-(-end // block), 0, count)
