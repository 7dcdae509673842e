"""The frame of an OSM PBF file: whether it is whole, and when its data were taken.

Source: wiki.openstreetmap.org/wiki/PBF_Format. A file is a row of blobs, each after its length and a small header; the
first blob is the header of the data. GDAL reads the data, but takes a file that breaks off for one that ends.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_HEADER = 64 * 1024
_LONGEST_BLOB = 32 * 1024 * 1024
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DATASIZE, _RAW, _ZLIB, _TIMESTAMP = 3, 1, 3, 32
"""Numbers of the fields that are looked at."""


def pbf_date(path: Path) -> str | None:
    """The day up to which the data reach (ISO); None where the file does not say. InputError where it breaks off."""
    size = path.stat().st_size
    first = b""
    with path.open("rb") as stream:
        while stream.tell() < size:
            length = int.from_bytes(stream.read(4), "big")
            header = stream.read(length) if 0 < length <= _LONGEST_HEADER else b""
            try:
                blob = next(int(value) for key, value in _fields(header) if key == _DATASIZE)
            except (StopIteration, ValueError, IndexError):
                blob = -1
            if len(header) < length or not 0 <= blob <= _LONGEST_BLOB or stream.tell() + blob > size:
                raise InputError(
                    f"{path}: breaks off, or is damaged, at byte {stream.tell():,} of {size:,}; get it again"
                )
            if not first:
                first = stream.read(blob)
            else:
                stream.seek(blob, 1)
    if not first:
        raise InputError(f"{path}: is empty; get it again")
    return _date(first)


def _date(blob: bytes) -> str | None:
    try:
        parts = dict(_fields(blob))
        data = parts[_RAW] if _RAW in parts else zlib.decompress(bytes(parts[_ZLIB]))
        seconds = next((int(value) for key, value in _fields(bytes(data)) if key == _TIMESTAMP), None)
    except (KeyError, ValueError, IndexError, TypeError, zlib.error):
        return None
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds else None


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of the fields of a protobuf message. Raises IndexError, ValueError where it is none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
        elif kind == _BYTES:
            length, at = _varint(data, at)
            yield tag >> 3, data[at : at + length]
            at += length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"no protobuf field of kind {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
            return value, at + 1
        at, shift = at + 1, shift + 7
