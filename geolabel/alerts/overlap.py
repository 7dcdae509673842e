"""Which polygons lie over which, and what is left of one under others: areas of polygons, never their borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_FEW = 500
"""Vertices of a part."""


@dataclass(frozen=True, slots=True)
class Overlaps:
    """k pairs of polygons that have an area in common, sorted by `one`, then `other`."""

    one: NDArray[np.int64]
    """(k,) position in the first list."""
    other: NDArray[np.int64]
    """(k,) position in the second."""
    pieces: NDArray[Any]
    """(k,) what they have in common."""

    def of(self, chosen: NDArray[np.bool_]) -> Overlaps:
        """The pairs that `chosen` (k,) selects."""
        return Overlaps(self.one[chosen], self.other[chosen], self.pieces[chosen])


def overlaps(
    ones: NDArray[Any], others: NDArray[Any], kind_of_one: NDArray[Any], kind_of_other: NDArray[Any]
) -> Overlaps:
    """Pairs of polygons of one kind, of two lists in one CRS, that have an area in common."""
    one, other = shapely.STRtree(others).query(ones, predicate="intersects").astype(np.int64)
    alike = kind_of_one[one] == kind_of_other[other]
    return _with_pieces(ones, others, one[alike], other[alike])


def _with_pieces(
    ones: NDArray[Any], others: NDArray[Any], one: NDArray[np.int64], other: NDArray[np.int64]
) -> Overlaps:
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    pieces = polygonal(shapely.intersection(ones[one], others[other]))
    return Overlaps(one, other, pieces).of(shapely.area(pieces) > 0)


def without(geometries: NDArray[Any], others: NDArray[Any], pairs: Overlaps) -> NDArray[Any]:
    """What is left of each geometry (n,) outside the `others` that it is paired with; empty where nothing is."""
    left = geometries.copy()
    for at, rows in groups(pairs.one):
        left[at] = shapely.difference(geometries[at], shapely.union_all(others[pairs.other[rows]]))
    return polygonal(left)


def apart(geometries: NDArray[Any], kind: NDArray[Any]) -> NDArray[Any]:
    """The same polygons without what an earlier one of their kind holds already."""
    one, other = shapely.STRtree(geometries).query(geometries, predicate="intersects").astype(np.int64)
    earlier = (other < one) & (kind[one] == kind[other])
    return without(geometries, geometries, _with_pieces(geometries, geometries, one[earlier], other[earlier]))


def in_small_parts(geometries: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Polygons cut into parts of a few vertices each (k,), and whose part each is (k,): to cut at them is quick."""
    parts, owner = geometries, np.arange(len(geometries))
    while (large := shapely.get_num_coordinates(parts) > _FEW).any():
        halves = polygonal(shapely.intersection(np.repeat(parts[large], 2), _halves(parts[large])))
        parts = np.concatenate([parts[~large], halves])
        owner = np.concatenate([owner[~large], np.repeat(owner[large], 2)])
    there = ~shapely.is_empty(parts)
    return parts[there], owner[there]


def _halves(geometries: NDArray[Any]) -> NDArray[Any]:
    """The two halves of each geometry's box, cut across its longer side: (2 n,)."""
    west, south, east, north = shapely.bounds(geometries).T
    wide = east - west > north - south
    first = shapely.box(
        west, south, np.where(wide, (west + east) / 2, east), np.where(wide, north, (south + north) / 2)
    )
    second = shapely.box(
        np.where(wide, (west + east) / 2, west), np.where(wide, south, (south + north) / 2), east, north
    )
    return np.column_stack([first, second]).ravel()


def polygonal(geometries: NDArray[Any]) -> NDArray[Any]:
    """Geometries (n,) without the lines and points that cutting leaves; an empty polygon where nothing has an area."""
    geometries = np.asarray(geometries, dtype=object).copy()
    for at in np.flatnonzero(~np.isin(shapely.get_type_id(geometries), _AREAS)).tolist():
        parts = shapely.get_parts(geometries[at])
        areas = parts[np.isin(shapely.get_type_id(parts), _AREAS)]
        geometries[at] = shapely.union_all(areas) if len(areas) else shapely.Polygon()
    return geometries


def groups(keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each different key with the rows in which it stands."""
    if len(keys) == 0:
        return
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] - 1))
    for rows in np.split(order, starts[1:]):
        yield int(keys[rows[0]]), rows
