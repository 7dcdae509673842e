"""The frame of an OSM PBF file: whether it is whole, and when its data were taken.

Source: wiki.openstreetmap.org/wiki/PBF_Format. A file is a row of blobs, each after its length and a small header; the
first blob is the header of the data. GDAL reads the data, but takes a file that breaks off, or a blob that cannot be
unpacked, for the end.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_LONGEST_HEADER = 64 * 1024
_LONGEST_BLOB = 32 * 1024 * 1024
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DATASIZE, _RAW, _ZLIB, _TIMESTAMP = 3, 1, 3, 32
"""Numbers of the fields that are looked at."""


def pbf_date(path: Path) -> str | None:
    """The day up to which the data reach (ISO); None where the file does not say.

    Every blob is unpacked once. Raises InputError where the file breaks off or is damaged.
    """
    size = path.stat().st_size
    header = b""
    with path.open("rb") as stream:
        while stream.tell() < size:
            begin = stream.tell()
            try:
                data = _blob(stream)
            except (StopIteration, ValueError, IndexError, TypeError, zlib.error) as error:
                raise InputError(
                    f"{path}: breaks off, or is damaged, at byte {begin:,} of {size:,}; get it again"
                ) from error
            header = header or data
    if not header:
        raise InputError(f"{path}: is empty; get it again")
    return _date(header)


def _blob(stream: BinaryIO) -> bytes:
    """The next blob, unpacked; empty where it is packed in a way that is not known here.

    Raises StopIteration, ValueError, IndexError, TypeError, zlib.error where there is no whole one.
    """
    length = int.from_bytes(_read(stream, 4), "big")
    if not 0 < length <= _LONGEST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    size = next(int(value) for key, value in _fields(_read(stream, length)) if key == _DATASIZE)
    if not 0 <= size <= _LONGEST_BLOB:
        raise ValueError(f"a blob of {size} bytes")
    parts = dict(_fields(_read(stream, size)))
    if _ZLIB in parts:
        packed = zlib.decompressobj()
        data = packed.decompress(bytes(parts[_ZLIB]), _LONGEST_BLOB)
        if not packed.eof:
            raise ValueError(f"more than {_LONGEST_BLOB} bytes in a blob, or less than all of it")
        return data
    return bytes(parts.get(_RAW, b""))


def _read(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise ValueError(f"{len(data)} of {count} bytes")
    return data


def _date(header: bytes) -> str | None:
    try:
        seconds = next((int(value) for key, value in _fields(header) if key == _TIMESTAMP), 0)
        return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds else None
    except (ValueError, IndexError, TypeError, OverflowError, OSError):
        return None


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
