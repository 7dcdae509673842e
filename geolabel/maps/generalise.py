"""Calmer outlines whose shared borders stay shared: fewer vertices, or rounder corners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.errors import OptionError
from geolabel.maps.borders import Borders, noded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.maps.detections import Detections

_COVERAGE_GEOS = (3, 12)
_CUT = 0.25
"""Share of the shorter of its two sides that is cut off at a corner, from both."""


def simplify(detections: Detections, tolerance: float) -> Detections:
    """The same detections with calmer outlines; `tolerance` in CRS units, pixel statistics as they were.

    Corners whose triangle is smaller than `tolerance` squared go (Visvalingam and Whyatt). Detections that do not
    overlap are treated together, so that borders stay shared, of all classes where none overlap, else class by class.
    GEOS before 3.12, or shapely before 2.1, treats each alone, by distance (Douglas and Peucker). Raises OptionError
    (negative tolerance).
    """
    if tolerance < 0:
        raise OptionError(f"the tolerance of a simplification must be ≥ 0, got {tolerance}")
    if not (hasattr(shapely, "coverage_simplify") and shapely.geos_version >= _COVERAGE_GEOS):
        alone = shapely.simplify(detections.geometries, tolerance, preserve_topology=True)
        return replace(detections, geometries=np.asarray(alone, dtype=object))
    geometries, groups = detections.geometries, detections.class_index
    if not detections.overlap:
        geometries, groups = noded(geometries), np.zeros_like(groups)
    simple = geometries.copy()
    for group in np.unique(groups):
        mine = groups == group
        simple[mine] = shapely.coverage_simplify(geometries[mine], tolerance)
    return replace(detections, geometries=simple)


def smooth(detections: Detections, rounds: int, *, longest: float = np.inf) -> Detections:
    """The same detections with rounder outlines: corners are cut, `rounds` times; pixel statistics as they were.

    Each round puts, in place of a corner, two vertices a quarter of its shorter side away from it (Chaikin 1974, An
    algorithm for high-speed curve generation; there, a quarter of each side). Sides count as no longer than `longest`
    (CRS units), so that large corners stay. So do vertices where more than two borders meet, and corners whose cut
    another vertex lies in: polygons remain valid, and shared borders shared. Raises OptionError (negative rounds).
    """
    if rounds < 0:
        raise OptionError(f"outlines are smoothed in 0 rounds or more, got {rounds}")
    if not rounds or not len(detections):
        return detections
    borders = Borders.of(noded(detections.geometries))
    for _ in range(rounds):
        borders = _cut_corners(borders, longest)
    return replace(detections, geometries=borders.polygons())


def _cut_corners(borders: Borders, longest: float) -> Borders:
    """A round."""
    from geolabel.maps import corners

    xy, after = borders.xy, borders.following()
    before = np.empty_like(after)
    before[after] = np.arange(len(after))
    points, first, node = np.unique(xy.view(np.complex128)[:, 0], return_index=True, return_inverse=True)
    toward = np.stack([xy[before] - xy, xy[after] - xy])
    length = np.hypot(toward[..., 0], toward[..., 1])
    step = _CUT * np.minimum(length.min(axis=0), longest) / length
    cuts = xy + toward * step[..., None]  # before and after a corner; from either side of a border the same
    bent = toward[0, :, 0] * toward[1, :, 1] != toward[0, :, 1] * toward[1, :, 0]

    # what holds for a place is found once for all polygons that meet there
    movable = (_neighbours(node, after, len(points)) == 2) & bent[first]  # noqa: PLR2004 - a border goes through
    triangles = np.stack([cuts[0, first], xy[first], cuts[1, first]], axis=1)
    places = np.ascontiguousarray(xy[first])
    movable[movable] = corners.are_empty(triangles[movable], np.flatnonzero(movable), places)
    cut = movable[node]
    times = np.where(cut, 2, 1)
    at = np.cumsum(times) - times
    rounder = np.empty((int(times.sum()), 2))
    rounder[at] = np.where(cut[:, None], cuts[0], xy)
    rounder[at[cut] + 1] = cuts[1, cut]
    return borders.repeated(rounder, times)


def _neighbours(node: NDArray[np.int64], after: NDArray[np.int64], count: int) -> NDArray[Any]:
    """How many places each one is joined with by a side: (count,)."""
    low, high = np.sort(np.stack([node, node[after]]), axis=0)
    sides = np.unique((low << 32) | high)
    return np.bincount(sides >> 32, minlength=count) + np.bincount(sides & 0xFFFFFFFF, minlength=count)
