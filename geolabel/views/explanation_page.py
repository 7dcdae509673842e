"""The page of an explanation: what in each picture spoke for a class, and whether that means anything."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views import page
from geolabel.views.charts import Chart, picture
from geolabel.views.page import address
from geolabel.views.relevance import AGAINST, FOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.views.words import Legend

_STYLE = f"""<style>
.case {{ border-top: 1px solid var(--line); padding: 16px 0 4px; margin-top: 14px; }}
.case:first-of-type {{ border-top: 0; margin-top: 0; }}
.case h3 {{ margin: 0; }}
.panels {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(176px, 100%), 1fr)); gap: 14px 20px;
  margin-top: 10px; }}
.panels figure {{ max-width: 300px; min-width: 0; }}
.panels img {{ display: block; width: 100%; border-radius: 8px; image-rendering: pixelated; }}
.panels figcaption {{ margin-top: 6px; overflow-wrap: anywhere; }}
.panels svg.chart {{ margin-top: 8px; }}
h1, h3, p {{ overflow-wrap: anywhere; }}
.verdict {{ font-weight: 650; }}
.scale {{ display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 4px 18px; max-width: 720px;
  align-items: center; margin: 10px 0; }}
.ramp {{ height: 12px; border-radius: 3px; background: linear-gradient(90deg, {AGAINST}, #f4f4f4, {FOR}); }}
.ends {{ display: flex; justify-content: space-between; gap: 10px; font-size: 12px;
  font-variant-numeric: tabular-nums; }}
@media (max-width: 640px) {{ .scale {{ grid-template-columns: minmax(0, 1fr); }} }}
</style>
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """What one method says of a tile."""

    method: str
    picture: bytes
    """PNG: relevance over the tile."""
    chart: Chart
    """What becomes of the probability while the tile is taken away."""
    told: str
    """What the check says, in a sentence."""
    meaningful: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A tile in which a class is explained."""

    title: str
    lines: tuple[str, ...]
    """What is known of it: probability, label."""
    picture: bytes
    """PNG of the tile itself."""
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a method's colours mean."""

    method: str
    what: str
    """What it does, in a sentence."""
    unit: str
    limit: float
    """Relevance in full colour."""


@dataclass(frozen=True, slots=True)
class ExplanationPage:
    """What the page shows."""

    title: str
    about: str
    facts: tuple[tuple[str, str], ...]
    """(value, what it is)."""
    legend: Legend
    scales: tuple[Scale, ...]
    cases: tuple[tuple[str, tuple[Case, ...]], ...]
    """Class → its tiles."""
    notes: tuple[str, ...]
    """What the reader has to know."""
    files: tuple[tuple[str, str], ...]
    """(name, what it is)."""


def explanation_page(shown: ExplanationPage) -> str:
    """The page as HTML."""
    return page.document(
        shown.title,
        _STYLE,
        f"<h1>{escape(shown.title)}</h1>\n",
        page.paragraph(shown.about, soft=True),
        page.facts(shown.facts),
        *(page.paragraph(note) for note in shown.notes),
        _key(shown.scales),
        *(_of_class(shown.legend, name, cases) for name, cases in shown.cases),
        page.section("Files", _files(shown.files)),
    )


def _key(scales: Sequence[Scale]) -> str:
    rows = "".join(
        f'<div><b>{escape(scale.method)}</b><br><span class="soft small">{escape(scale.what)}</span></div>'
        f'<div><div class="ends"><span>−{scale.limit:.3g}</span><span>{escape(scale.unit)}</span>'
        f'<span>+{scale.limit:.3g}</span></div><div class="ramp"></div>'
        '<div class="ends soft"><span>speaks against</span><span>speaks for</span></div></div>'
        for scale in scales
    )
    words = (
        "Colours lie over the picture in grey. One scale holds for all pictures of a method, so that strong and weak "
        "can be compared; what is beyond it is shown as its end."
    )
    check = (
        "The check takes the picture away piece by piece, what the method calls most relevant first, and watches the "
        "class's probability. Where it does not fall faster than in random order, the colours mean nothing, however "
        "convincing they look."
    )
    return page.section(
        "How to read this",
        page.paragraph(words, soft=True),
        f'<div class="scale">{rows}</div>',
        page.paragraph(check, soft=True),
    )


def _of_class(legend: Legend, name: str, cases: Sequence[Case]) -> str:
    return f"<section><h2>{legend.swatch(name)}</h2>\n{''.join(map(_case, cases))}</section>\n"


def _case(case: Case) -> str:
    lines = "".join(f"<br>{escape(line)}" for line in case.lines)
    first = f"<figure>{_image(case.picture, case.title)}<figcaption><b>the tile</b>{lines}</figcaption></figure>"
    panels = "".join(_panel(panel, case.title) for panel in case.panels)
    return f'<article class="case"><h3>{escape(case.title)}</h3><div class="panels">{first}{panels}</div></article>\n'


def _panel(panel: Panel, title: str) -> str:
    verdict = "means something" if panel.meaningful else "do not read into it"
    return (
        f"<figure>{_image(panel.picture, f'{panel.method} over {title}')}"
        f'<figcaption><b>{escape(panel.method)}</b>: <span class="verdict">{verdict}</span>'
        f'<br><span class="soft">{escape(panel.told)}</span></figcaption>{picture(panel.chart)}</figure>'
    )


def _image(content: bytes, title: str) -> str:
    return f'<img src="{address(content, "png")}" alt="{escape(title)}">'


def _files(found: Sequence[tuple[str, str]]) -> str:
    rows = [[page.Cell(f'<a href="{escape(name)}">{escape(name)}</a>'), page.text(what)] for name, what in found]
    return page.table([page.text("File"), page.text("What it is")], rows)
