"""PNG: text in a chunk of its own, which viewers skip. Source: PNG specification (third edition), 11.3.3."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OURS = b"geolabel.made\0"
_SOFTWARE = b"Software\0geolabel "
_HEADER_BYTES = 8 + 4 + 4 + 13 + 4
"""Signature, and the chunk that comes first."""


def is_png(path: Path) -> bool:
    """Whether a file is a PNG."""
    with path.open("rb") as stream:
        return stream.read(len(SIGNATURE)) == SIGNATURE


def with_text(content: bytes, software: str, text: str) -> bytes:
    """A picture that says what made it: the program (Latin-1), and a text in ASCII."""
    ours = _chunk(b"Software\0" + software.encode("latin-1")) + _chunk(_OURS + text.encode("ascii"))
    return content[:_HEADER_BYTES] + ours + content[_HEADER_BYTES:]


def bare(content: bytes) -> bytes:
    """The picture without it."""
    kept = [content[start:end] for start, end in _chunks(content) if not _is_ours(content[start:end])]
    return SIGNATURE + b"".join(kept)


def text_of(content: bytes) -> str:
    """What the picture says; empty where it says nothing."""
    for start, end in _chunks(content):
        body = content[start + 8 : end - 4]
        if content[start + 4 : start + 8] == b"tEXt" and body.startswith(_OURS):
            return body.removeprefix(_OURS).decode("ascii", "replace")
    return ""


def _is_ours(chunk: bytes) -> bool:
    return chunk[4:8] == b"tEXt" and chunk[8:].startswith((_OURS, _SOFTWARE))


def _chunks(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each chunk begins and ends; what comes after a damaged one is the last."""
    start = len(SIGNATURE)
    while start < len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        end = min(start + 12 + length, len(content))
        yield start, end
        start = end


def _chunk(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
