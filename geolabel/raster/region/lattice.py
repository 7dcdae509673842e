"""One grid for many rasters: which, where each lies on it, and where they lie over each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from geolabel import geodesy
from geolabel.errors import CRSError
from geolabel.grid import Grid, Window
from geolabel.raster.region.vrt import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_TOLERANCE_PX = 0.01
"""Pixels that lie so little apart are the same: files round their coordinates."""


def offset(grid: Grid, other: Grid) -> tuple[int, int] | None:
    """Column and row of `grid`'s corner on the lattice of `other`; None where their pixels do not coincide."""
    if not geodesy.same_crs(grid.crs, other.crs):
        return None
    at = box(grid, other)
    whole = Box(round(at.col_off), round(at.row_off), grid.width, grid.height)
    far = max(
        abs(at.col_off - whole.col_off),
        abs(at.row_off - whole.row_off),
        abs(at.width - whole.width),
        abs(at.height - whole.height),
    )
    return (int(whole.col_off), int(whole.row_off)) if far < _TOLERANCE_PX else None


def box(grid: Grid, other: Grid) -> Box:
    """Where `grid` lies, in pixels of `other`, of the same CRS; sides are negative where an axis is turned round."""
    x, y = grid.xy(np.array([0.0, grid.width]), np.array([0.0, grid.height]))
    col, row = other.col_row(x, y)
    return Box(float(col[0]), float(row[0]), float(col[1] - col[0]), float(row[1] - row[0]))


def choose(grids: Sequence[Grid]) -> Grid:
    """The grid whose CRS, and in that whose pixel size, holds most of the area; the first of those alike."""
    areas = [grid.width * grid.height * math.prod(grid.gsd_m) for grid in grids]
    in_crs = _most(grids, areas, lambda grid, other: geodesy.same_crs(grid.crs, other.crs))
    inside = [number for number, grid in enumerate(grids) if geodesy.same_crs(grid.crs, in_crs.crs)]
    return _most([grids[number] for number in inside], [areas[number] for number in inside], _same_size)


def _most(grids: Sequence[Grid], areas: Sequence[float], alike: Callable[[Grid, Grid], bool]) -> Grid:
    """The first of the class of grids with most of the area."""
    sums: list[tuple[Grid, float]] = []
    for grid, area in zip(grids, areas, strict=True):
        at = next((number for number, (first, _) in enumerate(sums) if alike(grid, first)), None)
        if at is None:
            sums.append((grid, area))
        else:
            sums[at] = (sums[at][0], sums[at][1] + area)
    return max(sums, key=lambda each: each[1])[0]


def _same_size(grid: Grid, other: Grid) -> bool:
    drift_col = abs(grid.transform.a / other.transform.a - 1) * max(grid.width, other.width)
    drift_row = abs(grid.transform.e / other.transform.e - 1) * max(grid.height, other.height)
    return max(drift_col, drift_row) < _TOLERANCE_PX


def around(grid: Grid, other: Grid) -> Grid:
    """The part of the lattice of `other` that a grid in any CRS covers, pixels that are begun included.

    Raises CRSError where it has no place in that CRS.
    """
    bounds = geodesy.project_bounds(grid.bounds, grid.crs, other.crs)
    if bounds is None:
        raise CRSError(
            f"a raster in {geodesy.name(grid.crs)} has no place in {geodesy.name(other.crs)}, that of most rasters; "
            "name it in a run of its own"
        )
    west, south, east, north = bounds
    col, row = other.col_row(np.array([west, east]), np.array([south, north]))
    left, top = (math.floor(side.min() + _TOLERANCE_PX) for side in (col, row))
    right, bottom = (math.ceil(side.max() - _TOLERANCE_PX) for side in (col, row))
    return other.part(Window(left, top, max(1, right - left), max(1, bottom - top)))


def union(anchor: Grid, offsets: Sequence[tuple[int, int]], grids: Sequence[Grid]) -> tuple[Grid, list[Window]]:
    """The grid that covers all grids of one lattice, and where each of them lies on it."""
    left, top = min(col for col, _ in offsets), min(row for _, row in offsets)
    windows = [
        Window(col - left, row - top, grid.width, grid.height) for (col, row), grid in zip(offsets, grids, strict=True)
    ]
    width = max(window.col_off + window.width for window in windows)
    height = max(window.row_off + window.height for window in windows)
    return anchor.part(Window(left, top, width, height)), windows


def cut(window: Window, others: Sequence[Window]) -> tuple[list[Window], list[Window]]:
    """A window in pieces: those that lie on none of the others, and those that lie on some. Together they are it."""
    free, covered = [window], []
    for other in others:
        rest: list[Window] = []
        for piece in free:
            both = _overlap(piece, other)
            if both is None:
                rest.append(piece)
            else:
                covered.append(both)
                rest += _around(piece, both)
        free = rest
    return free, covered


def _overlap(one: Window, other: Window) -> Window | None:
    left, top = max(one.col_off, other.col_off), max(one.row_off, other.row_off)
    right = min(one.col_off + one.width, other.col_off + other.width)
    bottom = min(one.row_off + one.height, other.row_off + other.height)
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _around(window: Window, hole: Window) -> list[Window]:
    """What is left of a window around a hole in it: above and below it full width, beside it its height."""
    right, bottom = window.col_off + window.width, window.row_off + window.height
    hole_right, hole_bottom = hole.col_off + hole.width, hole.row_off + hole.height
    sides = [
        (window.col_off, window.row_off, window.width, hole.row_off - window.row_off),
        (window.col_off, hole.row_off, hole.col_off - window.col_off, hole.height),
        (hole_right, hole.row_off, right - hole_right, hole.height),
        (window.col_off, hole_bottom, window.width, bottom - hole_bottom),
    ]
    return [Window(*side) for side in sides if side[2] > 0 and side[3] > 0]
