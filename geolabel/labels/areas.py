"""Features as areas on a raster's grid: in pixels, lines and points as wide as they are, in the order they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.grid import Window
from geolabel.labels.runs import Rings
from geolabel.vector import FlatRings, joined, rings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        flat = rings_of(self.geometries)
        return Rings(flat.x, flat.y, flat.start, flat.owner, self.number)


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
    """In the order they lie: higher priority on top, then lines and points, the smaller area, the earlier class."""
    order = np.lexsort((-number.astype(np.int64), -_rounded(shapely.area(geometries)), thin, priority))
    return Areas(geometries[order], number[order])


def _rounded(size: NDArray[np.float64]) -> NDArray[np.float32]:
    """Areas that rounding made different are the same: one outline is often drawn twice, with other tags."""
    return size.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Outlined:
    """n features as outlines in pixels."""

    rings: FlatRings
    """Of those that matter; `owner` is their place among the n."""
    number: NDArray[np.uint8]
    """(groups, n): class numbers."""
    thin: NDArray[np.bool_]
    """(n,): lines and points."""
    size: NDArray[np.float64]
    """(n,): area, in any unit that is the same for neighbours of a kind."""


def piled(batches: Sequence[Outlined], priority: NDArray[Any]) -> list[Rings]:
    """All features of a place in the order they lie, by group: as `stacked`, without a geometry being touched.

    `priority` by class number. A feature without a class in a group lies below all, and is nothing there.
    """
    rings, shift = batches[0].rings, len(batches[0].thin)
    for batch in batches[1:]:
        more = batch.rings
        rings = joined(rings, FlatRings(more.x, more.y, more.start, more.owner + shift))
        shift += len(batch.thin)
    thin = np.concatenate([batch.thin for batch in batches])
    size = np.concatenate([batch.size for batch in batches])
    found = []
    for number in np.concatenate([batch.number for batch in batches], axis=1):
        order = np.lexsort((-number.astype(np.int64), -_rounded(size), thin, priority[number], number > 0))
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        found.append(Rings(rings.x, rings.y, rings.start, rank[rings.owner], number[order]))
    return found
