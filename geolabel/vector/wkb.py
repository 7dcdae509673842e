"""Vertices of plain polygons out of the bytes that GDAL gives, by compiled loops. Source: OGC 06-103r4, 8.2 (WKB)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_VERTICES = 65
"""Of a ring that is checked here: every side is compared with every other."""
_HEAD = 9
"""Bytes before the first ring or part: order, type, count."""
_RING = 4
"""Bytes before the vertices of a ring: their count."""


@njit(cache=True, nogil=True)
def _number(content: NDArray[np.uint8], at: int) -> int:
    """A 32-bit number, lowest byte first."""
    return int(content[at]) | int(content[at + 1]) << 8 | int(content[at + 2]) << 16 | int(content[at + 3]) << 24


@njit(cache=True, nogil=True)
def _ring(content: NDArray[np.uint8], begin: int, end: int) -> int:
    """Where the vertex count of a polygon's only ring stands; −1 where it is not that simple."""
    if end - begin < _HEAD + _RING or content[begin] != 1:
        return -1
    kind, parts = _number(content, begin + 1), _number(content, begin + 5)
    if parts != 1:
        return -1
    if kind == 6:  # a multipolygon of one part  # noqa: PLR2004
        return _ring(content, begin + _HEAD, end)
    return begin + _HEAD if kind == 3 else -1  # noqa: PLR2004


@njit(cache=True, nogil=True)
def counts(content: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Vertices of each polygon's only ring; 0 for what is not that simple, or has many."""
    count = np.zeros(len(at) - 1, dtype=np.int64)
    for row in range(len(count)):
        ring = _ring(content, at[row], at[row + 1])
        if ring >= 0:
            vertices = _number(content, ring)
            if 4 <= vertices <= _MOST_VERTICES and ring + _RING + 16 * vertices == at[row + 1]:  # noqa: PLR2004
                count[row] = vertices
    return count


@njit(cache=True, nogil=True)
def copy(content: NDArray[np.uint8], at: NDArray[np.int64], count: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Copy the vertices of each first ring, one after the other, to `out`."""
    used = 0
    for row in range(len(count)):
        length = 16 * count[row]
        if length:
            end = at[row + 1]
            out[used : used + length] = content[end - length : end]
            used += length


@njit(cache=True, nogil=True)
def are_simple(vertices: NDArray[np.float64], start: NDArray[np.int64], longest: float) -> NDArray[np.bool_]:
    """Which rings are closed, not too long, and neither cross nor touch themselves; in doubt, not."""
    simple = np.zeros(len(start) - 1, dtype=np.bool_)
    for ring in range(len(simple)):
        first, last = start[ring], start[ring + 1] - 1
        if last <= first or vertices[first, 0] != vertices[last, 0] or vertices[first, 1] != vertices[last, 1]:
            continue
        part = vertices[first : last + 1]
        if max(np.ptp(part[:, 0]), np.ptp(part[:, 1])) <= longest:
            simple[ring] = _is_simple(part)
    return simple


@njit(cache=True, nogil=True)
def _is_simple(ring: NDArray[np.float64]) -> bool:
    """Whether no side of a closed ring meets another but its neighbours at their common vertex. NaN is in doubt."""
    sides = len(ring) - 1
    for one in range(sides):
        ax, ay, bx, by = ring[one, 0], ring[one, 1], ring[one + 1, 0], ring[one + 1, 1]
        low_x, high_x, low_y, high_y = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
        # a neighbour that turns straight back lies on this side
        after = one + 2 if one + 2 <= sides else 1
        cx, cy = ring[after, 0], ring[after, 1]
        if not (_turn(ax, ay, bx, by, cx, cy) != 0 or (bx - ax) * (cx - bx) + (by - ay) * (cy - by) > 0):
            return False
        for other in range(one + 2, sides):
            if one == 0 and other == sides - 1:
                continue
            px, py, qx, qy = ring[other, 0], ring[other, 1], ring[other + 1, 0], ring[other + 1, 1]
            if max(px, qx) < low_x or min(px, qx) > high_x or max(py, qy) < low_y or min(py, qy) > high_y:
                continue
            if (
                _turn(ax, ay, bx, by, px, py) * _turn(ax, ay, bx, by, qx, qy) <= 0
                and _turn(px, py, qx, qy, ax, ay) * _turn(px, py, qx, qy, bx, by) <= 0
            ):
                return False
    return bool(np.isfinite(ring).all())


@njit(cache=True, nogil=True)
def _turn(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Which way a → b → c turns: 1 left, −1 right, 0 straight or too little to be sure of."""
    one, other = (bx - ax) * (cy - ay), (by - ay) * (cx - ax)
    bend, doubt = one - other, 1e-12 * (abs(one) + abs(other))
    return 1 if bend > doubt else -1 if bend < -doubt else 0
