"""Styles are well-formed XML that keep every name, and refuse what no map could show."""

import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely

from geolabel.errors import InputError, OutputError, SchemeError
from geolabel.maps import (
    ClassStyle,
    Step,
    graduated_qml,
    probability_qml,
    raster_qml,
    vector_qml,
    write_layer_style,
)
from geolabel.vector import Layer, write_layer

STYLES = [
    ClassStyle(7, "a&b", 'Wald & <Wiese> "grün"', "#00FF80"),
    ClassStyle(2, "garimpo", "Mineração – 采矿 🌳", "#d73027"),
]


def parse(qml):
    assert qml.startswith("<!DOCTYPE qgis ")
    return ET.fromstring(qml)


def test_raster_entries():
    entries = [entry.attrib for entry in parse(raster_qml(STYLES)).iter("paletteEntry")]
    assert entries == [
        {"value": "0", "label": "none", "color": "#000000", "alpha": "0"},
        {"value": "2", "label": STYLES[1].title, "color": "#d73027", "alpha": "255"},
        {"value": "7", "label": STYLES[0].title, "color": "#00ff80", "alpha": "255"},
    ]


def test_a_title_for_none_is_kept():
    entries = list(parse(raster_qml([ClassStyle(0, "none", "Nothing seen", "#ffffff")])).iter("paletteEntry"))
    assert [(entry.get("label"), entry.get("alpha")) for entry in entries] == [("Nothing seen", "0")]


def test_vector_categories_point_to_their_symbols():
    renderer = parse(vector_qml(STYLES)).find("renderer-v2")
    assert renderer.get("attr") == "class"
    colors = {
        symbol.get("name"): option.get("value")
        for symbol in renderer.iter("symbol")
        for option in symbol.iter("Option")
        if option.get("name") == "color"
    }
    found = [(c.get("value"), c.get("label"), colors[c.get("symbol")]) for c in renderer.iter("category")]
    assert found == [
        ("a&b", STYLES[0].title, "0,255,128,110"),
        ("garimpo", STYLES[1].title, "215,48,39,110"),
    ]


@pytest.mark.parametrize(("points", "kind", "layer"), [(False, "fill", "SimpleFill"), (True, "marker", "SimpleMarker")])
def test_steps_of_a_number_point_to_their_symbols(points: bool, kind: str, layer: str):
    steps = [Step(0, 0.1, "a & b", "#fed976"), Step(0.1, 1, "more", "#BD0026")]
    renderer = parse(graduated_qml(steps, "disagree", points=points)).find("renderer-v2")
    assert (renderer.get("type"), renderer.get("attr")) == ("graduatedSymbol", "disagree")
    found = [(float(r.get("lower")), float(r.get("upper")), r.get("label")) for r in renderer.iter("range")]
    assert found == [(0, 0.1, "a & b"), (0.1, 1, "more")]
    symbols = {symbol.get("name"): symbol for symbol in renderer.iter("symbol")}
    assert [symbols[r.get("symbol")].get("type") for r in renderer.iter("range")] == [kind, kind]
    assert {found.get("class") for found in renderer.iter("layer")} == {layer}
    colors = [option.get("value") for option in renderer.iter("Option") if option.get("name") == "color"]
    assert [color.rsplit(",", 1)[0] for color in colors] == ["254,217,118", "189,0,38"]


def test_probability_ramp_rises_from_nothing():
    items = list(parse(probability_qml("a & b", "#123456")).iter("item"))
    values, alphas = ([float(item.get(name)) for item in items] for name in ("value", "alpha"))
    assert (values[0], values[-1]) == (0, 1)
    assert (alphas[0], alphas[-1]) == (0, 255)
    assert alphas == sorted(alphas)
    assert items[-1].get("label") == "a & b 100%"


@pytest.mark.parametrize(
    "wrong",
    [
        (255, "a", "A", "#000000"),
        (-1, "a", "A", "#000000"),
        (1, "a", "A", "red"),
        (1, "a", "A", "#0000000"),
        (1, "", "A", "#000000"),
        (1, "a", "A\x07", "#000000"),
        (1, "a", "\ud800", "#000000"),
    ],
)
def test_classes_that_cannot_be(wrong):
    with pytest.raises(SchemeError):
        ClassStyle(*wrong)


def test_values_and_names_are_unique():
    twin = ClassStyle(2, "a&b", "twin", "#000000")
    with pytest.raises(SchemeError, match="value 2"):
        raster_qml([*STYLES, twin])
    with pytest.raises(SchemeError, match="name a&b"):
        vector_qml([*STYLES, twin])


@pytest.fixture
def gpkg(tmp_path):
    path = tmp_path / "two.gpkg"
    for name in ("one", "other's"):
        boxes = np.array([shapely.box(0, 0, 1, 1)])
        write_layer(path, Layer(name, boxes, {"class": np.array(["a"], dtype=object)}, "EPSG:32721"), "GPKG")
    return path


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_one_default_style_a_layer(gpkg):
    write_layer_style(gpkg, "one", "geom", "<first/>")
    with closing(sqlite3.connect(gpkg)) as database, database:  # what a person saved from QGIS
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, useAsDefault) VALUES ('', '', 'one', 'geom', 'mine', '<mine/>', 1)"
        )
    write_layer_style(gpkg, "other's", "geom", "<other/>")
    write_layer_style(gpkg, "one", "geom", "<second/>")
    found = rows(gpkg, "SELECT f_table_name, styleName, styleQML, useAsDefault FROM layer_styles ORDER BY styleQML")
    assert found == [
        ("one", "mine", "<mine/>", 0),
        ("other's", "geolabel", "<other/>", 1),
        ("one", "geolabel", "<second/>", 1),
    ]
    assert rows(gpkg, "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'") == [("attributes",)]
    assert rows(gpkg, "SELECT DISTINCT f_table_catalog, f_table_schema FROM layer_styles") == [("", "")]


def test_a_style_needs_its_layer(gpkg, tmp_path):
    with pytest.raises(InputError, match="no layer 'none'"):
        write_layer_style(gpkg, "none", "geom", "<qgis/>")
    with pytest.raises(InputError, match="no such file"):
        write_layer_style(tmp_path / "absent.gpkg", "one", "geom", "<qgis/>")
    text = tmp_path / "text.gpkg"
    text.write_text("no database, however long the text may be" * 40)
    with pytest.raises(OutputError, match="GeoPackage"):
        write_layer_style(text, "one", "geom", "<qgis/>")
