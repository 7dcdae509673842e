"""Outlines of polygons as flat arrays, most of them without a geometry object being made.

Of small polygons with one ring, which most land use is, the vertices are copied out of the bytes that GDAL gives, and
their rings are checked here not to cross themselves. All others go by way of GEOS.
Source of the layout: OGC 06-103r4, 8.2 (WKB).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FlatRings:
    """Outlines of polygons as flat arrays."""

    x: NDArray[np.float64]
    """(vertices,), CRS units."""
    y: NDArray[np.float64]
    """(vertices,)."""
    start: NDArray[np.int64]
    """(rings + 1,): first vertex of each ring, outer or hole; its last vertex repeats its first."""
    owner: NDArray[np.int64]
    """(rings,): the feature that a ring belongs to."""

    def of(self, owners: NDArray[np.bool_]) -> FlatRings:
        """The rings of some features; `owners` (features,) by feature."""
        chosen = owners[self.owner]
        if chosen.all():
            return self
        length = np.diff(self.start)
        vertices = np.repeat(chosen, length)
        start = np.concatenate([[0], np.cumsum(length[chosen])])
        return FlatRings(self.x[vertices], self.y[vertices], start, self.owner[chosen])

    def sizes(self, count: int) -> NDArray[np.float64]:
        """Area of each of so many features of one ring, squared CRS units: (count,); 0 for those without a ring."""
        found = np.zeros(count)
        if len(self.owner):
            side = np.zeros(len(self.x))
            # measured from a vertex of its own: far from the origin, products lose the digits that matter
            base = np.repeat(self.start[:-1], np.diff(self.start))
            x, y = self.x - self.x[base], self.y - self.y[base]
            side[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
            side[self.start[1:] - 1] = 0
            found[self.owner] = np.abs(np.add.reduceat(side, self.start[:-1])) / 2
        return found


def plain_rings(wkb: pa.Array, longest: float) -> FlatRings:
    """The outlines of those polygons of n geometries that are plain.

    They have one ring of a few vertices that does not cross or touch itself, no longer than `longest`, CRS units.
    """
    from geolabel.vector import wkb as kernels  # numba: 55 MB, of no use without labels

    _, offsets, data = wkb.buffers()
    kind = np.int64 if str(wkb.type).startswith("large") else np.int32
    if not len(wkb) or data is None:
        return FlatRings(np.zeros(0), np.zeros(0), np.zeros(1, np.int64), np.zeros(0, np.int64))
    at = np.frombuffer(offsets, dtype=kind)[wkb.offset : wkb.offset + len(wkb) + 1].astype(np.int64)
    content = np.frombuffer(data, dtype=np.uint8)
    count = kernels.counts(content, at)
    start = np.concatenate([[0], np.cumsum(count)])
    vertices = np.empty((start[-1], 2), dtype=np.float64)
    kernels.copy(content, at, count, vertices.reshape(-1).view(np.uint8))
    plain = kernels.are_simple(vertices, start, longest)
    found = FlatRings(vertices[:, 0], vertices[:, 1], start, np.arange(len(wkb))).of(plain)
    return FlatRings(np.ascontiguousarray(found.x), np.ascontiguousarray(found.y), found.start, found.owner)


def rings_of(shapes: NDArray[Any]) -> FlatRings:
    """The outlines of n shapely polygons; `owner` is their place."""
    import shapely

    if len(shapes) == 0:
        return FlatRings(np.zeros(0), np.zeros(0), np.zeros(1, np.int64), np.zeros(0, np.int64))
    kind, coordinates, (start, *parts) = shapely.to_ragged_array(shapes)
    owner = np.repeat(np.arange(len(parts[0]) - 1), np.diff(parts[0]))
    if kind == shapely.GeometryType.MULTIPOLYGON:
        owner = np.repeat(np.arange(len(parts[1]) - 1), np.diff(parts[1]))[owner]
    x, y = np.ascontiguousarray(coordinates[:, :2].T)
    return FlatRings(x, y, start.astype(np.int64), owner.astype(np.int64))


def joined(one: FlatRings, other: FlatRings) -> FlatRings:
    """Both, one after the other."""
    if not len(other.owner):
        return one
    return FlatRings(
        np.concatenate([one.x, other.x]),
        np.concatenate([one.y, other.y]),
        np.concatenate([one.start, other.start[1:] + len(one.x)]),
        np.concatenate([one.owner, other.owner]),
    )
