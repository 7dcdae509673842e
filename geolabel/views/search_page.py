"""The page of a search: examples and what was found, as pictures side by side, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views import page
from geolabel.views.page import address

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLE = """<style>
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 16px 14px; margin-top: 12px; }
.hits figure { max-width: none; min-width: 0; }
h1, p { overflow-wrap: anywhere; }
.hits figcaption { font-size: 12px; line-height: 1.4; overflow-wrap: anywhere; }
.hits img, .hits .gone { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 8px;
  background: var(--track); }
.hits b { font-size: 13px; }
</style>
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A tile on the page."""

    title: str
    """What it is called: its rank, or its number."""
    lines: tuple[str, ...]
    """What else is told of it."""
    picture: bytes | None
    """JPEG; None where its pixels cannot be read."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What the page shows."""

    title: str
    about: str
    """How was searched, in plain words."""
    facts: tuple[tuple[str, str], ...]
    """(value, what it is)."""
    like: tuple[Shown, ...]
    unlike: tuple[Shown, ...]
    found: tuple[Shown, ...]
    notes: tuple[str, ...]
    """What the reader has to know: pictures that could not be read, say."""


def search_page(shown: SearchPage) -> str:
    """The page as HTML."""
    return page.document(
        shown.title,
        _STYLE,
        f"<h1>{escape(shown.title)}</h1>\n",
        page.paragraph(shown.about, soft=True),
        page.facts(shown.facts),
        *(page.paragraph(note) for note in shown.notes),
        _gallery("Like", shown.like),
        _gallery("Unlike", shown.unlike),
        _gallery("Found", shown.found) or page.section("Found", page.paragraph("Nothing is like the examples.")),
    )


def _gallery(title: str, tiles: Sequence[Shown]) -> str:
    return page.section(title, f'<div class="hits">{"".join(map(_figure, tiles))}</div>') if tiles else ""


def _figure(tile: Shown) -> str:
    if tile.picture is None:
        image = '<span class="gone"></span>'
    else:
        image = f'<img src="{address(tile.picture, "jpeg")}" alt="{escape(tile.title)}" loading="lazy">'
    lines = "".join(f"<br>{escape(line)}" for line in tile.lines)
    return f"<figure>{image}<figcaption><b>{escape(tile.title)}</b>{lines}</figcaption></figure>\n"
