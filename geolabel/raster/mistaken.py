"""What a file is that is no raster, by how it begins: mistakes that are made every day, each with its cure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 512
_SEPARATED = re.compile(rb",\S|;|\t")
_PAGE = (
    "is a page (HTML), as servers send it to say what went wrong or to ask whether one may sign in; open it in a "
    "browser, and download the file again"
)
_BEGINNINGS = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
    b"<!doctype html": _PAGE,
    b"<html": _PAGE,
    b"<?xml": "is XML, as servers answer where they refuse; read it, and download the file again",
    b"{": "is JSON, as servers answer where they refuse; read it, and download the file again",
    b"pk\x03\x04": "is a ZIP archive; unpack it, and name what is in it",
    b"\x1f\x8b": "is compressed (gzip); unpack it first: gunzip",
    b"bzh": "is compressed (bzip2); unpack it first: bunzip2",
    b"\xfd7zxz": "is compressed (xz); unpack it first: unxz",
}
"""In lower case."""


def mistaken(path: Path) -> str:
    """What a readable file is for sure, and what to do about it; empty where its beginning tells nothing."""
    begins = _head(path).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((what for beginning, what in _BEGINNINGS.items() if begins.startswith(beginning)), "")


def worded(path: Path) -> str:
    """What a readable file of text seems to be; empty where it is of another kind."""
    head = _head(path)
    if not head.isascii() or b"\0" in head:
        return ""
    if _SEPARATED.search(head.partition(b"\n")[0]):
        return "is a table of text, not a raster; geolabel tile --images and label read such tables"
    return "is plain text, not a raster; look into it"


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD)
