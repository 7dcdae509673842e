"""Digests of whole files: written into those that have a mark for it, and found again.

The digest is that of the file with zeros in its place, so that it can stand in the file itself. Of a GeoPackage it is
that of the rows of its tables; of a PNG that of the picture without what geolabel says in it.
"""

from __future__ import annotations

import hashlib
import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geolabel.provenance import png
from geolabel.provenance.database import is_database, metadata_of, rows_digest, seal_rows
from geolabel.provenance.mark import DIGEST_BYTES, PATTERN, UNKNOWN
from geolabel.provenance.read import read_made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 22


def content_digest(path: Path) -> str:
    """Digest of a whole file as it is, of a GeoPackage of what is in it. Raises OSError."""
    if is_database(path):
        return rows_digest(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _hash).hexdigest()


def seal(path: Path) -> None:
    """Put the digest of a finished file into the mark in it; a file without one stays as it is. Raises OSError."""
    if is_database(path):
        seal_rows(path)
        return
    with _mapped(path, writable=True) as content:
        found = PATTERN.search(content) if content is not None else None
        if content is not None and found and found[1].decode() == UNKNOWN:
            content[found.start(1) : found.end(1)] = _around(content, *found.span(1)).encode()


def sealed(path: Path) -> tuple[str, str] | None:
    """Digest that a file holds of itself, and that which it has now; None where it holds none. Raises OSError."""
    if path.stat().st_size == 0:
        return None
    if png.is_png(path):
        told = str((read_made(path) or {}).get("content", ""))
        return (told, picture_digest(png.bare(path.read_bytes()))) if told else None
    if is_database(path):
        mark = PATTERN.search(metadata_of(path))
        return (mark[1].decode(), rows_digest(path)) if mark and mark[1].decode() != UNKNOWN else None
    with _mapped(path) as content:
        found = PATTERN.search(content) if content is not None else None
        if content is None or found is None or found[1].decode() == UNKNOWN:
            return None
        return found[1].decode(), _around(content, *found.span(1))


def picture_digest(content: bytes) -> str:
    """Digest of a picture in memory."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def _hash() -> Any:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


@contextmanager
def _mapped(path: Path, *, writable: bool = False) -> Iterator[mmap.mmap | None]:
    """A file as bytes that are read where they are looked at; None of an empty one."""
    with path.open("r+b" if writable else "rb") as stream:
        if not path.stat().st_size:
            yield None
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ) as content:
            yield content


def _around(content: mmap.mmap, start: int, end: int) -> str:
    """Digest of a file with zeros from `start` to `end`."""
    digest = _hash()
    for first, last in ((0, start), (end, len(content))):
        if first:
            digest.update(UNKNOWN.encode())
        for at in range(first, last, _CHUNK):
            digest.update(content[at : min(at + _CHUNK, last)])
    return str(digest.hexdigest())
