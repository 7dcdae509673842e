"""A class raster seen along the scan lines of another grid: which of its pixels a line crosses, and where exactly.

The way from grid to grid is computed on a lattice of nodes and taken as linear between them; the lattice is made denser
until it errs by less than a hundredth of a pixel. Class numbers are never blended, and borders not rounded to pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from geolabel import geodesy
from geolabel.labels.runs import Runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window

_STEP_PX = 512
_TOLERANCE_PX = 0.01
_MORE_A_NODE = 3
"""Runs that a mesh may add to the borders that it crosses: where it begins, and where it leaves a row late."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where the points of a window lie on a raster."""

    x: NDArray[np.float64]
    """(columns,): columns of the nodes, pixels of the grid."""
    y: NDArray[np.float64]
    """(rows,): rows of the nodes."""
    col: NDArray[np.float64]
    """(rows, columns): column of each node on the raster; NaN where it has no place there."""
    row: NDArray[np.float64]
    """(rows, columns)."""

    def bounds(self, margin: int = 2) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom on the raster, with a margin, whole pixels; None where no node has a place."""
        if not np.isfinite(self.col).any():
            return None
        return (
            int(np.floor(np.nanmin(self.col))) - margin,
            int(np.floor(np.nanmin(self.row))) - margin,
            int(np.ceil(np.nanmax(self.col))) + margin,
            int(np.ceil(np.nanmax(self.row))) + margin,
        )


def lattice(grid: Grid, window: Window, onto: Grid) -> Lattice:
    """The lattice of a window of `grid` on the raster grid `onto`."""
    step = _STEP_PX
    while True:
        found = _lattice(grid, window, onto, step)
        if step == 1 or grid.crs == onto.crs or _error(found, grid, onto) < _TOLERANCE_PX:
            return found
        step //= 2


def _lattice(grid: Grid, window: Window, onto: Grid, step: int) -> Lattice:
    x, y = (
        np.append(np.arange(start, start + side, step, dtype=np.float64), start + side)
        for start, side in ((window.col_off, window.width), (window.row_off, window.height))
    )
    col, row = _place(np.tile(x, len(y)), np.repeat(y, len(x)), grid, onto)
    return Lattice(x, y, col.reshape(len(y), len(x)), row.reshape(len(y), len(x)))


def _place(
    x: NDArray[np.float64], y: NDArray[np.float64], grid: Grid, onto: Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    xy = geodesy.reproject_where_possible(*grid.xy(x, y), grid.crs, onto.crs)
    return onto.col_row(xy[:, 0], xy[:, 1])


def _error(found: Lattice, grid: Grid, onto: Grid) -> float:
    """How far any place is from where it is taken to be, at the most, pixels of the raster.

    By the middles of the meshes' sides: between two conformal grids those of the meshes themselves err least.
    """
    x, y = (found.x[:-1] + found.x[1:]) / 2, (found.y[:-1] + found.y[1:]) / 2
    across, down = 0.0, 0.0
    above = _place(np.tile(x, len(found.y)), np.repeat(found.y, len(x)), grid, onto)
    beside = _place(np.tile(found.x, len(y)), np.repeat(y, len(found.x)), grid, onto)
    for nodes, exact_above, exact_beside in zip((found.col, found.row), above, beside, strict=True):
        across = max(across, _apart((nodes[:, :-1] + nodes[:, 1:]) / 2, exact_above))
        down = max(down, _apart((nodes[:-1] + nodes[1:]) / 2, exact_beside))
    return across + down


def _apart(taken: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    """Largest distance; infinite where only one of two has a place."""
    exact = exact.reshape(taken.shape)
    if (np.isfinite(taken) != np.isfinite(exact)).any():
        return float("inf")
    return float(np.fmax.reduce(np.abs(taken - exact), axis=None, initial=0.0))


def runs_of_raster(
    numbers: NDArray[np.uint8], corner: tuple[int, int], way: Lattice, window: Window, lines_per_row: int
) -> Runs:
    """Runs along the lines of a window; `numbers` (height, width) are the raster's classes from `corner` (col, row) on.

    Beyond them everything is 0, unknown.
    """
    lines = window.height * lines_per_row
    begin, end = np.empty(lines, dtype=np.int64), np.empty(lines, dtype=np.int64)
    # room for all crossings beforehand: arrays that grow within a compiled loop make it many times slower
    across, down = (np.nan_to_num(np.abs(np.diff(at, axis=1))).sum(axis=1).max() for at in (way.col, way.row))
    most = lines * (int(across + down) + _MORE_A_NODE * (len(way.x) + 1))
    x, number = np.empty(most, dtype=np.float64), np.empty(most, dtype=np.uint8)
    used = _walk(
        np.ascontiguousarray(numbers),
        *corner,
        way.x,
        way.y,
        way.col,
        way.row,
        window.row_off,
        lines_per_row,
        begin,
        end,
        x,
        number,
    )
    return Runs(begin, end, x[:used].copy(), number[:used].copy())


@njit(cache=True, nogil=True)
def _walk(
    numbers: NDArray[np.uint8],
    left: int,
    top: int,
    x_node: NDArray[np.float64],
    y_node: NDArray[np.float64],
    col: NDArray[np.float64],
    row: NDArray[np.float64],
    row_off: int,
    per_row: int,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    x: NDArray[np.float64],
    number: NDArray[np.uint8],
) -> int:
    """From pixel to pixel of the raster, mesh by mesh (Amanatides and Woo 1987)."""
    height, width = numbers.shape
    nothing = np.zeros(width, dtype=np.uint8)
    used, below = 0, 0
    for line in range(len(begin)):
        begin[line] = used
        here = row_off + (line + 0.5) / per_row
        while below < len(y_node) - 2 and here >= y_node[below + 1]:
            below += 1
        down = (here - y_node[below]) / (y_node[below + 1] - y_node[below])
        current = np.uint8(0)
        for mesh in range(len(x_node) - 1):
            u = col[below, mesh] * (1 - down) + col[below + 1, mesh] * down - left
            v = row[below, mesh] * (1 - down) + row[below + 1, mesh] * down - top
            du = col[below, mesh + 1] * (1 - down) + col[below + 1, mesh + 1] * down - left - u
            dv = row[below, mesh + 1] * (1 - down) + row[below + 1, mesh + 1] * down - top - v
            known = np.isfinite(u + v + du + dv)
            at_col, at_row = (int(np.floor(u)), int(np.floor(v))) if known else (-1, -1)
            # where along the mesh, 0–1, the next pixel to the side and the next up or down begins, and how far apart
            next_u = ((at_col + (1 if du > 0 else 0)) - u) / du if known and du != 0 else np.inf
            next_v = ((at_row + (1 if dv > 0 else 0)) - v) / dv if known and dv != 0 else np.inf
            step_u = abs(1 / du) if known and du != 0 else np.inf
            step_v = abs(1 / dv) if known and dv != 0 else np.inf
            side, rise = 1 if du > 0 else -1, 1 if dv > 0 else -1
            along = 0.0
            while along < 1:
                # along one row of the raster, from column to column
                until = min(next_v, 1.0)
                here_row = numbers[at_row] if 0 <= at_row < height else nothing
                while True:
                    found = here_row[at_col] if 0 <= at_col < width else np.uint8(0)
                    if found != current:
                        x[used] = x_node[mesh] + along * (x_node[mesh + 1] - x_node[mesh])
                        number[used] = found
                        used += 1
                        current = found
                    if next_u >= until:
                        break
                    along = next_u
                    next_u += step_u
                    at_col += side
                along = next_v
                next_v += step_v
                at_row += rise
        end[line] = used
    return used
