"""Windows in any order, read in the order of the file: each compressed block is decoded once.

Windows are sorted into bands of whole block rows. Of a band only the blocks that windows touch are read, neighbours
together and by several threads; then the windows are cut from it. A band's last rows are kept for windows that end in
the next one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InputError
from geolabel.grid import Window
from geolabel.raster.read import Reader, open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.raster.describe import RasterInfo

_BAND_BYTES = 96 << 20
"""Of pixels that are held together; what is read at a time comes on top, and is as much at most."""
_PIECE_BYTES = 16 << 20
"""Of pixels that are asked for together."""
_CUT_BYTES = 1 << 22
"""Of pixels that are cut out together."""
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class ScatteredReader:
    """An open raster, once for each thread."""

    info: RasterInfo
    _readers: tuple[Reader, ...]
    _pool: ThreadPoolExecutor

    def read(
        self,
        cols: NDArray[np.int64],
        rows: NDArray[np.int64],
        size: int,
        pixels_out: NDArray[Any],
        valid_out: NDArray[np.bool_],
    ) -> None:
        """Read n windows of `size` px that begin at `cols`, `rows` (n,), in any order, as often as they are named.

        Fills `pixels_out` (n, bands, size, size), in the stored type, and `valid_out` (n, size, size). Memory beside
        these: about 200 MB at most, whatever the raster's size. Raises InputError (outside the raster, or damaged).
        """
        if not len(cols):
            return
        info = self.info
        if min(cols.min(), rows.min()) < 0 or cols.max() + size > info.width or rows.max() + size > info.height:
            raise InputError(f"{info.path}: a window of {size} px reaches over its {info.width} × {info.height} px")
        column = cols // _column_px(info, size)
        for number in np.unique(column):
            inside = np.flatnonzero(column == number)
            for band in _bands(info, cols[inside], rows[inside], size):
                self._fill(band)
                band.cut(inside, cols[inside], rows[inside], pixels_out, valid_out)

    def _fill(self, band: _Band) -> None:
        """Read the blocks of a band that windows touch."""
        wanted = band.rectangles()
        shares = [wanted[number :: len(self._readers)] for number in range(min(len(wanted), len(self._readers)))]

        def read(reader: Reader, windows: list[Window]) -> None:
            for window in windows:
                band.put(window, *reader.read(window))

        for _ in self._pool.map(read, self._readers, shares):
            pass


@dataclass(slots=True)
class _Band:
    """Rows of some columns that are in memory together: `kept` rows of the band before, then the band's own."""

    info: RasterInfo
    size: int
    left: int
    top: int
    """First row of its own."""
    bottom: int
    kept: int
    needed: NDArray[np.bool_]
    """(block rows, block columns) of its own that windows touch."""
    pixels: NDArray[Any]
    """(bands, rows, columns)."""
    valid: NDArray[np.bool_]
    """(rows, columns)."""

    def rectangles(self) -> list[Window]:
        """What is to be read: blocks beside each other together, and block rows that are alike."""
        wide, high = self.info.block
        changes = np.flatnonzero((self.needed[1:] != self.needed[:-1]).any(axis=1)) + 1
        found: list[Window] = []
        for first, end in zip([0, *changes.tolist()], [*changes.tolist(), len(self.needed)], strict=True):
            edges = np.flatnonzero(np.diff(self.needed[first], prepend=False, append=False))
            top, bottom = self.top + first * high, min(self.top + end * high, self.bottom)
            for begin, stop in edges.reshape(-1, 2).tolist():
                left, right = self.left + begin * wide, min(self.left + stop * wide, self.info.width)
                found += self._pieces(left, top, right, bottom)
        return found

    def _pieces(self, left: int, top: int, right: int, bottom: int) -> Iterator[Window]:
        """A rectangle of blocks as some whose memory is soon used again, and that threads can share."""
        wide, high = self.info.block
        blocks = max(1, _PIECE_BYTES // (wide * high * _pixel_bytes(self.info)))
        across = min(blocks, -(-(right - left) // wide))
        step_x, step_y = across * wide, blocks // across * high
        for row in range(top, bottom, step_y):
            for col in range(left, right, step_x):
                yield Window(col, row, min(step_x, right - col), min(step_y, bottom - row))

    def put(self, window: Window, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Keep what was read."""
        row, col = window.row_off - self.top + self.kept, window.col_off - self.left
        self.pixels[:, row : row + window.height, col : col + window.width] = pixels
        self.valid[row : row + window.height, col : col + window.width] = valid

    def cut(
        self,
        numbers: NDArray[np.int64],
        cols: NDArray[np.int64],
        rows: NDArray[np.int64],
        pixels_out: NDArray[Any],
        valid_out: NDArray[np.bool_],
    ) -> None:
        """Write the windows that end in this band; `numbers` (n,) are their places in what is given out."""
        ends = rows + self.size
        here = np.flatnonzero((ends > self.top) & (ends <= self.bottom))
        shape = (self.size, self.size)
        pixels = np.lib.stride_tricks.sliding_window_view(self.pixels, shape, axis=(1, 2))
        valid = np.lib.stride_tricks.sliding_window_view(self.valid, shape, axis=(0, 1))
        together = max(1, _CUT_BYTES // (self.size**2 * self.pixels.itemsize * len(self.pixels)))
        for some in np.array_split(here, -(-len(here) // together) or 1):
            row, col = rows[some] - self.top + self.kept, cols[some] - self.left
            pixels_out[numbers[some]] = pixels[:, row, col].transpose(1, 0, 2, 3)
            valid_out[numbers[some]] = valid[row, col]


@contextmanager
def open_scattered(info: RasterInfo) -> Iterator[ScatteredReader]:
    """Open a described raster for windows in any order. Raises InputError."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ExitStack() as stack:
        readers = tuple(stack.enter_context(open_raster(info)) for _ in range(threads))
        yield ScatteredReader(info, readers, stack.enter_context(ThreadPoolExecutor(threads)))


def _column_px(info: RasterInfo, size: int) -> int:
    """How wide the columns are in which windows begin that are read together: whole blocks, as memory allows."""
    wide, high = info.block
    lowest = -(-size // high) * high + size
    room = _BAND_BYTES // (lowest * _pixel_bytes(info)) - size
    return max(1, -(-size // wide), room // wide) * wide


def _pixel_bytes(info: RasterInfo) -> int:
    return len(info.bands) * np.dtype(info.dtype).itemsize + 1


def _bands(info: RasterInfo, cols: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> Iterator[_Band]:
    """The bands that windows touch, from the top down; each takes the memory of the one before."""
    wide, high = info.block
    left, first = int(cols.min()) // wide * wide, int(rows.min()) // high * high
    right, end = (
        min(-(-(int(offsets.max()) + size) // block) * block, limit)
        for offsets, block, limit in ((cols, wide, info.width), (rows, high, info.height))
    )
    needed = _touched(cols - left, rows - first, size, info.block)
    lowest = -(-size // high)
    blocks = max(lowest, (_BAND_BYTES // ((right - left) * _pixel_bytes(info)) - size) // high)
    height, kept = min(blocks, len(needed)) * high, size - 1
    pixels = np.empty((len(info.bands), kept + height, right - left), info.dtype)
    valid = np.empty((kept + height, right - left), dtype=bool)
    for top in range(first, end, height):
        own = needed[(top - first) // high :][: height // high]
        if own.any():
            yield _Band(info, size, left, top, min(top + height, end), kept, own, pixels, valid)
            pixels[:, :kept], valid[:kept] = pixels[:, height:], valid[height:]


def _touched(cols: NDArray[np.int64], rows: NDArray[np.int64], size: int, block: tuple[int, int]) -> NDArray[np.bool_]:
    """Which blocks (rows, columns) windows touch that begin `cols`, `rows` px from the first block's corner."""
    wide, high = block
    left, right = cols // wide, (cols + size - 1) // wide + 1
    top, bottom = rows // high, (rows + size - 1) // high + 1
    steps = np.zeros((int(bottom.max()) + 1, int(right.max()) + 1), np.int32)
    for row, col, step in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
        np.add.at(steps, (row, col), step)
    return np.asarray(steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)
