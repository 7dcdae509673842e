"""What a file says made it, read from its bytes alone: no library of its format is needed, and none is trusted."""

from __future__ import annotations

import json
import mmap
import re
import struct
import zlib
from html import unescape
from typing import TYPE_CHECKING, Any

from geolabel.provenance import png
from geolabel.provenance.database import is_database, metadata_of
from geolabel.provenance.mark import PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST = 1 << 20
"""No file says more of itself than that, bytes."""
_BEFORE = 1 << 10
_ESCAPED = re.compile(r"\\(.)")
_PMTILES = b"PMTiles\x03"
_GZIP = 16 + zlib.MAX_WBITS


def read_made(path: Path) -> dict[str, Any] | None:
    """What a file of any format says made it; None where it says nothing. Raises OSError.

    The text is JSON around the mark, as XML, HTML or a JSON string around it have escaped it.
    """
    if path.stat().st_size == 0:
        return None
    if png.is_png(path):
        return _decoded(png.text_of(path.read_bytes()))
    if is_database(path):
        return _around_mark(metadata_of(path))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(_PMTILES)] == _PMTILES:
            return _of_tiles(content)
        return _around_mark(content)


def _around_mark(content: bytes | mmap.mmap) -> dict[str, Any] | None:
    mark = PATTERN.search(content)
    if mark is None:
        return None
    start = content.rfind(b"{", max(0, mark.start() - _BEFORE), mark.start())
    around = content[start : mark.start() + _MOST].decode("utf-8", "replace") if start >= 0 else ""
    ways: tuple[Callable[[str], str], ...] = (
        str,
        unescape,
        lambda words: unescape(unescape(words)),  # as GDAL writes it into a TIFF
        lambda words: _ESCAPED.sub(r"\1", words),
    )
    return next((told for way in ways if (told := _decoded(way(around))) is not None), None)


def _decoded(words: str) -> dict[str, Any] | None:
    try:
        told, _ = json.JSONDecoder().raw_decode(words)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("command"), str) else None


def _of_tiles(content: mmap.mmap) -> dict[str, Any] | None:
    """Of PMTiles, whose metadata is packed."""
    try:
        start, length = struct.unpack_from("<2Q", content, 24)
        packed = content[start : start + min(length, _MOST)]
        told = json.loads(zlib.decompressobj(_GZIP).decompress(packed, _MOST)).get("geolabel")
    except (OSError, ValueError, AttributeError, RecursionError, struct.error, zlib.error):
        return None
    return told if isinstance(told, dict) else None
