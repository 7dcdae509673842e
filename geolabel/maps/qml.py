"""What QGIS's style files (QML) are made of: the document, renderers of rasters, symbols of vectors, options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.errors import SchemeError
from geolabel.labels.colour import rgb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QGIS = "3.22.0"
"""The oldest version these files are made for; newer ones read them as they are."""
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_NOT_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Fill:
    """One layer of a polygon's symbol: colours are red, green, blue, alpha, 0 to 255."""

    color: tuple[int, int, int, int]
    outline: tuple[int, int, int, int]
    width_mm: float
    """Of the outline."""
    style: str = "solid"
    """QGIS's name of a fill: solid, no, b_diagonal."""
    outline_style: str = "solid"
    """QGIS's name of a line: solid, dash, dot."""


def document(categories: str = "Symbology") -> ET.Element:
    """The root of a style; `categories` as QGIS names them, joined by |."""
    return ET.Element("qgis", version=QGIS, styleCategories=categories)


def text(root: ET.Element) -> str:
    """The file that a document is."""
    ET.indent(root)
    return DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"


def is_text(words: str) -> bool:
    """Whether words may stand in XML, on one line; no words may not."""
    return bool(words) and not _NOT_XML.search(words)


def raster_renderer(pipe: ET.Element, kind: str, **attributes: str) -> ET.Element:
    """A raster's renderer; nearest neighbour at every zoom: no class is made up between two."""
    provider = ET.SubElement(pipe, "provider")
    nearest = {"zoomedInResamplingMethod": "nearestNeighbour", "zoomedOutResamplingMethod": "nearestNeighbour"}
    ET.SubElement(provider, "resampling", nearest, enabled="false", maxOversampling="2")
    fixed = {"type": kind, "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = ET.SubElement(pipe, "rasterrenderer", fixed | attributes)
    # Without these limits QGIS would stretch over the values it happens to see.
    ET.SubElement(ET.SubElement(renderer, "minMaxOrigin"), "limits").text = "None"
    return renderer


def polygon(symbols: ET.Element, key: str, fills: Sequence[Fill]) -> None:
    """A polygon's symbol, its layers from below."""
    symbol = _symbol(symbols, key, "fill")
    for fill in fills:
        options(
            _layer(symbol, "SimpleFill"),
            {
                "color": _joined(fill.color),
                "style": fill.style,
                "outline_color": _joined(fill.outline),
                "outline_style": fill.outline_style,
                "outline_width": f"{fill.width_mm:g}",
                "outline_width_unit": "MM",
                "joinstyle": "miter",
            },
        )


def disc(symbols: ET.Element, key: str, color: str, outline_mm: float) -> None:
    """A point's symbol."""
    values = {
        "color": _joined((*rgb(color), 255)),
        "outline_color": _joined((*rgb(color), 255)),
        "outline_style": "solid",
        "outline_width": f"{outline_mm:g}",
        "outline_width_unit": "MM",
        "name": "circle",
        "size": "3",
        "size_unit": "MM",
    }
    options(_layer(_symbol(symbols, key, "marker"), "SimpleMarker"), values)


def options(parent: ET.Element, values: Mapping[str, str]) -> None:
    """QGIS's map of options."""
    found = ET.SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        ET.SubElement(found, "Option", name=name, value=value, type="QString")


def map_tip(root: ET.Element, html: str) -> None:
    """What is shown where the pointer rests on a feature."""
    ET.SubElement(root, "mapTip", enabled="1").text = html


def check_unique(what: str, values: Sequence[object]) -> None:
    """Raise SchemeError where two classes share a value."""
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise SchemeError(f"several classes have the {what} {', '.join(twice)}; give each its own")


def _symbol(symbols: ET.Element, key: str, kind: str) -> ET.Element:
    return ET.SubElement(symbols, "symbol", type=kind, name=key, alpha="1", clip_to_extent="1")


def _layer(symbol: ET.Element, kind: str) -> ET.Element:
    return ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "pass": "0", "locked": "0"})


def _joined(color: tuple[int, int, int, int]) -> str:
    return ",".join(map(str, color))
