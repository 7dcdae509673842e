"""What is taken for a raster by mistake is called by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from geolabel.raster.mistaken import mistaken, worded

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "Git LFS"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE HTML><html>", "a page"),
        (b"<HTML><body>", "a page"),
        (b'<?xml version="1.0"?><Error/>', "XML"),
        (b'\n{"code": 403}', "JSON"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"II*\0", ""),
        (b"", ""),
    ],
)
def test_beginnings(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    found = mistaken(path)
    assert says in found
    assert bool(found) == bool(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,tags\na,b\n", "table of text"),
        (b"name\ttags\n", "table of text"),
        (b"Dear reader, this is no raster.\n", "plain text"),
        ("Kürbis".encode(), ""),
        (b"II*\0\x08\0", ""),
    ],
)
def test_words(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert says in worded(path)
    assert bool(worded(path)) == bool(says)
