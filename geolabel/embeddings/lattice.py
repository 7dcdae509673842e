"""The coarse raster of tiles: one cell a stride, so that a number a tile becomes a picture of the region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geolabel.embeddings.header import open_parquet
from geolabel.embeddings.rows import tiles_of
from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import Source, TileIndex


@dataclass(frozen=True, slots=True)
class Lattice:
    """Which cell of a coarse raster each tile of one source is."""

    grid: Grid
    """The coarse raster; its cells are a stride wide and high, and their centres are the tiles' centres."""
    rows: NDArray[np.int64]
    """Row of each tile's cell: (n,)."""
    cols: NDArray[np.int64]
    """Column of each tile's cell: (n,)."""

    @classmethod
    def of(
        cls,
        col_off: NDArray[Any],
        row_off: NDArray[Any],
        width: NDArray[Any],
        height: NDArray[Any],
        grid: Grid,
        stride: int,
    ) -> Lattice:
        """The lattice of tiles (n,) each, in pixels of `grid`, that begin every `stride` px from the first one on.

        A tile that begins between two steps, as the last ones of a prediction that were moved inward, is the next cell:
        tiles of one plan never share one. Edge tiles that were cut off keep their place, though their centre moved.
        Raises OptionError (stride), EmptyError (no tiles).
        """
        if stride < 1:
            raise OptionError(f"a stride is 1 px or more, got {stride}")
        if not len(col_off):
            raise EmptyError("no tiles, so no raster of them; encode some first")
        left, top = int(np.min(col_off)), int(np.min(row_off))
        cols = -(-(np.asarray(col_off, dtype=np.int64) - left) // stride)
        rows = -(-(np.asarray(row_off, dtype=np.int64) - top) // stride)
        corner = Affine.translation(left + (np.max(width) - stride) / 2, top + (np.max(height) - stride) / 2)
        transform = grid.transform @ corner @ Affine.scale(stride)
        return cls(Grid(grid.crs, transform, int(cols.max()) + 1, int(rows.max()) + 1), rows, cols)

    def laid(self, values: NDArray[Any], empty: float) -> NDArray[Any]:
        """Values (n, …) of the tiles on the raster: (rows, columns, …), `empty` where there is no tile."""
        found = np.full((self.grid.height, self.grid.width, *values.shape[1:]), empty, dtype=values.dtype)
        found[self.rows, self.cols] = values
        return found


@dataclass(frozen=True, slots=True)
class Placed:
    """The tiles of one raster, on its lattice."""

    source: Source
    members: NDArray[np.int64]
    """Their rows in the index: (n,)."""
    lattice: Lattice


def placed(index: TileIndex) -> tuple[Placed, ...]:
    """The tiles of an index, raster by raster; none where they are chips without a place, or were drawn at random."""
    stride = index.tiling.get("stride")
    if index.tiling.get("sampling") != "grid" or not stride:
        return ()
    names, number = _sources(index.table["source"])
    windows = [index.column(name) for name in ("col_off", "row_off", "width", "height")]
    found = []
    for at, source in enumerate(index.source_of(name) for name in names):
        if source.crs is None or source.transform is None:
            continue
        members = np.flatnonzero(number == at)
        pixel = Grid(source.crs, Affine(*source.transform), 1, 1)  # how large the raster is does not matter here
        col_off, row_off, width, height = (edge[members] for edge in windows)
        found.append(Placed(source, members, Lattice.of(col_off, row_off, width, height, pixel, int(stride))))
    return tuple(found)


def _sources(column: Any) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the sources, each once, and the number of each tile's (n,): ten million names are never spelled out."""
    import pyarrow as pa

    named = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = named.unify_dictionaries().combine_chunks()
    part = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return part.dictionary.to_pylist(), np.asarray(part.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def placed_in(path: Path) -> tuple[Placed, ...]:
    """The same of the tiles of an embeddings file; no more of it is read than that takes."""
    described = tiles_of(path, np.zeros(0, np.int64))
    with open_parquet(path) as stored:
        table = stored.read(["source", "col_off", "row_off", "width", "height"])
    return placed(replace(described, table=table))
