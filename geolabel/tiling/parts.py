"""Which blocks of several rasters validate, so that no tile of one part shows ground of the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.errors import EmptyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.tiling.places import Places

_PIECES = 8
"""Sides of a block are bent along so many points where they are seen from another CRS."""


def same_lattice(infos: Sequence[RasterInfo]) -> NDArray[np.int64]:
    """Number of each raster's lattice (n,): dates of one place, on one grid, share theirs."""
    numbers: dict[object, int] = {}
    keys = [(info.grid, info.width, info.height) if info.grid else at for at, info in enumerate(infos)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def choose_blocks(
    infos: Sequence[RasterInfo], drawn: Places, size: int, block_px: int, share: float, rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """A map (rows, cols) of each raster's blocks, true where they validate.

    Blocks are drawn until they hold about `share` of the tiles `drawn` that lie in one block; blocks of one lattice are
    drawn together. Raises EmptyError where fewer than two blocks hold tiles.
    """
    lattice = same_lattice(infos)
    shapes = np.array([(math.ceil(info.height / block_px), math.ceil(info.width / block_px)) for info in infos])
    first = np.zeros(lattice.max() + 2, np.int64)
    for number, (rows, cols) in zip(lattice, shapes, strict=True):
        first[number + 1] = rows * cols
    first = np.cumsum(first)

    one_block = (drawn.col // block_px == (drawn.col + size - 1) // block_px) & (
        drawn.row // block_px == (drawn.row + size - 1) // block_px
    )
    whole = drawn.take(one_block)
    block = first[lattice[whole.source]] + (whole.row // block_px) * shapes[whole.source, 1] + whole.col // block_px
    blocks, count = np.unique(block, return_counts=True)
    if len(blocks) < 2:  # noqa: PLR2004 - one to learn and one to validate
        raise EmptyError(
            f"{len(blocks) or 'no'} block of {block_px} px holds tiles of {size} px: two parts need two; "
            "give another block size, or more ground"
        )
    order = rng.permutation(len(blocks))
    held = np.cumsum(count[order]) / count.sum()
    taken = int(np.clip(np.abs(held - share).argmin() + 1, 1, len(blocks) - 1))
    validates = np.zeros(first[-1], dtype=bool)
    validates[blocks[order[:taken]]] = True
    return [
        validates[first[number] : first[number] + rows * cols].reshape(rows, cols)
        for number, (rows, cols) in zip(lattice, shapes, strict=True)
    ]


def keep_outs(infos: Sequence[RasterInfo], maps: Sequence[NDArray[np.bool_]], size: int, block_px: int) -> list[Any]:
    """What each raster's training keeps out of: blocks of overlapping rasters that validate, and a tile around them.

    Prepared geometries in the rasters' CRS; None where no raster on another lattice overlaps. (Rasters on one lattice
    share their blocks: they need none.)
    """
    lattice = same_lattice(infos)
    found: list[list[Any]] = [[] for _ in infos]
    placed = [at for at, info in enumerate(infos) if info.grid is not None]
    outlines = [geodesy.project_bounds(infos[at].place.bounds, infos[at].place.crs, "EPSG:4326") for at in placed]
    boxes = np.array([shapely.box(*outline) if outline else shapely.Polygon() for outline in outlines], dtype=object)
    seen: set[tuple[int, int]] = set()
    for one, other in shapely.STRtree(boxes).query(boxes, predicate="intersects").T.tolist() if placed else ():
        at, beside = placed[one], placed[other]
        pair = (at, int(lattice[beside]))
        if lattice[at] == lattice[beside] or pair in seen or not maps[beside].any():
            continue
        seen.add(pair)
        found[at].append(_blocks_seen_from(infos[at], infos[beside], maps[beside], size, block_px))
    return [_prepared(shapely.union_all(geometries)) if geometries else None for geometries in found]


def _blocks_seen_from(
    info: RasterInfo, beside: RasterInfo, validates: NDArray[np.bool_], size: int, block_px: int
) -> Any:
    rows, cols = np.nonzero(validates)
    col, row = cols * block_px, rows * block_px
    wide, high = np.minimum(block_px, beside.width - col), np.minimum(block_px, beside.height - row)
    grid = beside.place
    blocks = shapely.segmentize(grid.boxes(col, row, wide, high), block_px / _PIECES * abs(grid.transform.a))
    moved = geodesy.project_geometries(blocks, grid.crs, info.place.crs)
    pixel = max(abs(info.place.transform.a), abs(info.place.transform.e))
    return shapely.union_all(shapely.buffer(moved, size * pixel, join_style="mitre"))


def _prepared(geometry: Any) -> Any:
    shapely.prepare(geometry)
    return geometry
