"""Exact areas of polygons in the cells of a lattice: each side adds, or takes away, what lies to the right of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numba import njit

from geolabel.vector import rings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def areas_in_cells(
    shapes: NDArray[Any],
    kind: NDArray[np.int64],
    x_edge: NDArray[np.float64],
    y_edge: NDArray[np.float64],
    kinds: int,
) -> NDArray[np.float64]:
    """Area of each kind of polygons (n,) in each cell between edges: (rows, columns, kinds).

    What lies beyond the outermost edges to the left counts in the first column; where polygons overlap, both count.
    """
    cells = np.zeros((len(y_edge) - 1, len(x_edge) - 1, kinds))
    if len(shapes):
        rings = rings_of(shapes)
        _add(rings.x, rings.y, rings.start, _signs(shapes), kind[rings.owner], x_edge, y_edge, cells)
    return cells


def _signs(shapes: NDArray[Any]) -> NDArray[np.float64]:
    """By ring, the sign that makes shells count and holes take away, whatever way their vertices run: (rings,)."""
    parts = shapely.get_parts(shapes)
    rings, part = shapely.get_rings(parts, return_index=True)
    shell = np.ones(len(rings), dtype=bool)
    shell[1:] = part[1:] != part[:-1]
    return np.where(shapely.is_ccw(rings), -1.0, 1.0) * np.where(shell, 1.0, -1.0)


@njit(cache=True, nogil=True)
def _add(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: NDArray[np.int64],
    sign: NDArray[np.float64],
    kind: NDArray[np.int64],
    x_edge: NDArray[np.float64],
    y_edge: NDArray[np.float64],
    cells: NDArray[np.float64],
) -> None:
    """Cut each side by rows and columns of cells; the trapezium to its right goes to the cells up to the ring's end."""
    rows, columns = len(y_edge) - 1, len(x_edge) - 1
    for ring in range(len(start) - 1):
        far = x[start[ring]]
        for at in range(start[ring], start[ring + 1]):
            far = max(far, x[at])
        last = min(np.searchsorted(x_edge, far), columns)
        for at in range(start[ring], start[ring + 1] - 1):
            x0, y0, x1, y1 = x[at], y[at], x[at + 1], y[at + 1]
            if y0 == y1:
                continue
            way = sign[ring]
            if y0 > y1:
                x0, y0, x1, y1, way = x1, y1, x0, y0, -way
            slope = (x1 - x0) / (y1 - y0)
            row = max(np.searchsorted(y_edge, y0, side="right") - 1, 0)
            here_y = max(y0, y_edge[0])
            here_x = x0 + (here_y - y0) * slope
            while row < rows and here_y < y1:
                next_y = min(y1, y_edge[row + 1])
                next_x = x1 if next_y == y1 else x0 + (next_y - y0) * slope
                high, low, up = next_y - here_y, min(here_x, next_x), max(here_x, next_x)
                column = min(max(np.searchsorted(x_edge, low, side="right") - 1, 0), columns - 1)
                while True:
                    edge = x_edge[column + 1]
                    until = min(up, edge) if column < columns - 1 else up
                    part = high * (until - low) / (up - min(here_x, next_x)) if up > min(here_x, next_x) else high
                    cells[row, column, kind[ring]] += way * part * (edge - (low + until) / 2)
                    for right in range(column + 1, last):
                        cells[row, right, kind[ring]] += way * part * (x_edge[right + 1] - x_edge[right])
                    if until >= up:
                        break
                    low = until
                    column += 1
                here_x, here_y, row = next_x, next_y, row + 1
