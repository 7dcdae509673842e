"""Pieces of a page that opens anywhere: one file, no scripts, nothing loaded from elsewhere, light and dark."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLE = """
:root { color-scheme: light dark; --back: #f6f7f5; --card: #fff; --ink: #1c2321; --soft: #5d6a66; --line: #dde2df;
  --track: #e9edea; --accent: #1f7a5c; }
@media (prefers-color-scheme: dark) { :root { --back: #121614; --card: #1a201d; --ink: #e6ebe8; --soft: #9aa8a2;
  --line: #2d3632; --track: #28302c; --accent: #5cc39c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 36px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 24px 0 4px; }
p { margin: 4px 0 12px; max-width: 76ch; } p.soft, .soft { color: var(--soft); }
a { color: var(--accent); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px;
  margin-top: 18px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 20px; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; }
.facts b { display: block; font-size: 23px; line-height: 1.25; font-weight: 650; }
.facts span { color: var(--soft); font-size: 13px; }
.wide { overflow-x: auto; margin: 0 -6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: left; vertical-align: middle; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: 13px; vertical-align: bottom; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: 500; }
.bar { background: var(--track); border-radius: 4px; height: 12px; min-width: 110px; overflow: hidden; }
.bar i { display: block; height: 100%; border-radius: 4px; }
.class { margin-right: 10px; display: inline-block; max-width: 300px; padding-left: 17px; text-indent: -17px; }
.class i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px;
  border: 1px solid rgba(128, 128, 128, .6); vertical-align: -1px; }
table.matrix { width: auto; font-size: 13px; } table.matrix td, table.matrix th { padding: 4px 8px; }
table.matrix thead th.number { max-width: 130px; white-space: normal; }
table.matrix th:first-child { position: sticky; left: 0; background: var(--card);
  min-width: 180px; }
.wide + p { margin-top: 14px; }
table.upright thead th.number span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 190px;
  text-align: left; }
table.matrix .edge { border-left: 2px solid var(--line); }
table.matrix tr.part > * { border-top: 2px solid var(--line); }
img.tile { display: block; width: 72px; border-radius: 6px; image-rendering: pixelated; }
.small { font-size: 12px; }
ul { margin: 4px 0; padding-left: 20px; } li { margin: 2px 0; max-width: 90ch; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 10px 28px; }
figure { margin: 0; max-width: 500px; } figure h3 { margin: 10px 0 4px; } figcaption { font-size: 13px; }
svg.chart { display: block; width: 100%; height: auto; }
.key { display: inline-block; margin-right: 16px; white-space: nowrap; } .key svg { margin-right: 6px; }
p.keys { max-width: none; }
@media (max-width: 640px) { section { padding: 16px 14px; } th, td { padding: 6px 7px; } }
@media print { body { background: #fff; } section, .facts div { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    inner: str
    """HTML, escaped already."""
    number: bool = False
    """Whether it is set flush right."""
    back: str = ""
    """CSS colour."""
    title: str = ""
    """What a pointer over it shows."""
    edge: bool = False
    """Whether a line parts it from the cell before."""

    def html(self, tag: str) -> str:
        """The cell as `td` or `th`."""
        kinds = " ".join(name for name, on in (("number", self.number), ("edge", self.edge)) if on)
        parts = [tag, f'class="{kinds}"' if kinds else "", f'style="background:{self.back}"' if self.back else ""]
        parts.append(f'title="{escape(self.title)}"' if self.title else "")
        return f"<{' '.join(filter(None, parts))}>{self.inner}</{tag}>"


def text(value: object) -> Cell:
    """A cell of words; a dash for nothing."""
    return Cell(escape(str(value)) if value not in (None, "") else '<span class="soft">–</span>')


def number(value: str) -> Cell:
    """A cell of a number, written already."""
    return Cell(escape(value), number=True)


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, kind: str = "", edges: Sequence[int] = ()) -> str:
    """A table whose first cells name the rows; it scrolls where it is too wide. `edges`: rows parted from those before.

    The first cell of a row is its name.
    """
    named = f' class="{kind}"' if kind else ""
    top = "".join(cell.html("th") for cell in head)
    body = "".join(
        ('<tr class="part">' if at in edges else "<tr>")
        + "".join(cell.html("td" if place else "th") for place, cell in enumerate(row))
        + "</tr>\n"
        for at, row in enumerate(rows)
    )
    return f'<div class="wide"><table{named}><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def bar(share: float, color: str) -> Cell:
    """A bar as long as `share`, 0–1."""
    width = 100 * min(max(share, 0.0), 1.0)
    return Cell(f'<div class="bar"><i style="width:{width:.2f}%;background:{escape(color)}"></i></div>')


def swatch(title: str, color: str) -> str:
    """A class as in a legend."""
    return f'<span class="class"><i style="background:{escape(color)}"></i>{escape(title)}</span>'


def section(title: str, *parts: str) -> str:
    """A part of the page under a heading."""
    return f"<section><h2>{escape(title)}</h2>\n{''.join(parts)}</section>\n"


def paragraph(words: str, *, soft: bool = False) -> str:
    """A paragraph of plain words."""
    return ('<p class="soft">' if soft else "<p>") + f"{escape(words)}</p>\n"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Large numbers (value, what it is) side by side."""
    return (
        '<div class="facts">'
        + "".join(f"<div><b>{escape(value)}</b><span>{escape(what)}</span></div>" for value, what in pairs)
        + "</div>\n"
    )


def address(picture: bytes, kind: str) -> str:
    """A picture as an address that holds it; `kind` is png, jpeg or webp."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def document(title: str, *parts: str) -> str:
    """The whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body><main>\n{''.join(parts)}"
        "</main></body></html>\n"
    )
