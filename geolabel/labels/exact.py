"""Areas without sampling: geometry against geometry, to check the fast way with.

Overlaps are cut away first, by GEOS, so that what remains of the areas lies side by side; it is then summed in cells
between all edges of tiles. Where tiles lie too irregularly for that, GEOS cuts each area by the tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.labels.tally import Tally
from geolabel.labels.trapezia import areas_in_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.labels.areas import Areas

_MANY_VERTICES = 256
"""An area of more is halved, and halved again, before it meets the tiles."""
_MOST_CELLS = 20_000_000
_ROUNDING = 1e-7
"""Square pixels that the differences of large sums may leave."""
_COLLECTION = 7
"""shapely's type number of a mixed collection."""


def exact_tally(
    sources: Sequence[Areas],
    tiles: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    rows: tuple[int, int],
    class_count: int,
) -> Tally:
    """Areas in the parts of n tiles that lie in the pixel rows from … to; earlier sources win where they overlap."""
    col_off, row_off, width, height = tiles
    boxes = shapely.box(col_off, np.maximum(row_off, rows[0]), col_off + width, np.minimum(row_off + height, rows[1]))
    whole = shapely.area(boxes)
    kinds, count = class_count + 2, len(sources)
    band = (float(col_off.min()), float(rows[0]), float((col_off + width).max()), float(rows[1]))
    clipped = [_clip(areas.geometries, areas.number, band) for areas in sources]
    geometries = np.concatenate([shapes for shapes, _ in reversed(clipped)])
    number = np.concatenate([value for _, value in reversed(clipped)])
    owner = np.concatenate([np.full(len(value), at) for at, (_, value) in reversed(list(enumerate(clipped)))])
    found = _in_boxes(_visible(geometries), number + kinds * owner, boxes, kinds * count)
    found = found.reshape(len(boxes), count, kinds)
    merged, speaker = found.sum(axis=1), found.sum(axis=2)
    by_source = merged[:, None, :].copy()
    if count > 1:
        each = [_in_boxes(_visible(shapes), value.astype(np.int64), boxes, kinds) for shapes, value in clipped]
        by_source = np.stack(each, axis=1)
    for table in (merged, *(by_source[:, at] for at in range(count))):
        table[:, 0] = whole - table[:, 1:].sum(axis=1)
    nothing = np.zeros(len(boxes))
    return Tally(merged, speaker, by_source, nothing, nothing, np.zeros((count * (count - 1) // 2, kinds, kinds)))


def _clip(
    geometries: NDArray[Any], number: NDArray[np.uint8], band: tuple[float, float, float, float]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """What of the areas lies in a band (left, top, right, bottom), in the same order."""
    bounds = shapely.bounds(geometries)
    left, top, right, bottom = band
    crossing = (bounds[:, 0] < left) | (bounds[:, 1] < top) | (bounds[:, 2] > right) | (bounds[:, 3] > bottom)
    clipped = geometries.copy()
    clipped[crossing] = _solid(shapely.intersection(geometries[crossing], shapely.box(*band)))
    keep = shapely.area(clipped) > 0
    return clipped[keep], number[keep]


def _visible(geometries: NDArray[Any]) -> NDArray[Any]:
    """What is to be seen of each area (n,), the last one lying on top: those above it are taken away."""
    if len(geometries) == 0:
        return geometries
    below, above = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    pairs = below < above
    below, above = below[pairs], above[pairs]
    real = ~shapely.touches(geometries[below], geometries[above])
    below, above = below[real], above[real]
    order = np.argsort(below, kind="stable")
    lower, begin = np.unique(below[order], return_index=True)
    visible = geometries.copy()
    groups = shapely.geometrycollections(
        geometries[above[order]], indices=np.repeat(np.arange(len(lower)), np.diff([*begin, len(order)]))
    )
    visible[lower] = _solid(shapely.difference(geometries[lower], shapely.union_all(groups[:, None], axis=1)))
    return visible


def _solid(shapes: NDArray[Any]) -> NDArray[Any]:
    """Shapes (n,) without the lines and points that cutting leaves where borders only touch."""
    mixed = np.flatnonzero(shapely.get_type_id(shapes) == _COLLECTION)
    for at in mixed.tolist():
        parts = shapely.get_parts(shapes[at])
        shapes[at] = shapely.union_all(parts[shapely.area(parts) > 0])
    return shapes


def _in_boxes(pieces: NDArray[Any], kind: NDArray[np.int64], boxes: NDArray[Any], kinds: int) -> NDArray[np.float64]:
    """Area of each kind of pieces (n,), which lie side by side, in each of m boxes: (m, kinds)."""
    solid = shapely.area(pieces) > 0
    pieces, kind = pieces[solid], kind[solid]
    left, top, right, bottom = shapely.bounds(boxes).T
    x_edge, y_edge = np.unique([left, right]), np.unique([top, bottom])
    if len(x_edge) * len(y_edge) * kinds <= _MOST_CELLS:
        cells = np.zeros((len(y_edge), len(x_edge), kinds))
        cells[1:, 1:] = areas_in_cells(pieces, kind, x_edge, y_edge, kinds)
        upto = cells.cumsum(axis=0).cumsum(axis=1)
        first, last = np.searchsorted(x_edge, left), np.searchsorted(x_edge, right)
        upper, lower = np.searchsorted(y_edge, top), np.searchsorted(y_edge, bottom)
        found = upto[lower, last] - upto[upper, last] - upto[lower, first] + upto[upper, first]
        return np.where(found > _ROUNDING, found, 0.0)
    found = np.zeros((len(boxes), kinds))
    tile, piece, area = _overlay(pieces, boxes)
    np.add.at(found, (tile, kind[piece]), area)
    return found


def _overlay(pieces: NDArray[Any], boxes: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Tile, piece and area of each pair that meets."""
    piece, parts = _halved(pieces)
    part, tile = shapely.STRtree(boxes).query(parts)
    inside = shapely.bounds(parts)[part]
    cell = shapely.bounds(boxes)[tile]
    within = (inside[:, :2] >= cell[:, :2]).all(axis=1) & (inside[:, 2:] <= cell[:, 2:]).all(axis=1)
    area = np.empty(len(part))
    area[within] = shapely.area(parts[part[within]])
    cut = ~within
    area[cut] = shapely.area(shapely.intersection(parts[part[cut]], boxes[tile[cut]]))
    return tile, piece[part], area


def _halved(pieces: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Pieces cut until none has many vertices: a tile then meets only what is near. Which piece a part is of, parts."""
    piece, parts = np.arange(len(pieces)), pieces
    done_piece, done = [piece[:0]], [parts[:0]]
    while len(parts):
        big = shapely.get_num_coordinates(parts) > _MANY_VERTICES
        done_piece.append(piece[~big])
        done.append(parts[~big])
        piece, parts = piece[big], parts[big]
        if not len(parts):
            break
        left, top, right, bottom = shapely.bounds(parts).T
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        tall = bottom - top > right - left
        first = shapely.box(left, top, np.where(tall, right, middle_x), np.where(tall, middle_y, bottom))
        second = shapely.box(np.where(tall, left, middle_x), np.where(tall, middle_y, top), right, bottom)
        halves = np.concatenate([_solid(shapely.intersection(parts, side)) for side in (first, second)])
        piece = np.concatenate([piece, piece])
        keep = shapely.area(halves) > 0
        piece, parts = piece[keep], halves[keep]
    return np.concatenate(done_piece), np.concatenate(done)
