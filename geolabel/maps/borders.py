"""Borders that polygons share, with the same vertices on both sides: none lies amid a side of a neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Borders:
    """The rings of many polygons; a ring names each of its vertices once."""

    xy: NDArray[np.float64]
    """(n, 2) vertices, ring after ring."""
    lengths: NDArray[np.int64]
    """(rings,) vertices of each."""
    polygon_ends: NDArray[np.int64]
    """(polygons + 1,) first ring of each polygon; the shell comes first."""

    @classmethod
    def of(cls, polygons: NDArray[Any]) -> Self:
        """The rings of Polygons (n,)."""
        _, xy, (ring_ends, polygon_ends) = shapely.to_ragged_array(polygons)
        closing = np.zeros(len(xy), dtype=bool)
        closing[ring_ends[1:] - 1] = True
        return cls(xy[~closing], np.diff(ring_ends).astype(np.int64) - 1, polygon_ends.astype(np.int64))

    def polygons(self) -> NDArray[Any]:
        """Polygons (n,) of the rings."""
        first = np.cumsum(self.lengths) - self.lengths
        xy = np.insert(self.xy, first + self.lengths, self.xy[first], axis=0)
        ring_ends = np.concatenate([[0], np.cumsum(self.lengths + 1)])
        built = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (ring_ends, self.polygon_ends))
        return np.asarray(built, dtype=object)

    def following(self) -> NDArray[np.int64]:
        """The vertex after each one in its ring: (n,)."""
        after = np.arange(1, len(self.xy) + 1)
        last = np.cumsum(self.lengths) - 1
        after[last] = last - self.lengths + 1
        return after

    def repeated(self, xy: NDArray[np.float64], times: NDArray[np.int64]) -> Borders:
        """The same rings with `times` (n,) vertices, of `xy`, for each one."""
        first = np.cumsum(self.lengths) - self.lengths
        return Borders(xy, np.add.reduceat(times, first) if len(first) else self.lengths, self.polygon_ends)


def noded(polygons: NDArray[Any]) -> NDArray[Any]:
    """The same Polygons (n,), with a vertex wherever one of another lies on a side: borders agree vertex by vertex.

    For sides that run along x or y, where "on a side" is exact; other polygons stay as they are.
    """
    if not len(polygons):
        return polygons
    borders = Borders.of(polygons)
    after = borders.following()
    ranks = [np.unique(axis, return_inverse=True)[1].astype(np.int64) for axis in borders.xy.T]
    along_x, along_y = (rank == rank[after] for rank in reversed(ranks))
    if not (along_x | along_y).all():
        return polygons
    vertex, inside, forth = [], [], []
    for across, along, sides in ((ranks[1], ranks[0], along_x), (ranks[0], ranks[1], along_y & ~along_x)):
        nodes, at = np.unique((across << 32) | along, return_index=True)
        side = np.flatnonzero(sides)
        low, high = np.sort(np.stack([along[side], along[after[side]]]), axis=0)
        begin = np.searchsorted(nodes, (across[side] << 32) | low, side="right")
        count = np.searchsorted(nodes, (across[side] << 32) | high, side="left") - begin
        place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        vertex.append(np.repeat(side, count))
        inside.append(at[np.repeat(begin, count) + place])
        ahead = np.repeat(along[side] < along[after[side]], count)
        forth.append(np.where(ahead, place, -place))
    where, node, order = (np.concatenate(parts) for parts in (vertex, inside, forth))
    sorted_ = np.lexsort([order, where])
    xy = np.insert(borders.xy, where[sorted_] + 1, borders.xy[node[sorted_]], axis=0)
    return borders.repeated(xy, 1 + np.bincount(where, minlength=len(borders.xy))).polygons()
