"""Write an embeddings file as its vectors come: a tile index, GeoParquet 1.1, with one more column.

Vectors are written as they are, neither compressed (they are noise to a compressor: a tenth is saved) nor as a
dictionary: what is searched is read at the speed of memory. All else is compressed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from geolabel import provenance
from geolabel.embeddings.header import KEY, EmbeddingsHeader
from geolabel.errors import TileIndexError
from geolabel.tiling.index import VECTOR, metadata_of, outlines, with_bbox

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

GROUP = 1 << 13
"""Rows that are stored together: a reader of a few rows decodes no more than that around each."""
_WAITING = 1 << 16
"""Rows that wait in memory to be written as groups."""


@dataclass(slots=True)
class EmbeddingsWriter:
    """A file that grows; groups are full but for the last, however the rows came.

    `described` says what all tiles have in common (sources, CRS, tiling, labels); its own rows do not count. Use it as
    a context manager on a draft (`files.new_file`).
    """

    draft: Path
    described: TileIndex
    embeddings: EmbeddingsHeader
    _stored: pq.ParquetWriter | None = None
    _parts: list[pa.Table] = field(default_factory=list)
    _bounds: NDArray[np.float64] = field(default_factory=lambda: np.full(4, np.nan))
    _kinds: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        """Nothing is opened before the first rows: they say which columns there are."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Write what waits, and what the file says of itself; where something went wrong, only close it."""
        if kind is None:
            self._flush(whole=True)
            self._store().add_key_value_metadata(self._metadata() | provenance.entry(self.draft))
        if self._stored is not None:
            self._stored.close()

    def write(self, table: pa.Table, vectors: NDArray[np.floating[Any]]) -> None:
        """Add rows: the columns of a tile index, and their vectors (n, size), numbers all.

        Raises TileIndexError where the two do not fit each other.
        """
        import pyarrow as pa

        if vectors.shape != (table.num_rows, self.embeddings.size):
            raise TileIndexError(
                f"{table.num_rows} tiles of {self.embeddings.size} numbers each were promised, got {vectors.shape}"
            )
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(vectors, self.embeddings.dtype)
        if not np.isfinite(vectors).all():
            raise TileIndexError("a vector holds what is no number; train the encoder again, with a lower --lr")
        if not np.isfinite(stored).all():
            raise TileIndexError(f"a vector is too long for {self.embeddings.dtype}; give --dtype float32")
        bounds, kinds = outlines(table)
        self._kinds |= kinds
        if len(bounds):
            self._bounds[:2] = np.fmin(self._bounds[:2], np.fmin.reduce(bounds[:, :2]))
            self._bounds[2:] = np.fmax(self._bounds[2:], np.fmax.reduce(bounds[:, 2:]))
        column = pa.FixedSizeListArray.from_arrays(pa.array(stored.ravel()), type=self.embeddings.arrow_type())
        row = pa.field(VECTOR, self.embeddings.arrow_type(), nullable=False)
        self._parts.append(with_bbox(_plain(table), bounds).append_column(row, column))
        if sum(part.num_rows for part in self._parts) >= _WAITING:
            self._flush(whole=False)

    def _flush(self, *, whole: bool) -> None:
        """Write the groups that are full; with `whole`, the rest, too."""
        import pyarrow as pa

        if not self._parts:
            return
        together = pa.concat_tables(self._parts)
        rows = together.num_rows if whole else together.num_rows // GROUP * GROUP
        self._store(together.schema).write_table(together.slice(0, rows), row_group_size=GROUP)
        self._parts = [together.slice(rows)] if rows < together.num_rows else []

    def _store(self, schema: pa.Schema | None = None) -> pq.ParquetWriter:
        import pyarrow.parquet as pq

        if self._stored is None:
            schema = schema or self._empty()
            leaves = [f"{VECTOR}.list.element", *(f"bbox.{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))]
            leaves += [name for name in schema.names if name not in (VECTOR, "bbox")]
            self._stored = pq.ParquetWriter(
                self.draft,
                schema.remove_metadata(),
                compression={leaf: "none" if leaf.startswith(f"{VECTOR}.") else "zstd" for leaf in leaves},
                use_dictionary=["source"],
                write_statistics=[leaf for leaf in leaves if not leaf.startswith(f"{VECTOR}.")],
            )
        return self._stored

    def _empty(self) -> pa.Schema:
        """Columns where no row came."""
        import pyarrow as pa

        bare = with_bbox(_plain(self.described.table.slice(0, 0)), np.zeros((0, 4))).schema
        return bare.append(pa.field(VECTOR, self.embeddings.arrow_type(), nullable=False))

    def _metadata(self) -> dict[bytes, bytes]:
        bounds = None if np.isnan(self._bounds).any() else tuple(self._bounds.tolist())
        return metadata_of(self.described, bounds, self._kinds, **{KEY: self.embeddings.to_json()})


def _plain(table: pa.Table) -> pa.Table:
    """The table with dictionaries decoded: groups of rows may come with one each."""
    import pyarrow as pa

    table = table.drop_columns([name for name in ("bbox", VECTOR) if name in table.column_names])
    for at, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table[column.name].cast(column.type.value_type))
    return table.replace_schema_metadata(None)
