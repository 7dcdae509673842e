"""Patches that cross the edge between two strips: which pieces belong together, and their union."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geolabel.maps.stitch import stitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pieces:
    """Parts of patches, each from within one strip."""

    geometries: NDArray[Any]
    """(n,) Polygons in pixel coordinates; None for a piece that is too small to matter."""
    patch: NDArray[np.int64]
    """(n,) number of the patch it is a part of."""
    pixels: NDArray[np.int64]
    total: NDArray[np.float64]
    """(n,) sum of the stored probabilities."""
    highest: NDArray[np.float64]
    """(n,) highest stored probability."""
    rank: NDArray[np.int64]
    """(n,) grows with the place of a piece's first pixel in reading order."""
    row_off: NDArray[np.int64]
    """(n,) first row of the piece's strip."""

    @classmethod
    def nothing(cls) -> Self:
        """Of no patch."""
        none = np.empty(0, dtype=np.int64)
        return cls(np.empty(0, dtype=object), none, none, none.astype(float), none.astype(float), none, none)

    def take(self, chosen: NDArray[np.bool_]) -> Pieces:
        """The pieces that are True in `chosen`: (n,)."""
        return Pieces(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Closed:
    """Whole patches, one row each."""

    geometries: NDArray[Any]
    """(n,) Polygons."""
    pixels: NDArray[np.int64]
    total: NDArray[np.float64]
    highest: NDArray[np.float64]
    top_row: NDArray[np.int64]
    left_col: NDArray[np.int64]
    rank: NDArray[np.int64]

    @classmethod
    def join(cls, parts: Sequence[Closed]) -> Self:
        """All rows of all parts, in their order."""
        none = np.empty(0, dtype=np.int64)
        empty = cls(np.empty(0, dtype=object), none, none.astype(float), none.astype(float), none, none, none)
        return cls(*(np.concatenate([getattr(part, field.name) for part in (empty, *parts)]) for field in fields(cls)))

    def sorted(self) -> Closed:
        """By top row, then left column; of two that share both, the one whose first pixel is read first."""
        order = np.lexsort([self.rank, self.left_col, self.top_row])
        return Closed(*(getattr(self, field.name)[order] for field in fields(self)))

    def with_geometries(self, geometries: NDArray[Any]) -> Closed:
        """The same patches, drawn elsewhere."""
        return replace(self, geometries=np.asarray(geometries, dtype=object))


@dataclass(frozen=True, slots=True)
class Open:
    """Patches of one class that reach the last row read, and may go on below it."""

    pieces: Pieces
    last_row: NDArray[np.int64]
    """(width,) number of the patch under each column of that row; -1 where there is none."""

    @classmethod
    def nothing(cls, width: int) -> Self:
        """Before the first row."""
        return cls(Pieces.nothing(), np.full(width, -1))

    def close(self, min_pixels: int) -> Closed:
        """What is still open, after the last row."""
        return _close(self.pieces, min_pixels)


def advance(
    above: Open, below: Pieces, first_row: NDArray[np.int32], last_row: NDArray[np.int32], min_pixels: int
) -> tuple[Open, Closed]:
    """Go on by one strip: what is open under it, and the patches that ended in or above it.

    `below` has a row for each label, from 1, of a strip; `first_row` and `last_row` (width,) are its labels.
    """
    opened = int(above.last_row.max(initial=-1)) + 1
    touching = (above.last_row >= 0) & (first_row > 0)
    a, b = above.last_row[touching], first_row[touching].astype(np.int64) - 1 + opened
    nodes = opened + len(below.pixels)
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(nodes, nodes))
    _, patch = connected_components(links, directed=False)
    patch = patch.astype(np.int64)

    pieces = Pieces(
        *(np.concatenate([getattr(above.pieces, field.name), getattr(below, field.name)]) for field in fields(Pieces))
    )
    pieces = replace(pieces, patch=patch[np.concatenate([above.pieces.patch, below.patch + opened])])

    reaching = last_row > 0
    patch_below = patch[last_row[reaching].astype(np.int64) - 1 + opened]
    goes_on = np.zeros(nodes, dtype=bool)
    goes_on[patch_below] = True
    number = np.cumsum(goes_on) - 1
    bottom = np.full(len(last_row), -1)
    bottom[reaching] = number[patch_below]

    waits = goes_on[pieces.patch]
    waiting = pieces.take(waits)
    return Open(replace(waiting, patch=number[waiting.patch]), bottom), _close(pieces.take(~waits), min_pixels)


def _close(pieces: Pieces, min_pixels: int) -> Closed:
    """Unite the pieces of each patch, and drop patches of fewer than `min_pixels`."""
    pixels = np.bincount(pieces.patch, weights=pieces.pixels)
    pieces = pieces.take(pixels[pieces.patch] >= min_pixels)
    if len(pieces.pixels) == 0:
        return Closed.join([])
    _, patch, count = np.unique(pieces.patch, return_inverse=True, return_counts=True)
    order = np.argsort(patch, kind="stable")
    starts = np.cumsum(count) - count
    geometries = pieces.geometries[order][starts]
    several = count > 1
    if several.any():
        parts = order[several[patch[order]]]
        number = np.repeat(np.arange(several.sum()), count[several])
        geometries[several] = stitch(pieces.geometries[parts], number, np.unique(pieces.row_off[parts]))
    bounds = shapely.bounds(geometries).astype(np.int64)
    return Closed(
        geometries,
        np.add.reduceat(pieces.pixels[order], starts),
        np.add.reduceat(pieces.total[order], starts),
        np.maximum.reduceat(pieces.highest[order], starts),
        top_row=bounds[:, 1],
        left_col=bounds[:, 0],
        rank=np.minimum.reduceat(pieces.rank[order], starts),
    )
