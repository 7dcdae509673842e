"""The last touch on a file: pages and pictures are told what made them, and what has a mark gets its digest."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING

from geolabel.provenance import png
from geolabel.provenance.contents import picture_digest, seal
from geolabel.provenance.made import NAME, now, said
from geolabel.provenance.mark import PATTERN

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = re.compile(rb'<meta charset="utf-8">\n?', re.IGNORECASE)
_DRAWING = re.compile(rb"<svg\b[^>]*>")
_MARKED = {".tif", ".tiff", ".parquet", ".safetensors", ".gpkg", ".geojson", ".json", ".fgb", ".html", ".svg", ""}
"""Endings of files that may hold a mark; without an ending, a layer may be anything."""


def tell(path: Path) -> None:
    """Write into a page, drawing or PNG that is all there what made it, once; other files stay as they are."""
    ending = path.suffix.lower()
    told = said(path) if ending in (".html", ".svg", ".png") else None
    if told is None:
        return
    software, content = f"{NAME} {told['version']}", path.read_bytes()
    if ending == ".png" and png.is_png(path) and not png.text_of(content):
        told["content"] = picture_digest(content)
        path.write_bytes(png.with_text(content, software, json.dumps(told, sort_keys=True)))
    elif ending != ".png" and not PATTERN.search(content):
        words = escape(json.dumps(told, sort_keys=True))
        page = f'<meta name="generator" content="{escape(software)}">\n<meta name="{NAME}" content="{words}">\n'
        added, after = (page, _PAGE) if ending == ".html" else (f"<metadata>{words}</metadata>", _DRAWING)
        place = after.search(content)
        if place:
            path.write_bytes(content[: place.end()] + added.encode() + content[place.end() :])


def finish(path: Path) -> None:
    """Tell a file that stands alone what made it, and put its digest into it. Raises OSError."""
    if now() is None or not path.is_file():
        return
    tell(path)
    if path.suffix.lower() in _MARKED:
        seal(path)
