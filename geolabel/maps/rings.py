"""Rings along pixel edges as flat arrays: an open ring names each vertex once, many share one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers from each start on, as many as its length, one run after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def corners(xy: NDArray[np.float64], lengths: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Open rings without the vertices at which they go straight on; every side runs along x or y."""
    starts = np.cumsum(lengths) - lengths
    lasts = starts + lengths - 1
    before, after = np.arange(len(xy)) - 1, np.arange(len(xy)) + 1
    before[starts], after[lasts] = lasts, starts
    turns = (xy[:, 1] == xy[before, 1]) != (xy[:, 1] == xy[after, 1])
    return xy[turns], np.add.reduceat(turns, starts, dtype=np.int64)


def polygons(
    xy: NDArray[np.float64], lengths: NDArray[np.int64], polygon: NDArray[np.int64], count: int
) -> NDArray[Any]:
    """Polygons (count,) of open rings; `polygon` is the number of the polygon that each ring is part of.

    Which ring is the shell needs no telling: along pixel edges, no hole reaches as low a y as its shell.
    """
    starts = np.cumsum(lengths) - lengths
    order = np.lexsort([np.minimum.reduceat(xy[:, 1], starts), polygon])
    starts, lengths = starts[order], lengths[order]
    vertices = ranges(starts, lengths + 1)
    ring_ends = np.concatenate([[0], np.cumsum(lengths + 1)])
    vertices[ring_ends[1:] - 1] = starts  # a closed ring ends where it starts
    polygon_ends = np.concatenate([[0], np.cumsum(np.bincount(polygon, minlength=count))])
    built = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy[vertices], (ring_ends, polygon_ends))
    return np.asarray(built, dtype=object)
