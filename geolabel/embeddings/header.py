"""What an embeddings file says of its vectors."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from geolabel import checked, files
from geolabel.errors import DamagedError, InputError, TileIndexError
from geolabel.tiling.index import REQUIRED, VECTOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

KEY = "embeddings"
"""Where the description stands in the file's `geolabel` metadata."""
DTypes = Literal["float16", "float32"]
_LARGEST = 1 << 20
"""Numbers a vector."""


@dataclass(frozen=True, slots=True)
class EmbeddingsHeader:
    """The vectors of a file, in short."""

    size: int
    """Numbers a vector."""
    dtype: DTypes
    norm: bool
    """Whether they have length 1: then their product is the cosine of the angle between them."""
    model: Mapping[str, Any]
    """"architecture", "fingerprint" and "name" of the encoder."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise TileIndexError(f"a vector needs at least one number, got {self.size}")
        if self.dtype not in ("float16", "float32"):
            raise TileIndexError(f"vectors are float16 or float32, not {self.dtype}")

    def arrow_type(self) -> pa.DataType:
        """Type of the column: a list of so many numbers, none of them missing."""
        import pyarrow as pa

        kind = pa.float16() if self.dtype == "float16" else pa.float32()
        return pa.list_(pa.field("element", kind, nullable=False), self.size)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"size": self.size, "dtype": self.dtype, "norm": self.norm, "model": files.to_json(dict(self.model))}


def read_header(path: Path) -> EmbeddingsHeader:
    """What a file says of its vectors. Raises InputError, and TileIndexError where it holds none."""
    with open_parquet(path) as stored:
        return header_of(path, stored)


def count_of(path: Path) -> int:
    """How many tiles a file holds. Raises InputError, TileIndexError."""
    with open_parquet(path) as stored:
        return int(stored.metadata.num_rows)


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open an embeddings file, mapped into memory. Raises InputError, also of rows within, and TileIndexError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files.check_readable(path, "an embeddings file (geolabel embed encode)")
    try:
        opened = pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise TileIndexError(
            f"{path}: is no Parquet file, or it is truncated; make it with geolabel embed encode"
        ) from error
    with opened, reading(path):
        yield opened


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Put into words that rows cannot be read. Raises InputError."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: rows cannot be read ({error}); it is damaged, encode the region again") from error


def header_of(path: Path, stored: pq.ParquetFile) -> EmbeddingsHeader:
    """The same of a file that is open. Raises TileIndexError."""
    metadata = stored.metadata.metadata or {}
    try:
        told = checked.parse(metadata.get(b"geolabel", b"null"))
        if not isinstance(told.value, dict) or (found := told.get(KEY)) is None:
            raise TileIndexError(f"{path}: holds no vectors; make it with geolabel embed encode")
        header = _header(found)
    except DamagedError as error:
        raise TileIndexError(
            f"{path}: its description is damaged ({error}); make it with geolabel embed encode"
        ) from error
    names = stored.schema_arrow.names
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise TileIndexError(
            f"{path}: lacks the columns {', '.join(missing)}; make it again with geolabel embed encode"
        )
    have = stored.schema_arrow.field(VECTOR).type if names.count(VECTOR) == 1 else None
    if have != header.arrow_type():
        raise TileIndexError(
            f"{path}: its column {VECTOR} is {have or 'missing'}, but {header.arrow_type()} is promised; "
            "make it again with geolabel embed encode"
        )
    return header


def _header(told: checked.Told) -> EmbeddingsHeader:
    """Raises DamagedError."""
    model = told.get("model")
    for key in ("architecture", "fingerprint", "name"):
        if model is not None and (text := model.get(key)) is not None:
            text.text()
    return EmbeddingsHeader(
        size=told["size"].whole(least=1, most=_LARGEST),
        dtype=told["dtype"].one_of(get_args(DTypes)),
        norm=told["norm"].flag(),
        model={} if model is None else model.table(),
    )
