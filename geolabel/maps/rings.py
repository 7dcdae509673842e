"""Polygons of patches that are given by their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid


def outlines(
    row: NDArray[np.int32], edge: NDArray[np.int32], begin: NDArray[np.int64], grid: Grid, fill_pixels: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Polygons (n,) of n patches in the grid's CRS, without their holes of fewer than `fill_pixels` pixels.

    `row` (runs,) and `edge` (2 × runs,): the row and both ends of each run; those of patch i begin at `begin[i]`, in
    reading order. Each ring starts at a settled vertex. Also returned are those of the holes that went into which other
    patches fit: Polygons (m,) in (col, row), and the patch (m,) of each.
    """
    from geolabel.maps import trace

    vertices, lengths, patch, filled = trace.follow(row, edge, begin, trace.link(row, edge, begin), fill_pixels)
    holes = np.empty(0, dtype=object)
    if filled.any():
        inside = np.repeat(filled, lengths)
        holes = _polygons(vertices[inside], lengths[filled], np.arange(filled.sum()), int(filled.sum()))
        vertices, lengths = vertices[~inside], lengths[~filled]
    vertices[:, 0], vertices[:, 1] = grid.xy(vertices[:, 0], vertices[:, 1])
    polygons = _polygons(vertices, lengths, patch[~filled], len(begin) - 1)
    return np.asarray(shapely.normalize(polygons), dtype=object), holes, patch[filled]


def _polygons(
    vertices: NDArray[np.float64], lengths: NDArray[np.int64], polygon: NDArray[np.int64], count: int
) -> NDArray[Any]:
    """Polygons (count,) of closed rings, each shell followed by its holes; `polygon` (rings,): its number."""
    ring_ends = np.concatenate([[0], np.cumsum(lengths)])
    polygon_ends = np.concatenate([[0], np.cumsum(np.bincount(polygon, minlength=count))])
    built = shapely.from_ragged_array(shapely.GeometryType.POLYGON, vertices, (ring_ends, polygon_ends))
    return np.asarray(built, dtype=object)
