"""Whether the corners that are to be cut off are empty: a compiled loop over a lattice of places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def are_empty(triangles: NDArray[np.float64], own: NDArray[np.int64], places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which triangles (m, 3, 2) have none of the places (n, 2) in or on them, but for their `own` (m,) one."""
    low, high = places.min(axis=0), places.max(axis=0)
    # a mesh for each place; triangles do not overlap, so together they meet about as many
    mesh = max(float(np.sqrt((high - low).prod() / len(places))), float((high - low).max()) / len(places))
    if mesh <= 0:
        return np.ones(len(triangles), dtype=bool)
    col, row = ((places - low) / mesh).astype(np.int64).T
    columns, rows = int(col.max()) + 1, int(row.max()) + 1
    cell = row * columns + col
    order = np.argsort(cell, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=rows * columns))])
    return np.asarray(_are_empty(triangles, own, places, order, begin, low, mesh, columns, rows))


@njit(cache=True, nogil=True)
def _are_empty(
    triangles: NDArray[np.float64],
    own: NDArray[np.int64],
    places: NDArray[np.float64],
    order: NDArray[np.int64],
    begin: NDArray[np.int64],
    low: NDArray[np.float64],
    mesh: float,
    columns: int,
    rows: int,
) -> NDArray[np.bool_]:
    empty = np.ones(len(triangles), dtype=np.bool_)
    for one in range(len(triangles)):
        a, b, c = triangles[one]
        left = max(int((min(a[0], b[0], c[0]) - low[0]) / mesh), 0)
        right = min(int((max(a[0], b[0], c[0]) - low[0]) / mesh), columns - 1)
        bottom = max(int((min(a[1], b[1], c[1]) - low[1]) / mesh), 0)
        top = min(int((max(a[1], b[1], c[1]) - low[1]) / mesh), rows - 1)
        for row in range(bottom, top + 1):
            for at in range(begin[row * columns + left], begin[row * columns + right + 1]):
                place = order[at]
                if place != own[one] and _is_in(a, b, c, places[place]):
                    empty[one] = False
    return empty


@njit(cache=True, nogil=True)
def _is_in(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    """Whether a point lies in a triangle, or on it."""
    ab, bc, ca = _turn(a, b, point), _turn(b, c, point), _turn(c, a, point)
    return bool((ab >= 0 and bc >= 0 and ca >= 0) or (ab <= 0 and bc <= 0 and ca <= 0))


@njit(cache=True, nogil=True)
def _turn(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
