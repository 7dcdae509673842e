"""Detections: the polygons of a map's classes, with what the pixels inside say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COVERAGE_GEOS = (3, 12)


@dataclass(frozen=True, slots=True)
class Detections:
    """One row a detection, sorted by class, then top row, then left column."""

    geometries: NDArray[Any]
    """(n,) shapely Polygons, holes included, in the grid's CRS."""
    class_index: NDArray[np.int32]
    """(n,) position of the class, from 0."""
    pixels: NDArray[np.int64]
    """(n,) pixels covered."""
    mean_probability: NDArray[np.float64]
    """(n,) mean over the pixels, 0 to 1."""
    max_probability: NDArray[np.float64]
    """(n,) highest among the pixels, 0 to 1."""

    def __post_init__(self) -> None:
        rows = {len(getattr(self, name)) for name in type(self).__slots__}
        if len(rows) > 1:
            raise ValueError(f"columns of different lengths: {sorted(rows)}")

    def __len__(self) -> int:
        return len(self.geometries)


def simplify(detections: Detections, tolerance: float) -> Detections:
    """The same detections with calmer outlines; `tolerance` in CRS units, pixel statistics as they were.

    Corners whose triangle is smaller than `tolerance` squared go (Visvalingam and Whyatt). Detections of one
    class are treated together: they never come to overlap. GEOS before 3.12, or shapely before 2.1, treats
    each alone, by distance (Douglas and Peucker). Raises OptionError (negative tolerance).
    """
    if tolerance < 0:
        raise OptionError(f"the tolerance of a simplification must be ≥ 0, got {tolerance}")
    geometries = detections.geometries.copy()
    for index in np.unique(detections.class_index):
        mine = detections.class_index == index
        geometries[mine] = _simplify(geometries[mine], tolerance)
    return replace(detections, geometries=geometries)


def _simplify(polygons: NDArray[Any], tolerance: float) -> NDArray[Any]:
    if hasattr(shapely, "coverage_simplify") and shapely.geos_version >= _COVERAGE_GEOS:
        return np.asarray(shapely.coverage_simplify(polygons, tolerance), dtype=object)
    return np.asarray(shapely.simplify(polygons, tolerance, preserve_topology=True), dtype=object)
