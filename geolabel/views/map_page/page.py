"""The page of a map: one file with its pictures, outlines, table and program, that asks nothing of anybody."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.views import program
from geolabel.views.map_page.bars import Bars, figure
from geolabel.views.map_page.columns import Column, packed
from geolabel.views.page import address, facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SCRIPTS = (
    "dom.js",
    "map_page/data.js",
    "map_page/map.js",
    "map_page/table.js",
    "map_page/card.js",
    "map_page/app.js",
)
_STYLES = ("base.css", "map_page/page.css")
_PARTS = 100
"""Outlines are kept to a hundredth of a pixel."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """An image below the outlines."""

    title: str
    date: str
    """ISO 8601; empty for unknown."""
    file: str
    """Name of the file, as in the columns source_before and source_after."""
    caption: str
    """What its colours are."""
    webp: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels in which the page draws, and where on Earth they lie."""

    width: int
    height: int
    gsd_m: float
    """A pixel's side, metres."""
    north_deg: float
    """How far north is turned from up, clockwise."""
    lon: NDArray[np.float64]
    """(n + 1, n + 1) longitudes on a lattice over all of it, from the upper left; NaN where there are none."""
    lat: NDArray[np.float64]
    """(n + 1, n + 1) latitudes."""


@dataclass(frozen=True, slots=True)
class MapPage:
    """All that the page shows."""

    title: str
    about: str
    """A sentence or two below the title."""
    name: str
    """What files saved from the page are called."""
    facts: tuple[tuple[str, str], ...]
    """Large numbers: value, what it is."""
    frame: Frame
    images: tuple[Backdrop, ...]
    """By date; the last is the one seen first."""
    outlines: NDArray[Any]
    """(n,) shapely Polygons or MultiPolygons in the frame's pixels."""
    colors: NDArray[np.object_]
    """(n,) #rrggbb"""
    ids: NDArray[np.object_]
    """(n,) text, each different: addresses within the page."""
    columns: tuple[tuple[Column, NDArray[Any]], ...]
    chips: Mapping[int, tuple[bytes, bytes]]
    """Row → JPEG or WebP before and after; empty bytes where there is none."""
    charts: tuple[Bars, ...]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.images:
            raise ValueError("a map page needs an image")
        rows = {len(self.outlines), len(self.colors), len(self.ids), *(len(values) for _, values in self.columns)}
        if len(rows) > 1:
            raise ValueError(f"columns of different lengths: {sorted(rows)}")


def document(page: MapPage) -> str:
    """The page as HTML. What it may do is told to the browser: run this program, show the pictures in it, no more."""
    script = program.joined(_SCRIPTS)
    style = program.joined(_STYLES)
    return Template(program.joined(["map_page/page.html"])).substitute(
        policy=program.policy(script, style, pictures="data:"),
        title=escape(page.title),
        about=f'<p class="soft">{escape(page.about)}</p>' if page.about else "",
        style=style,
        script=script,
        facts=facts(page.facts),
        charts="".join(figure(chart) for chart in page.charts),
        notes="".join(f"<p>{escape(note)}</p>\n" for note in page.notes),
        data=_data(page),
    )


def _data(page: MapPage) -> str:
    data = {
        "name": page.name,
        "width": page.frame.width,
        "height": page.frame.height,
        "gsd_m": page.frame.gsd_m,
        "north_deg": page.frame.north_deg,
        "lon": _numbers(page.frame.lon),
        "lat": _numbers(page.frame.lat),
        "images": [
            {
                "title": image.title,
                "date": image.date,
                "file": image.file,
                "caption": image.caption,
                "src": _source(image.webp),
            }
            for image in page.images
        ],
        "outlines": [_outline(geometry) for geometry in page.outlines],
        "colors": page.colors.tolist(),
        "ids": page.ids.tolist(),
        "columns": [packed(column, values) for column, values in page.columns],
        "chips": {str(row): [_source(chip) for chip in pair] for row, pair in page.chips.items()},
    }
    return program.json_in_page(data)


def _numbers(lattice: NDArray[np.float64]) -> list[list[float | None]]:
    return [[value if np.isfinite(value) else None for value in row] for row in lattice.round(7).tolist()]


def _source(picture: bytes) -> str:
    """A picture as an address; empty where there is none."""
    if not picture:
        return ""
    kind = "jpeg" if picture[:2] == b"\xff\xd8" else "webp"
    return address(picture, kind)


def _outline(geometry: Any) -> list[list[list[int]]]:
    """Polygons of rings of x, y, then steps from corner to corner, in hundredths of a pixel; rings stay open."""
    return [
        [_ring(ring) for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in shapely.get_parts(geometry)
        if not polygon.is_empty
    ]


def _ring(ring: Any) -> list[int]:
    corners = np.rint(shapely.get_coordinates(ring)[:-1] * _PARTS).astype(np.int64)
    steps = np.diff(corners, axis=0, prepend=np.zeros((1, 2), np.int64))
    moved = np.concatenate([[True], (steps[1:] != 0).any(axis=1)])
    return [int(step) for step in steps[moved].ravel()]
