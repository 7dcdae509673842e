"""Which tiles are explored: all of an index, or an even sample of them; and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from geolabel import geodesy
from geolabel.embeddings import read_header
from geolabel.errors import EmptyError
from geolabel.tiling.index import VECTOR, read_index, shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

LEAST = 5
"""Tiles without which there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Explored:
    """The tiles that are looked at."""

    path: Path
    index: TileIndex
    """Those tiles alone, n of them, in the order of the file."""
    rows: NDArray[np.int64]
    """(n,): their rows in the file."""
    total: int
    """Tiles of the file."""
    encoder: str | None
    """What made the vectors that the file holds; None where it holds none."""

    def __len__(self) -> int:
        return len(self.rows)


def explored_tiles(path: Path, most: int, seed: int) -> Explored:
    """Read an index, or an embeddings file; of more than `most` tiles an even sample.

    Raises InputError, TileIndexError, EmptyError (fewer than five tiles).
    """
    import pyarrow.parquet as pq

    index = read_index(path)
    if len(index) < LEAST:
        raise EmptyError(f"{path}: tiles: {len(index)}, and {LEAST} are the least to compare; tile more ground")
    encoder = None
    if VECTOR in pq.read_schema(path).names:
        encoder = str(read_header(path).model.get("name", "an unknown model"))
    rows = even_sample(len(index), most, seed)
    return Explored(path, subset(index, rows) if len(rows) < len(index) else index, rows, len(index), encoder)


def even_sample(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Rows, in order, of as many of `count` tiles as there may be: one drawn from each of `most` equal stretches."""
    if count <= most:
        return np.arange(count)
    edges = np.arange(most + 1) * count // most
    return np.asarray(edges[:-1] + np.random.default_rng(seed).integers(0, np.diff(edges)))


def subset(index: TileIndex, rows: NDArray[np.int64]) -> TileIndex:
    """The index of some of its tiles (m,), in that order."""
    return replace(index, table=index.table.take(pa.array(rows)))


@dataclass(frozen=True, slots=True)
class Places:
    """Where n tiles lie, in degrees of WGS 84."""

    lon: NDArray[np.float64]
    """(n,): of the centre; NaN where a tile has no place."""
    lat: NDArray[np.float64]
    side_deg: NDArray[np.float64] | None
    """(n, 2): width and height; None where tiles are points of chips whose pixel size nobody told."""

    @property
    def known(self) -> bool:
        """Whether any tile has a place."""
        return bool(np.isfinite(self.lon).any())


def places_of(index: TileIndex) -> Places:
    """Centres and sides of the tiles of an index."""
    count = len(index)
    lon, lat, side = np.full(count, np.nan), np.full(count, np.nan), np.full((count, 2), np.nan)
    placed = np.flatnonzero(index.has_place())
    if len(placed) and index.crs:
        west, south, east, north = shapely.bounds(shapes_of(index.column("geometry")[placed])).T
        middle, centre = (west + east) / 2, (south + north) / 2
        x = np.concatenate([middle, west, east, middle, middle])
        y = np.concatenate([centre, centre, centre, south, north])
        at = geodesy.reproject_where_possible(x, y, index.crs, "EPSG:4326").reshape(5, -1, 2)
        lon[placed], lat[placed] = at[0].T
        wide = np.abs(at[2, :, 0] - at[1, :, 0])
        side[placed, 0], side[placed, 1] = np.minimum(wide, 360 - wide), np.abs(at[4, :, 1] - at[3, :, 1])
        points = placed[side[placed].max(axis=1) == 0]
        side[points] = _sides_of_chips(index, points, lat[points])
    known = np.isfinite(side).all(axis=1)
    return Places(lon, lat, side if known.any() else None)


def _sides_of_chips(index: TileIndex, rows: NDArray[np.int64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sides (m, 2), in degrees, of chips of which only the centre is known; NaN where their GSD is not."""
    paths, which = np.unique(index.column("source")[rows].astype(str), return_inverse=True)
    gsd = np.array([index.source_of(path).gsd_m or np.nan for path in paths.tolist()])[which]
    sides_m = np.column_stack([index.column(name)[rows] for name in ("width", "height")]) * gsd[:, None]
    per_degree = _METRES_PER_DEGREE * np.column_stack([np.maximum(np.cos(np.radians(lat)), 1e-3), np.ones(len(lat))])
    return np.asarray(sides_m / per_degree)


_METRES_PER_DEGREE = 111_320.0
"""On the equator; to within 1 % elsewhere, which is enough to draw a chip."""
