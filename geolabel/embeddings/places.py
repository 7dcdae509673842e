"""Which rows of an embeddings file are meant: by their number, or by a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import checked
from geolabel.embeddings.header import open_parquet
from geolabel.errors import DamagedError, InputError, TileIndexError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow.parquet as pq
    from numpy.typing import NDArray

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_AREA = 2
"""Dimensions of what has an area."""


def rows_numbered(path: Path, tiles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of each tile (n,) by its number; −1 where there is no such tile. Raises InputError, TileIndexError."""
    with open_parquet(path) as stored:
        numbers = stored.read(["tile"])["tile"].to_numpy()
    wanted = np.flatnonzero(np.isin(numbers, tiles))
    order = wanted[np.argsort(numbers[wanted], kind="stable")]
    if not len(order):
        return np.full(len(tiles), -1, np.int64)
    at = np.minimum(np.searchsorted(numbers[order], tiles), len(order) - 1)
    return np.where(numbers[order][at] == tiles, order[at], -1)


def place_of(path: Path) -> tuple[str, tuple[float, float, float, float]] | None:
    """CRS of the tiles and the box in which they lie (west, south, east, north); None where they have no place.

    Raises InputError, TileIndexError.
    """
    with open_parquet(path) as stored:
        metadata = stored.metadata.metadata or {}
    try:
        crs = checked.parse(metadata.get(b"geolabel", b"null")).get("crs")
        bounds = checked.parse(metadata.get(b"geo", b"null"))["columns"]["geometry"].get("bbox")
        if crs is None or bounds is None:
            return None
        west, south, east, north = bounds.numbers(4)
        return crs.text(), (west, south, east, north)
    except DamagedError as error:
        raise TileIndexError(
            f"{path}: does not say where its tiles lie, its description is damaged ({error}); make it with geolabel "
            "embed encode"
        ) from error


def rows_touching(path: Path, shapes: NDArray[Any]) -> NDArray[np.int64]:
    """Rows, in order, of the tiles that one of some shapes (n,), in the tiles' CRS, reaches into.

    A tile whose border alone is touched counts for a point, or a line, that reaches into none. Only the groups whose
    box the shapes reach are decoded. Raises InputError, TileIndexError.
    """
    import shapely

    tree, bounds = shapely.STRtree(shapes), shapely.total_bounds(shapes)
    rows, owners, inside = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, bool)]
    with open_parquet(path) as stored:
        first = 0
        for group, box in enumerate(_boxes(stored)):
            count = stored.metadata.row_group(group).num_rows
            if box is None or _meet(box, bounds):
                column = stored.read_row_group(group, columns=["geometry"], use_threads=False)["geometry"]
                tiles = _shapes(path, column.to_numpy(zero_copy_only=False))
                tile, shape = tree.query(tiles, predicate="intersects")
                rows.append(tile + first)
                owners.append(shape)
                inside.append(~shapely.touches(tiles[tile], shapes[shape]))
            first += count
    row, owner, within = (np.concatenate(parts) for parts in (rows, owners, inside))
    on_a_border = ~np.isin(owner, owner[within]) & (shapely.get_dimensions(shapes)[owner] < _AREA)
    return np.unique(row[within | on_a_border])


def _shapes(path: Path, stored: NDArray[Any]) -> NDArray[Any]:
    """Outlines of tiles (n,). Raises InputError."""
    import shapely

    try:
        found: NDArray[Any] = shapely.from_wkb(stored)
    except shapely.errors.GEOSException as error:
        raise InputError(
            f"{path}: outlines cannot be read ({error}); it is damaged, encode the region again"
        ) from error
    return found


def _boxes(stored: pq.ParquetFile) -> list[tuple[float, ...] | None]:
    """Box of each group of rows as the file's statistics tell it; None where they do not."""
    leaves = [stored.schema.column(at).path for at in range(len(stored.schema))]
    names = [f"bbox.{edge}" for edge in _EDGES]
    if not set(names) <= set(leaves):
        return [None] * stored.metadata.num_row_groups
    at = [leaves.index(name) for name in names]
    found: list[tuple[float, ...] | None] = []
    for number in range(stored.metadata.num_row_groups):
        group = stored.metadata.row_group(number)
        told = [group.column(place).statistics for place in at]
        if all(one is not None and one.has_min_max for one in told):
            found.append((told[0].min, told[1].min, told[2].max, told[3].max))
        else:
            found.append(None)
    return found


def _meet(box: tuple[float, ...], other: NDArray[np.float64]) -> bool:
    return bool(box[0] <= other[2] and other[0] <= box[2] and box[1] <= other[3] and other[1] <= box[3])
