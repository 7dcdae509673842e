"""Rows of a raster, read from the top down in whole blocks: each compressed block is decoded once, in file order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel.grid import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 256
"""Rows, at the least, that are asked for together: the decoder's threads share the blocks of one request."""


class PixelReader(Protocol):
    """What a region is read from: `geolabel.raster.Reader`, or anything like it."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels (bands, height, width) and which of them are valid (height, width)."""


@dataclass(slots=True)
class RowBuffer:
    """The rows of some columns that may be asked for again."""

    reader: PixelReader
    left: int
    right: int
    bottom: int
    """First row that is never asked for."""
    block: int
    """Rows of a compressed block."""
    _top: int = 0
    _pixels: NDArray[Any] | None = None
    _valid: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))

    def take(self, top: int, bottom: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels (bands, rows, columns) and validity of the rows from `top`, which never falls, to `bottom`."""
        held_to = self._top + len(self._valid)
        if self._pixels is None or top >= held_to:
            self._pixels, held_to = None, top
            self._top = top
        parts = [] if self._pixels is None else [(self._pixels[:, top - self._top :], self._valid[top - self._top :])]
        while held_to < bottom:
            end = min(self._block_end(held_to), self.bottom)
            parts.append(self.reader.read(Window(self.left, held_to, self.right - self.left, end - held_to)))
            held_to = end
        self._top = top
        self._pixels, self._valid = (
            parts[0]
            if len(parts) == 1
            else (np.concatenate([part[0] for part in parts], axis=1), np.concatenate([part[1] for part in parts]))
        )
        return self._pixels[:, : bottom - top], self._valid[: bottom - top]

    def _block_end(self, row: int) -> int:
        step = -(-_AT_ONCE // self.block) * self.block
        return (row // step + 1) * step
