"""From paths to pixels: how far each pixel lies from the nearest path, and where along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel.world.curves import lengths, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.world.arrays import Floats, Ids, Points


@dataclass(frozen=True, slots=True)
class Trace:
    """The nearest path of every pixel; each field (size, size)."""

    line: Ids
    """Index of the nearest path in the list traced; -1 where no path reaches the scene."""
    along: Floats
    """Distance along that path, pixels; below 0 or past its length beyond its ends."""
    offset: Floats
    """Signed distance to it, pixels: positive to the right of its direction on the map."""
    distance: Floats
    """Distance to it, pixels."""


def trace(paths: Sequence[Points], size_px: int) -> Trace:
    """Measure every pixel centre against the nearest of the paths."""
    dense = [resample(path, 0.5) for path in paths]
    empty = np.empty((0, 2))
    point = np.concatenate([*dense, empty])
    line = np.repeat(np.arange(len(dense)), [len(path) for path in dense])
    along = np.concatenate([*(lengths(path) for path in dense), empty[:, 0]])
    tangent = np.concatenate([*(_unit(np.gradient(path, axis=0)) for path in dense), empty])
    inside = ((point >= 0) & (point < size_px)).all(axis=1)
    grid = (size_px, size_px)
    if not inside.any():
        far = np.full(grid, 4.0 * size_px, np.float32)
        return Trace(np.full(grid, -1, np.int32), np.zeros(grid, np.float32), far, far)
    index = np.flatnonzero(inside)
    seed = np.full(grid, -1, np.int32)
    seed[point[index, 1].astype(int), point[index, 0].astype(int)] = index
    row, col = ndimage.distance_transform_edt(seed < 0, return_distances=False, return_indices=True)
    near = seed[row, col]
    # The raster search is exact to a pixel; the vector to the seed itself restores the rest.
    centre = np.arange(size_px, dtype=np.float32) + np.float32(0.5)
    point, tangent = point.astype(np.float32), tangent.astype(np.float32)
    away_x, away_y = centre[None, :] - point[near, 0], centre[:, None] - point[near, 1]
    forward = away_x * tangent[near, 0] + away_y * tangent[near, 1]
    offset = away_y * tangent[near, 0] - away_x * tangent[near, 1]
    return Trace(
        line=line.astype(np.int32)[near],
        along=along.astype(np.float32)[near] + forward,
        offset=offset,
        distance=np.hypot(away_x, away_y),
    )


def _unit(vectors: Points) -> Points:
    """The vectors scaled to length 1."""
    return np.asarray(vectors / np.maximum(np.hypot(*vectors.T), 1e-9)[:, None])
