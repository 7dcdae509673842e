"""QGIS styles (QML) of rasters: classes, probabilities, confidence, and the pictures themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.maps import qml
from geolabel.maps.style import ClassStyle

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALPHA = ((0.0, 0), (0.2, 0), (0.4, 90), (0.6, 160), (0.8, 215), (1.0, 255))
"""Probability and alpha (0 to 255): what is unlikely does not hide the picture below."""
_HEAT = ("#ffffb2", "#ffffb2", "#fecc5c", "#fd8d3c", "#f03b20", "#bd0026")
"""Colours of confidence 0, .2, … 1. Source: ColorBrewer's YlOrRd, five classes."""
_COLOURS = 3
_GAMMA = "1.4"
"""Above 1 it shows what is dark: forest, most of all."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of a band is shown black, and what bright."""

    band: int
    """Position in the file, from 1."""
    low: float
    """Physical value (scale and offset applied, as QGIS does)."""
    high: float

    def __post_init__(self) -> None:
        if self.band < 1:
            raise ValueError(f"bands count from 1, got {self.band}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a stretch goes from a lower to a higher value, got {self.low} to {self.high}")


def raster_qml(styles: Sequence[ClassStyle]) -> str:
    """Style of a Byte raster of classes on band 1. Raises SchemeError where two classes share a value."""
    qml.check_unique("value", [style.value for style in styles])
    root = qml.document()
    renderer = qml.raster_renderer(ET.SubElement(root, "pipe"), "paletted", band="1")
    palette = ET.SubElement(renderer, "colorPalette")
    if all(style.value for style in styles):
        styles = [ClassStyle(0, "none", "none", "#000000"), *styles]
    for style in sorted(styles, key=lambda style: style.value):
        entry = {"value": str(style.value), "label": style.title, "color": style.color.lower()}
        ET.SubElement(palette, "paletteEntry", entry, alpha="255" if style.value else "0")
    return qml.text(root)


def probability_qml(band_name: str, color: str = "#b2182b", band: int = 1) -> str:
    """Style of a raster of probabilities, 0 to 1 once its scale is applied, in one colour.

    Below 0.2 nothing is drawn; above, the more likely, the more opaque. Raises SchemeError (colour, name).
    """
    style = ClassStyle(1, band_name, band_name, color)
    return _ramp(style.title, [style.color] * len(_ALPHA), band)


def confidence_qml() -> str:
    """Style of a raster of confidence, 0 to 1 once its scale is applied: from pale to dark red."""
    return _ramp("confidence", _HEAT, 1)


def image_qml(stretches: Sequence[Stretch], alpha_band: int | None = None) -> str:
    """Style of a picture: three bands as red, green and blue, or one in grey; `alpha_band` is its mask, if any."""
    if len(stretches) not in (1, _COLOURS):
        raise ValueError(f"a picture is of one band or of three, got {len(stretches)}")
    root = qml.document()
    pipe = ET.SubElement(root, "pipe")
    mask = {"alphaBand": str(alpha_band)} if alpha_band else {}
    if len(stretches) == _COLOURS:
        bands = {f"{name}Band": str(s.band) for name, s in zip(("red", "green", "blue"), stretches, strict=True)}
        renderer = qml.raster_renderer(pipe, "multibandcolor", **bands, **mask)
        names = [f"{name}ContrastEnhancement" for name in ("red", "green", "blue")]
    else:
        grey = {"grayBand": str(stretches[0].band), "gradient": "BlackToWhite"}
        renderer = qml.raster_renderer(pipe, "singlebandgray", **grey, **mask)
        names = ["contrastEnhancement"]
    for name, stretch in zip(names, stretches, strict=True):
        enhancement = ET.SubElement(renderer, name)
        ET.SubElement(enhancement, "minValue").text = repr(stretch.low)
        ET.SubElement(enhancement, "maxValue").text = repr(stretch.high)
        ET.SubElement(enhancement, "algorithm").text = "StretchToMinimumMaximum"
    ET.SubElement(pipe, "brightnesscontrast", brightness="0", contrast="0", gamma=_GAMMA)
    # Seen from afar, pixels are averaged: fields and clearings keep their shape. Seen from near, they stay pixels.
    ET.SubElement(pipe, "rasterresampler", zoomedOutResampler="bilinear", maxOversampling="4")
    return qml.text(root)


def _ramp(title: str, colors: Sequence[str], band: int) -> str:
    root = qml.document()
    limits = {"classificationMin": "0", "classificationMax": "1"}
    renderer = qml.raster_renderer(ET.SubElement(root, "pipe"), "singlebandpseudocolor", band=str(band), **limits)
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"),
        "colorrampshader",
        {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0", "labelPrecision": "2"},
        minimumValue="0",
        maximumValue="1",
    )
    for (value, alpha), color in zip(_ALPHA, colors, strict=True):
        item = {"value": f"{value:g}", "alpha": str(alpha), "color": color.lower()}
        ET.SubElement(shader, "item", item, label=f"{title} {value:.0%}")
    # One entry a step: a continuous bar would show neither the percentages nor the name.
    ET.SubElement(shader, "rampLegendSettings", useContinuousLegend="0")
    return qml.text(root)
