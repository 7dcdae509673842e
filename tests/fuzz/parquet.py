"""Damage to tile indexes and embeddings files: what they say of themselves, their columns, their bytes."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.damage import json_value, raw

if TYPE_CHECKING:
    from random import Random


def described(random: Random, content: bytes) -> bytes:
    """The JSON in the file's metadata, mostly geolabel's own."""
    table, metadata = _read(content)
    key = random.choice((b"geolabel", b"geolabel", b"geolabel", b"geo"))
    text = json.dumps(json_value(random, json.loads(metadata[key]))).encode()
    metadata[key] = raw(random, text) if random.randrange(10) == 0 else text
    return _written(table.replace_schema_metadata(metadata))


def columns(random: Random, content: bytes) -> bytes:
    """A column that is missing, there twice, of another type, or with other values."""
    table, metadata = _read(content)
    for _ in range(random.choice((1, 1, 2))):
        at = random.randrange(table.num_columns)
        name = table.column_names[at]
        match random.randrange(6):
            case 0 if table.num_columns > 1:
                table = table.remove_column(at)
            case 1:
                table = table.append_column(name, table.column(random.randrange(table.num_columns)))
            case 2:
                table = table.slice(0, random.choice((0, 1, 2)))
            case _:
                table = table.set_column(at, name, _odd(random, table.num_rows))
    return _written(table.replace_schema_metadata(metadata))


def _read(content: bytes) -> tuple[pa.Table, dict[bytes, bytes]]:
    """A table, and what its file says."""
    with pq.ParquetFile(io.BytesIO(content)) as stored:
        metadata = {key: value for key, value in stored.metadata.metadata.items() if key != b"ARROW:schema"}
        return stored.read(), metadata


def _odd(random: Random, rows: int) -> pa.Array:
    """A column of anything."""
    values: tuple[Any, ...] = (
        pa.nulls(rows),
        pa.nulls(rows, pa.string()),
        pa.array([None, *["region.tif"] * rows][:rows], pa.string()).dictionary_encode(),
        pa.array(["../../etc/passwd"] * rows),
        pa.array(["<b>\n"] * rows),
        pa.array([b"\x01\x03\x00\x00\x00\xff\xff\xff\xff"] * rows, pa.binary()),
        pa.array([b""] * rows, pa.binary()),
        pa.array(np.full(rows, -1), pa.int32()),
        pa.array(np.full(rows, 2**62), pa.int64()),
        pa.array(np.full(rows, 10**6), pa.int32()),
        pa.array(np.zeros(rows), pa.int32()),
        pa.array(np.full(rows, np.nan), pa.float32()),
        pa.array(np.full(rows, np.inf), pa.float64()),
        pa.array(np.full(rows, -3.0), pa.float32()),
        pa.array([[1, 2]] * rows),
        pa.array([{"a": 1}] * rows),
        pa.array([True] * rows),
        pa.array([10**9] * rows, pa.timestamp("us")),
    )
    return random.choice(values)


def _written(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()
