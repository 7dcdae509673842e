"""The page as HTML: two pictures below a divider, the removed haze, and how values were spread."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template

from geolabel.views import program
from geolabel.views.charts import Chart, key, picture
from geolabel.views.page import address, facts, table, text

_SCRIPTS = ("dom.js", "compare_page/divider.js")
_STYLES = ("base.css", "compare_page/page.css")


@dataclass(frozen=True, slots=True)
class ComparePage:
    """All that the page shows."""

    title: str
    about: str
    facts: tuple[tuple[str, str], ...]
    """Large numbers: value, what it is."""
    before: bytes
    """WebP."""
    after: bytes
    """WebP of the same size, in the same stretch."""
    size: tuple[int, int]
    """Width and height of both, px."""
    veil: bytes
    """PNG of the haze; empty where there was none."""
    most: float
    """Of the haze: what the brightest of its colours stands for, 0–1."""
    charts: tuple[Chart, ...]
    settings: tuple[tuple[str, str], ...]
    """What was chosen: name, value."""
    notes: tuple[str, ...]


def document(page: ComparePage) -> str:
    """The page: one file that asks nothing of anybody."""
    script, style = program.joined(_SCRIPTS), program.joined(_STYLES)
    width, height = page.size
    return Template(program.joined(["compare_page/page.html"])).substitute(
        policy=program.policy(script, style, pictures="data:"),
        title=escape(page.title),
        about=escape(page.about),
        style=style,
        script=script,
        facts=facts(page.facts),
        before=address(page.before, "webp"),
        after=address(page.after, "webp"),
        width=width,
        height=height,
        veil=_veil(page),
        charts="".join(map(_figure, page.charts)),
        settings=table([text(""), text("")], [(text(name), text(value)) for name, value in page.settings]),
        notes="".join(f"<p>{escape(note)}</p>\n" for note in page.notes),
    )


def _veil(page: ComparePage) -> str:
    if not page.veil:
        return "<p>No haze was found, so none was removed.</p>"
    width, height = page.size
    return (
        f'<img class="veil" alt="Where haze was found, and how much" width="{width}" height="{height}" '
        f'src="{address(page.veil, "png")}">\n<p class="ramp"><span>0</span><i></i><span>{page.most:.2f}</span></p>'
    )


def _figure(chart: Chart) -> str:
    keys = "".join(map(key, chart.lines))
    return f'<figure><h3>{escape(chart.title)}</h3><p class="small">{keys}</p>{picture(chart)}</figure>\n'
