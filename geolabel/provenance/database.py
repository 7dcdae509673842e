"""GeoPackages: what is in them is compared, not their bytes, for SQLite writes into files that are only looked at."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from geolabel.provenance.mark import DIGEST_BYTES, MARK, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIGNATURE = b"SQLite format 3\0"
_METADATA = ("gpkg_metadata", "gpkg_metadata_reference")
_KEPT_BY_SQLITE = "sqlite_"
_LONGEST_BYTES = 128 << 20
"""Of a value that is read: outlines of a million corners are shorter, and what a column claims to hold has no limit."""


def is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's, as GeoPackages are."""
    with path.open("rb") as stream:
        return stream.read(len(_SIGNATURE)) == _SIGNATURE


def rows_digest(path: Path) -> str:
    """Digest of all tables with their rows, and of views, triggers and indices.

    The metadata, and what SQLite keeps for itself, are left out. Raises OSError where the database is damaged, or
    holds a value of more than 128 MiB.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with _opened(path) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_BYTES)
        its_own = (_KEPT_BY_SQLITE, *_spatial_indices(database))
        parts = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        for kind, name, sql in parts:
            if name in _METADATA or str(name).startswith(its_own):
                continue
            digest.update(repr((kind, name, sql)).encode(errors="surrogatepass"))
            if kind == "table":
                quoted = str(name).replace('"', '""')
                for row in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - the file's own table, quoted
                    digest.update(repr(row).encode(errors="surrogatepass"))
    return digest.hexdigest()


def _spatial_indices(database: sqlite3.Connection) -> list[str]:
    """How the names of all begin that keep the spatial index of a layer."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_geometry_columns'").fetchone():
        return []
    layers = database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall()
    return [f"rtree_{table}_{column}" for table, column in layers]


def seal_rows(path: Path) -> None:
    """Put the digest into the mark in the metadata, where there is one."""
    with closing(sqlite3.connect(path)) as database, database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_metadata'").fetchone():
            found = MARK.replace(UNKNOWN, rows_digest(path))
            database.execute("UPDATE gpkg_metadata SET metadata = replace(metadata, ?, ?)", (MARK, found))


def metadata_of(path: Path) -> bytes:
    """All that the metadata says, as text one after the other. Raises OSError where the database is damaged."""
    with _opened(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_metadata'").fetchone():
            return b""
        return "\n".join(str(text) for (text,) in database.execute("SELECT metadata FROM gpkg_metadata")).encode()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database to be read, also on a disk that may not be written."""
    # without a journal beside it nothing else belongs to it, and SQLite need not make files of its own
    alone = not path.with_name(f"{path.name}-wal").exists()
    address = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            yield database
    except sqlite3.DatabaseError as error:
        raise OSError(f"is a damaged database ({error})") from error
