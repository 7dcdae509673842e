"""The page as HTML: one file with its numbers, pictures and program, that asks nothing of anybody."""

from __future__ import annotations

import base64
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.views import program
from geolabel.views.explore_page.packed import packed, quantised, unwrapped
from geolabel.views.explore_page.ramp import ramp
from geolabel.views.page import facts

if TYPE_CHECKING:
    from geolabel.views.atlas import Atlas
    from geolabel.views.explore_page.shown import Colouring, ExplorePage

_PARTS = (
    "data",
    "colours",
    "pictures",
    "splat",
    "camera",
    "view",
    "plot",
    "map",
    "gestures",
    "card",
    "gallery",
    "findings",
    "selection",
    "app",
)
_SCRIPTS = ("dom.js", *(f"explore_page/{name}.js" for name in _PARTS))
_STYLES = ("base.css", "explore_page/page.css")
_LIGHT, _DARK = (0.32, 0.86), (0.44, 0.95)
"""Lightness of the ramp's ends on a light and on a dark page: neither end drowns in it."""
_TAILS = (1.0, 99.0)
"""Percentiles of numbers between which the ramp runs: a few far ones do not take it from the others."""


def document(page: ExplorePage) -> str:
    """The page as HTML. What it may do is told to the browser: run this program, no more."""
    script, style = program.joined(_SCRIPTS), program.joined(_STYLES)
    return Template(program.joined(["explore_page/page.html"])).substitute(
        policy=program.policy(script, style, pictures="'none'"),
        title=escape(page.title),
        about=f'<p class="soft">{escape(page.about)}</p>' if page.about else "",
        style=style,
        script=script,
        facts=facts(page.facts) if page.facts else "",
        separation=page.separation
        and f'<section id="separation"><h2>How well classes separate</h2>{page.separation}</section>',
        notes="".join(f"<p>{escape(note)}</p>\n" for note in page.notes),
        sheets=_sheets(page.atlas),
        data=program.json_in_page(_data(page)),
    )


def _sheets(atlas: Atlas | None) -> str:
    """Each sheet in an element of its own, so that it is decoded when it is looked at."""
    return "".join(
        f'<script type="text/plain" id="sheet-{number}">{base64.b64encode(sheet).decode()}</script>\n'
        for number, sheet in enumerate(atlas.sheets if atlas else ())
    )


def _data(page: ExplorePage) -> dict[str, Any]:
    atlas = page.atlas
    return {
        "name": page.name,
        "tiles": packed(page.tiles),
        "projections": [
            {
                "title": one.title,
                "note": one.note,
                "dimensions": one.points.shape[1],
                "points": packed(quantised(one.points)),
            }
            for one in page.projections
        ],
        "place": _place(page),
        "colourings": [_colouring(one) for one in page.colourings],
        "columns": [{"title": one.title, "values": one.values, "codes": packed(one.codes)} for one in page.columns],
        "atlas": atlas and {"side": atlas.side, "across": atlas.across, "each": atlas.each},
        "findings": [
            {
                "key": one.key,
                "title": one.title,
                "about": one.about,
                "groups": [
                    {"title": group.title, "note": group.note, "rows": group.rows.tolist()} for group in one.groups
                ],
            }
            for one in page.findings
        ],
        "ramp": {"light": ramp(*_LIGHT), "dark": ramp(*_DARK)},
    }


def _place(page: ExplorePage) -> dict[str, Any] | None:
    if page.lon is None or page.lat is None or not (np.isfinite(page.lon) & np.isfinite(page.lat)).any():
        return None
    side = page.side_deg
    return {
        "lon": packed(unwrapped(page.lon.astype(np.float64))),
        "lat": packed(page.lat.astype(np.float64)),
        "sides": None if side is None else packed(side.astype(np.float32)),
    }


def _colouring(one: Colouring) -> dict[str, Any]:
    if one.kind == "classes":
        return {
            "title": one.title,
            "kind": one.kind,
            "codes": packed(one.codes),
            "names": one.names,
            "colors": one.colors,
        }
    values = one.codes.astype(np.float32)
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, _TAILS).tolist() if known.size else (0.0, 1.0)
    return {"title": one.title, "kind": one.kind, "codes": packed(values), "low": low, "high": high}
