"""Features as areas on a raster's grid: in pixels, lines and points as wide as they are, in the order they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.grid import Window
from geolabel.labels.runs import Rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid

_POLYGONS = (3, 6)
"""shapely's type numbers of Polygon and MultiPolygon."""
_ROUND = 4
"""Segments of a quarter of a circle."""


@dataclass(frozen=True, slots=True)
class Areas:
    """n areas of known classes; the last lies on top."""

    geometries: NDArray[Any]
    """(n,) shapely polygons, coordinates in (column, row) of a grid."""
    number: NDArray[np.uint8]
    """(n,): class number, not 0."""

    def rings(self) -> Rings:
        """Their outlines as flat arrays."""
        if len(self.geometries) == 0:
            empty = np.zeros(0)
            return Rings(empty, empty, np.zeros(1, np.int64), np.zeros(0, np.int64), self.number)
        kind, coordinates, offsets = shapely.to_ragged_array(self.geometries)
        rings, *parts = offsets
        area = np.repeat(np.arange(len(parts[0]) - 1), np.diff(parts[0]))
        if kind == shapely.GeometryType.MULTIPOLYGON:
            area = np.repeat(np.arange(len(parts[1]) - 1), np.diff(parts[1]))[area]
        x, y = np.ascontiguousarray(coordinates[:, :2].T)
        return Rings(x, y, rings.astype(np.int64), area.astype(np.int64), self.number)


def is_thin(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Which geometries (n,) are lines or points: (n,)."""
    return ~np.isin(shapely.get_type_id(geometries), _POLYGONS)


def on_grid(geometries: NDArray[Any], width_m: NDArray[np.float64], grid: Grid) -> NDArray[Any]:
    """Polygons in pixels (n,), None for what has no area.

    Widths are metres on the ground: pixels that are not square are made so before a line is widened.
    """

    def to_pixels(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(grid.col_row(coordinates[:, 0], coordinates[:, 1]))

    pixels = np.asarray(shapely.transform(geometries, to_pixels), dtype=object)
    thin = is_thin(pixels)
    wide = thin & ~np.isnan(width_m)
    if wide.any():
        gsd = np.array(grid.gsd_m)
        metres = shapely.transform(pixels[wide], lambda coordinates: coordinates * gsd)
        buffered = shapely.buffer(metres, width_m[wide] / 2, quad_segs=_ROUND, cap_style="round")
        pixels[wide] = shapely.transform(buffered, lambda coordinates: coordinates / gsd)
    pixels[thin & ~wide] = None
    return pixels


def reached(grid: Grid, window: Window, metres: float) -> tuple[float, float, float, float]:
    """Bounds (west, south, east, north) of a window and of what lies no farther from it than so many metres."""
    cols, rows = (math.ceil(metres / gsd) for gsd in grid.gsd_m)
    wide = Window(window.col_off - cols, window.row_off - rows, window.width + 2 * cols, window.height + 2 * rows)
    return grid.part(wide).bounds


def stacked(geometries: NDArray[Any], number: NDArray[np.uint8], priority: NDArray[Any], thin: NDArray[Any]) -> Areas:
    """In the order they lie: higher priority on top, then lines and points, then the smaller area."""
    order = np.lexsort((-shapely.area(geometries), thin, priority))
    return Areas(geometries[order], number[order])
