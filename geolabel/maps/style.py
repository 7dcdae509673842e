"""QGIS styles (QML): what makes a layer open in its classes' colours, under their titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.errors import SchemeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_QGIS = "3.22.0"  # the oldest version these styles are made for; newer ones read them as they are
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NOT_XML = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NODATA = 255
_FILL_ALPHA = 110
_OUTLINE_MM = "0.4"
_RAMP = ((0.0, 0), (0.2, 0), (0.4, 90), (0.6, 160), (0.8, 215), (1.0, 255))
"""Probability and alpha (0 to 255): what is unlikely does not hide the picture below."""


@dataclass(frozen=True, slots=True)
class ClassStyle:
    """How one class is shown."""

    value: int
    """Pixel value in a class raster, 0 to 254; 0 is "none" and is never drawn."""
    name: str
    """As in the column `class`."""
    title: str
    """As in legends."""
    color: str
    """#rrggbb."""

    def __post_init__(self) -> None:
        if not 0 <= self.value < _NODATA:
            raise SchemeError(f"class {self.name!r}: value must be 0 to 254 (255 is nodata), got {self.value}")
        if not _COLOR.fullmatch(self.color):
            raise SchemeError(f"class {self.name!r}: colour must be #rrggbb, got {self.color!r}")
        for text in (self.name, self.title):
            if not text or _NOT_XML.search(text):
                raise SchemeError(f"class {self.name!r}: {text!r} is empty or holds control characters")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green, blue, 0 to 255."""
        return _rgb(self.color)


@dataclass(frozen=True, slots=True)
class Step:
    """How numbers from … to are shown."""

    lower: float
    upper: float
    title: str
    """As in legends."""
    color: str
    """#rrggbb."""


def raster_qml(styles: Sequence[ClassStyle]) -> str:
    """Style of a Byte raster of classes on band 1. Raises SchemeError where two classes share a value."""
    _check_unique("value", [style.value for style in styles])
    root = _document()
    renderer = _renderer(ET.SubElement(root, "pipe"), "paletted")
    palette = ET.SubElement(renderer, "colorPalette")
    if all(style.value for style in styles):
        styles = [ClassStyle(0, "none", "none", "#000000"), *styles]
    for style in sorted(styles, key=lambda style: style.value):
        entry = {"value": str(style.value), "label": style.title, "color": style.color.lower()}
        ET.SubElement(palette, "paletteEntry", entry, alpha="255" if style.value else "0")
    return _text(root)


def probability_qml(band_name: str, color: str = "#b2182b") -> str:
    """Style of a raster of probabilities, 0 to 1 once its scale is applied, on band 1, in one colour.

    Below 0.2 nothing is drawn; above, the more likely, the more opaque. Raises SchemeError (colour, name).
    """
    style = ClassStyle(1, band_name, band_name, color)
    root = _document()
    pipe = ET.SubElement(root, "pipe")
    renderer = _renderer(pipe, "singlebandpseudocolor", classificationMin="0", classificationMax="1")
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"),
        "colorrampshader",
        {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0", "labelPrecision": "2"},
        minimumValue="0",
        maximumValue="1",
    )
    for value, alpha in _RAMP:
        item = {"value": f"{value:g}", "alpha": str(alpha), "color": style.color.lower()}
        ET.SubElement(shader, "item", item, label=f"{style.title} {value:.0%}")
    # One entry a step: a continuous bar would show neither the percentages nor the name.
    ET.SubElement(shader, "rampLegendSettings", useContinuousLegend="0")
    return _text(root)


def vector_qml(styles: Sequence[ClassStyle], attribute: str = "class") -> str:
    """Style of polygons by `attribute`, which holds class names. Raises SchemeError (a name twice)."""
    _check_unique("name", [style.name for style in styles])
    root = _document()
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="0")
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for position, style in enumerate(styles):
        key = str(position)
        category = {"value": style.name, "type": "string", "label": style.title}
        ET.SubElement(categories, "category", category, symbol=key, render="true")
        _symbol(symbols, key, style.color)
    return _text(root)


def graduated_qml(steps: Sequence[Step], attribute: str, *, points: bool = False) -> str:
    """Style of polygons or points by a number. A number on a border belongs to the step that comes first."""
    root = _document()
    renderer = ET.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr=attribute, graduatedMethod="GraduatedColor", symbollevels="0"
    )
    ranges = ET.SubElement(renderer, "ranges")
    symbols = ET.SubElement(renderer, "symbols")
    for position, step in enumerate(steps):
        key = str(position)
        limits = {"lower": f"{step.lower:.15f}", "upper": f"{step.upper:.15f}"}
        ET.SubElement(ranges, "range", limits, symbol=key, label=step.title, render="true")
        _symbol(symbols, key, step.color, points=points)
    return _text(root)


def _symbol(symbols: ET.Element, key: str, color: str, *, points: bool = False) -> None:
    """A filled polygon through which the picture below is seen, or a disc."""
    red, green, blue = _rgb(color)
    kind, of_layer = ("marker", "SimpleMarker") if points else ("fill", "SimpleFill")
    symbol = ET.SubElement(symbols, "symbol", type=kind, name=key, alpha="1", clip_to_extent="1")
    layer = ET.SubElement(symbol, "layer", {"class": of_layer, "enabled": "1", "pass": "0", "locked": "0"})
    options = {
        "color": f"{red},{green},{blue},{255 if points else _FILL_ALPHA}",
        "style": "solid",
        "outline_color": f"{red},{green},{blue},255",
        "outline_style": "solid",
        "outline_width": _OUTLINE_MM,
        "outline_width_unit": "MM",
        "joinstyle": "miter",
    }
    _options(layer, options | ({"name": "circle", "size": "3", "size_unit": "MM"} if points else {}))


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _document() -> ET.Element:
    return ET.Element("qgis", version=_QGIS, styleCategories="Symbology")


def _renderer(pipe: ET.Element, kind: str, **attributes: str) -> ET.Element:
    """A raster renderer of band 1; nearest neighbour at every zoom: no class is made up between two."""
    provider = ET.SubElement(pipe, "provider")
    nearest = {
        "zoomedInResamplingMethod": "nearestNeighbour",
        "zoomedOutResamplingMethod": "nearestNeighbour",
    }
    ET.SubElement(provider, "resampling", nearest, enabled="false", maxOversampling="2")
    fixed = {"type": kind, "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = ET.SubElement(pipe, "rasterrenderer", fixed, **attributes)
    # Without these limits QGIS would stretch the ramp over the values it happens to see.
    ET.SubElement(ET.SubElement(renderer, "minMaxOrigin"), "limits").text = "None"
    return renderer


def _options(parent: ET.Element, values: Mapping[str, str]) -> None:
    options = ET.SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        ET.SubElement(options, "Option", name=name, value=value, type="QString")


def _check_unique(what: str, values: Sequence[object]) -> None:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise SchemeError(f"several classes have the {what} {', '.join(twice)}; give each its own")


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return _DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"
