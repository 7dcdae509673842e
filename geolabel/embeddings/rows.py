"""Some rows of an embeddings file, wherever they stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings.blocks import as_array, check_numbers
from geolabel.embeddings.header import header_of, open_parquet
from geolabel.errors import InputError
from geolabel.tiling.index import VECTOR, index_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex


def vectors_of(path: Path, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Vectors (n, size) of some rows (n,), in that order. Raises InputError (also for NaN), TileIndexError."""
    with open_parquet(path) as stored:
        size = header_of(path, stored).size
    found = as_array(_taken(path, rows, [VECTOR])[VECTOR], size)
    check_numbers(path, found)
    return found


def tiles_of(path: Path, rows: NDArray[np.int64]) -> TileIndex:
    """A tile index of some rows (n,), in that order, without their vectors. Raises InputError, TileIndexError."""
    with open_parquet(path) as stored:
        header_of(path, stored)
        names = [name for name in stored.schema_arrow.names if name not in (VECTOR, "bbox")]
        metadata = stored.metadata.metadata
    return index_of(path, _taken(path, rows, names), metadata)


def _taken(path: Path, rows: NDArray[np.int64], names: Sequence[str]) -> pa.Table:
    """Columns of some rows; only the groups that hold one of them are decoded."""
    import pyarrow as pa

    with open_parquet(path) as stored:
        groups = stored.metadata
        starts = np.cumsum([0, *(groups.row_group(number).num_rows for number in range(groups.num_row_groups))])
        if len(rows) and not 0 <= rows.min() <= rows.max() < starts[-1]:
            raise InputError(f"{path}: rows 0 to {starts[-1] - 1} are there, not {rows.min()} to {rows.max()}")
        order = np.argsort(rows, kind="stable")
        group = np.searchsorted(starts, rows[order], side="right") - 1
        parts = []
        for number in np.unique(group).tolist():
            inside = rows[order][group == number] - starts[number]
            parts.append(stored.read_row_group(number, columns=list(names), use_threads=False).take(pa.array(inside)))
        if not parts:
            return stored.schema_arrow.empty_table().select(list(names))
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    return pa.concat_tables(parts).take(pa.array(back)).combine_chunks()
