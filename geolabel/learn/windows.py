"""Tile by tile: the windows of a strip, cut out and given to any predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

_AT_ONCE_BYTES = 16 << 20
"""Of pixels that are cut out before the predictor is called: many batches, so that engines which keep several under way
seldom run dry. The next ones are cut in a thread meanwhile."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Answers on the tiles of a strip, each calculated by itself: what holds for every model."""

    predictor: Predictor

    @property
    def halo(self) -> int:
        """Pixels of context on every side of the tiles: none."""
        return 0

    @property
    def lattice(self) -> int:
        """Tiles whose positions agree modulo this many pixels are computed together: it does not matter here."""
        return 1

    @property
    def span(self) -> int:
        """Rows of pixels that are best given together: enough for several batches."""
        return 512

    def __call__(
        self, pixels: NDArray[Any], valid: NDArray[np.bool_], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes) of the tiles whose upper left corners are at `rows`, `cols` (n,).

        `pixels` (bands, height, width) is the strip in stored values, `valid` (height, width).
        """
        out = np.empty((len(rows), self.predictor.card.outputs), dtype=np.float32)
        with ahead(self._cut(pixels, valid, rows, cols)) as parts:
            for part, chips, seen in parts:
                out[part] = self.predictor(chips, seen)
        return out

    def _cut(
        self, pixels: NDArray[Any], valid: NDArray[np.bool_], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> Iterator[tuple[slice, NDArray[Any], NDArray[np.bool_]]]:
        """Some tiles at a time: which they are, their pixels (n, bands, h, w), and which of these are valid."""
        width, height = self.predictor.card.tile_px
        step = max(1, _AT_ONCE_BYTES // (len(pixels) * height * width * pixels.itemsize))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            yield part, *cut_tiles(pixels, valid, rows[part], cols[part], (width, height))


def cut_tiles(
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    tile_px: tuple[int, int],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels (n, bands, h, w) and validity (n, h, w) of tiles (width, height) that begin at rows, cols of a strip."""
    shape = tile_px[::-1]
    every = np.lib.stride_tricks.sliding_window_view(pixels, shape, axis=(1, 2)).transpose(1, 2, 0, 3, 4)
    return every[rows, cols], np.lib.stride_tricks.sliding_window_view(valid, shape)[rows, cols]
