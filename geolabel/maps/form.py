"""A QGIS style with a form: a layer whose points or pixels a person looks at one by one, and says what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from geolabel.labels.colour import rgb
from geolabel.maps import qml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geolabel.maps.style import ClassStyle

_CATEGORIES = "Symbology|Fields|Forms|AttributeTable"
_OPEN = "#ffd400"
"""Colour of what nobody has answered yet: seen on forest, soil and water."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the layer, as the form shows it."""

    name: str
    title: str
    widget: Literal["choice", "note", "fixed"]
    """One of some values by their titles; text of several lines; shown, but not to be changed."""
    choices: Mapping[str, str] | None = None
    """Title → stored value, for "choice"."""


def form_qml(fields: Sequence[Field], styles: Sequence[ClassStyle], attribute: str) -> str:
    """Style of a layer of polygons with a form of these fields, in their order; other fields stay hidden.

    Polygons are outlines, with a ring around that is seen from afar: yellow where `attribute` is empty, else in the
    colour of the class whose name it holds.
    """
    root = qml.document(_CATEGORIES)
    _outlines(root, styles, attribute)
    configuration = ET.SubElement(root, "fieldConfiguration")
    hidden = ET.SubElement(configuration, "field", name="fid", configurationFlags="None")
    ET.SubElement(ET.SubElement(hidden, "editWidget", type="Hidden"), "config")
    aliases = ET.Element("aliases")
    form, editable = ET.Element("attributeEditorForm"), ET.Element("editable")
    columns = ET.Element("columns")
    ET.SubElement(columns, "column", type="field", name="fid", hidden="1", width="-1")
    for position, field in enumerate(fields, start=1):
        found = ET.SubElement(configuration, "field", name=field.name, configurationFlags="None")
        _widget(found, field)
        ET.SubElement(aliases, "alias", index=str(position), field=field.name, name=field.title)
        ET.SubElement(form, "attributeEditorField", index=str(position), name=field.name, showLabel="1")
        ET.SubElement(editable, "field", name=field.name, editable="0" if field.widget == "fixed" else "1")
        ET.SubElement(columns, "column", type="field", name=field.name, hidden="0", width="-1")
    ET.SubElement(columns, "column", type="actions", hidden="1", width="-1")
    root.append(aliases)
    first = fields[0].name
    table = {"sortExpression": f'"{first}"', "sortOrder": "0", "actionWidgetStyle": "dropDown"}
    ET.SubElement(root, "attributetableconfig", table).append(columns)
    ET.SubElement(root, "editorlayout").text = "tablayout"
    root.append(form)
    root.append(editable)
    ET.SubElement(root, "previewExpression").text = f'"{first}"'
    return qml.text(root)


def _widget(parent: ET.Element, field: Field) -> None:
    kind = {"choice": "ValueMap", "note": "TextEdit", "fixed": "TextEdit"}[field.widget]
    options = ET.SubElement(ET.SubElement(ET.SubElement(parent, "editWidget", type=kind), "config"), "Option")
    options.set("type", "Map")
    if field.choices is not None:
        listed = ET.SubElement(options, "Option", name="map", type="List")
        for title, value in field.choices.items():
            pair = ET.SubElement(listed, "Option", type="Map")
            ET.SubElement(pair, "Option", name=title, value=value, type="QString")
    elif field.widget == "note":
        ET.SubElement(options, "Option", name="IsMultiline", value="true", type="bool")


def _outlines(root: ET.Element, styles: Sequence[ClassStyle], attribute: str) -> None:
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    shown = [(style.name, style.title, style.color) for style in styles]
    for position, (value, label, color) in enumerate([*shown, ("", "not answered yet", _OPEN)]):
        key = str(position)
        category = {"value": value, "type": "string", "label": label, "symbol": key, "render": "true"}
        ET.SubElement(categories, "category", category)
        _symbol(symbols, key, color)


def _symbol(symbols: ET.Element, key: str, color: str) -> None:
    """The outline of a polygon, and a ring in its middle: whatever is inside is to be seen."""
    line = ",".join(map(str, (*rgb(color), 255)))
    symbol = ET.SubElement(symbols, "symbol", type="fill", name=key, alpha="1", clip_to_extent="1")
    outline = {"style": "no", "outline_color": line, "outline_style": "solid", "outline_width": "0.6"}
    _layer(symbol, "SimpleFill", outline)
    centre = _layer(symbol, "CentroidFill", {"point_on_surface": "0"})
    marker = ET.SubElement(centre, "symbol", type="marker", name=f"@{key}@1", alpha="1", clip_to_extent="1")
    ring = {"name": "circle", "color": "0,0,0,0", "outline_color": line, "outline_style": "solid"}
    _layer(marker, "SimpleMarker", ring | {"outline_width": "0.6", "size": "6", "size_unit": "MM"})


def _layer(symbol: ET.Element, kind: str, values: Mapping[str, str]) -> ET.Element:
    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "pass": "0", "locked": "0"})
    qml.options(layer, values)
    return layer
