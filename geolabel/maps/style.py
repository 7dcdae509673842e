"""QGIS styles (QML) of vector layers: what makes a layer open in its classes' colours, under their titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.errors import SchemeError
from geolabel.labels.colour import rgb
from geolabel.maps import qml
from geolabel.maps.map_tips import detection_tip
from geolabel.maps.qml import Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NODATA = 255
_FILL_ALPHA = 110
_OUTLINE_MM = 0.4


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
        for words in (self.name, self.title):
            if not qml.is_text(words):
                raise SchemeError(f"class {self.name!r}: {words!r} is empty or holds control characters")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green, blue, 0 to 255."""
        return rgb(self.color)


@dataclass(frozen=True, slots=True)
class Step:
    """How numbers from … to are shown."""

    lower: float
    upper: float
    title: str
    """As in legends."""
    color: str
    """#rrggbb."""


def vector_qml(styles: Sequence[ClassStyle], attribute: str = "class") -> str:
    """Style of polygons by `attribute`, which holds class names. Raises SchemeError (a name twice)."""
    return qml.text(_categorised(styles, attribute, qml.document()))


def detections_qml(styles: Sequence[ClassStyle]) -> str:
    """Style of a prediction's detections, with map tips. Raises SchemeError (a name twice)."""
    root = _categorised(styles, "class", qml.document("Symbology|MapTips"))
    qml.map_tip(root, detection_tip())
    return qml.text(root)


def graduated_qml(steps: Sequence[Step], attribute: str, *, points: bool = False) -> str:
    """Style of polygons or points by a number. A number on a border belongs to the step that comes first."""
    root = qml.document()
    renderer = ET.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr=attribute, graduatedMethod="GraduatedColor", symbollevels="0"
    )
    ranges = ET.SubElement(renderer, "ranges")
    symbols = ET.SubElement(renderer, "symbols")
    for position, step in enumerate(steps):
        key = str(position)
        limits = {"lower": f"{step.lower:.15f}", "upper": f"{step.upper:.15f}"}
        ET.SubElement(ranges, "range", limits, symbol=key, label=step.title, render="true")
        if points:
            qml.disc(symbols, key, step.color, _OUTLINE_MM)
        else:
            qml.polygon(symbols, key, [_see_through(step.color)])
    return qml.text(root)


def _categorised(styles: Sequence[ClassStyle], attribute: str, root: ET.Element) -> ET.Element:
    qml.check_unique("name", [style.name for style in styles])
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="0")
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for position, style in enumerate(styles):
        key = str(position)
        category = {"value": style.name, "type": "string", "label": style.title}
        ET.SubElement(categories, "category", category, symbol=key, render="true")
        qml.polygon(symbols, key, [_see_through(style.color)])
    return root


def _see_through(color: str) -> Fill:
    """A fill through which the picture below is seen."""
    return Fill((*rgb(color), _FILL_ALPHA), (*rgb(color), 255), _OUTLINE_MM)
