"""Class maps as runs along scan lines: where along a line which class begins.

Scan lines go through the middle of pixel rows (or of equal parts of them). Along a line borders are exact, not rounded
to pixels: the error of an area is that of the midpoint rule in one direction only. Compiled with numba; kernels release
the interpreter's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Runs:
    """n scan lines, from top to bottom. Left of its first run a line is 0, unknown."""

    begin: NDArray[np.int64]
    """(n,): first run of each line."""
    end: NDArray[np.int64]
    """(n,): one after its last run."""
    x: NDArray[np.float64]
    """(runs,): where the run begins, pixels."""
    number: NDArray[np.uint8]
    """(runs,): class number; 0 unknown."""


@dataclass(frozen=True, slots=True)
class Rings:
    """The outlines of n areas, in pixels of a grid; area n − 1 is on top."""

    x: NDArray[np.float64]
    """(vertices,): columns."""
    y: NDArray[np.float64]
    """(vertices,): rows."""
    start: NDArray[np.int64]
    """(rings + 1,): first vertex of each ring; its last vertex repeats its first."""
    area: NDArray[np.int64]
    """(rings,): the area that a ring, outer or hole, belongs to."""
    number: NDArray[np.uint8]
    """(areas,): class number of each area."""


def runs_of_areas(rings: Rings, row_off: int, rows: int, columns: tuple[int, int], lines_per_row: int) -> Runs:
    """Scan areas along the lines of `rows` pixel rows, between two columns.

    Inside is what an odd number of borders encloses, so that holes need no order of their vertices.
    """
    lines = rows * lines_per_row
    count = max(len(rings.number), 1)
    line_bits, area_bits = int(lines).bit_length(), int(count).bit_length()
    x_bits = 63 - line_bits - area_bits
    left, right = columns
    unit = float(2 ** min(x_bits - int(right - left + 2).bit_length(), 20))  # parts of a pixel
    total = _count_crossings(rings.y, rings.start, row_off, lines, lines_per_row)
    events = np.empty(total, dtype=np.int64)
    shift = (x_bits + area_bits, area_bits)
    _fill_crossings(
        rings.x, rings.y, rings.start, rings.area, row_off, lines, lines_per_row, left, right, unit, shift, events
    )
    events.sort()
    begin, end = np.empty(lines, dtype=np.int64), np.empty(lines, dtype=np.int64)
    x, number = np.empty(total, dtype=np.float64), np.empty(total, dtype=np.uint8)
    used = _sweep(events, rings.number, left, unit, shift, begin, end, x, number)
    return Runs(begin, end, x[:used], number[:used])


def stacked_runs(pieces: Sequence[Runs]) -> Runs:
    """Pieces that follow each other from top to bottom, as one."""
    if len(pieces) == 1:
        return pieces[0]
    offset = np.cumsum([0, *(len(piece.x) for piece in pieces)])
    return Runs(
        np.concatenate([piece.begin + shift for piece, shift in zip(pieces, offset, strict=False)]),
        np.concatenate([piece.end + shift for piece, shift in zip(pieces, offset, strict=False)]),
        np.concatenate([piece.x for piece in pieces]),
        np.concatenate([piece.number for piece in pieces]),
    )


def side_by_side(pieces: Sequence[Runs], left: Sequence[float]) -> Runs:
    """Pieces of the same lines that follow each other from left to right, as one; `left`: where each begins."""
    if len(pieces) == 1:
        return pieces[0]
    own = np.stack([piece.end - piece.begin for piece in pieces], axis=1)
    late = np.zeros_like(own)  # 1 where a piece must say itself that it begins unknown
    for at, (piece, edge) in enumerate(zip(pieces[1:], left[1:], strict=True), start=1):
        late[:, at] = 1
        some = own[:, at] > 0
        late[some, at] = piece.x[piece.begin[some]] > edge
    stop = np.cumsum((own + late).ravel()).reshape(own.shape)
    start = stop - own  # of a piece's own runs
    x, number = np.empty(int(stop[-1, -1]), np.float64), np.zeros(int(stop[-1, -1]), np.uint8)
    for at, (piece, edge) in enumerate(zip(pieces, left, strict=True)):
        counts = own[:, at]
        along = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        source, target = np.repeat(piece.begin, counts) + along, np.repeat(start[:, at], counts) + along
        x[target], number[target] = piece.x[source], piece.number[source]
        x[start[late[:, at] > 0, at] - 1] = edge
    return Runs(start[:, 0] - late[:, 0], stop[:, -1], x, number)


@njit(cache=True, nogil=True)
def _lines_of(low: float, high: float, row_off: int, lines: int, per_row: int) -> tuple[int, int]:
    """The scan lines that an edge between two rows crosses: first, and one after the last."""
    first = int(np.ceil((low - row_off) * per_row - 0.5))
    last = int(np.ceil((high - row_off) * per_row - 0.5))
    return max(first, 0), min(last, lines)


@njit(cache=True, nogil=True)
def _count_crossings(y: NDArray[np.float64], start: NDArray[np.int64], row_off: int, lines: int, per_row: int) -> int:
    total = 0
    for ring in range(len(start) - 1):
        for at in range(start[ring], start[ring + 1] - 1):
            first, last = _lines_of(min(y[at], y[at + 1]), max(y[at], y[at + 1]), row_off, lines, per_row)
            total += max(last - first, 0)
    return total


@njit(cache=True, nogil=True)
def _fill_crossings(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: NDArray[np.int64],
    area: NDArray[np.int64],
    row_off: int,
    lines: int,
    per_row: int,
    left: int,
    right: int,
    unit: float,
    shift: tuple[int, int],
    events: NDArray[np.int64],
) -> None:
    """Line, position and area of each crossing in one number, so that one plain sort orders them all."""
    used = 0
    for ring in range(len(start) - 1):
        for at in range(start[ring], start[ring + 1] - 1):
            x0, y0, x1, y1 = x[at], y[at], x[at + 1], y[at + 1]
            first, last = _lines_of(min(y0, y1), max(y0, y1), row_off, lines, per_row)
            if first >= last:
                continue
            slope = (x1 - x0) / (y1 - y0)
            for line in range(first, last):
                here = x0 + (row_off + (line + 0.5) / per_row - y0) * slope
                place = int((min(max(here, float(left)), float(right)) - left) * unit + 0.5)
                events[used] = (line << shift[0]) | (place << shift[1]) | area[ring]
                used += 1


@njit(cache=True, nogil=True)
def _sweep(
    events: NDArray[np.int64],
    numbers: NDArray[np.uint8],
    left: int,
    unit: float,
    shift: tuple[int, int],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    x: NDArray[np.float64],
    number: NDArray[np.uint8],
) -> int:
    """Follow each line from left to right: the class of the topmost area that is open."""
    x_mask = (1 << (shift[0] - shift[1])) - 1
    area_mask = (1 << shift[1]) - 1
    where = np.full(len(numbers), -1, dtype=np.int64)  # place of an area among the open ones; -1 where it is closed
    opened = np.empty(len(numbers), dtype=np.int64)
    at, used, total = 0, 0, len(events)
    for line in range(len(begin)):
        begin[line] = used
        count, top, current = 0, -1, 0
        while at < total and events[at] >> shift[0] == line:
            spot = events[at] >> shift[1]
            while at < total and events[at] >> shift[1] == spot:
                area = events[at] & area_mask
                at += 1
                if where[area] < 0:
                    where[area] = count
                    opened[count] = area
                    count += 1
                    top = max(top, area)
                else:
                    count -= 1
                    moved = opened[count]
                    opened[where[area]] = moved
                    where[moved] = where[area]
                    where[area] = -1
                    if area == top:
                        top = -1
                        for other in range(count):
                            top = max(top, opened[other])
            found = 0 if top < 0 else int(numbers[top])
            if found != current:
                x[used] = left + (spot & x_mask) / unit
                number[used] = found
                used += 1
                current = found
        for other in range(count):  # a ring that is not closed, at the most
            where[opened[other]] = -1
        end[line] = used
    return used
