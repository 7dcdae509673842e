"""What is exported: the detections or alerts of a folder, or of a GeoPackage by itself, with their style."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from geolabel import files, maps, vector
from geolabel.errors import InputError
from geolabel.maps import ClassStyle
from geolabel.steps.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector import Layer

CLASS_RASTERS = ("classes.tif", "loss.tif", "gain.tif", "change.tif")
"""What may hold a folder's classes; the first that is there says where its maps lie."""
LAYERS = {"predict": "detections", "change": "alerts"}
"""Command → the layer, and the GeoPackage, in the folder that it makes."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A layer as predict or change left it."""

    gpkg: Path
    layer: Layer
    qml: str
    """How QGIS shows it."""


def read_source(place: Path) -> ExportSource:
    """Read the layer of a folder that predict or change made, or of a GeoPackage from there.

    Raises InputError where there is none.
    """
    gpkg, name = (place / f"{layer_of(place)}.gpkg", layer_of(place)) if place.is_dir() else (place, _named(place))
    layer = vector.read_layer(gpkg, name)
    missing = {"class", "title", "color", "area_ha"} - layer.columns.keys()
    if missing:
        raise InputError(f"{gpkg}: no column {', '.join(sorted(missing))}; give what geolabel predict or change wrote")
    if place.is_dir():
        attribution = tuple(read_manifest(place).get("attribution") or ())
    else:
        attribution = tuple(filter(None, (vector.layer_description(gpkg, name),)))
    layer = replace(layer, attribution=attribution)
    return ExportSource(gpkg, layer, _style_of(gpkg, name) or maps.vector_qml(_styles(layer)))


def layer_of(folder: Path) -> str:
    """What a folder holds: detections or alerts. Raises InputError where it is another's."""
    told = read_manifest(folder) if (folder / files.RECORD).is_file() else {}
    name = LAYERS.get(str(told.get("command")))
    if name is None:
        raise InputError(
            f"{folder}: holds neither a prediction nor alerts; make one with geolabel predict or geolabel change"
        )
    return name


def _named(gpkg: Path) -> str:
    found = [name for name in vector.list_layers(gpkg) if name in LAYERS.values()]
    if not found:
        raise InputError(
            f"{gpkg}: no layer named {' or '.join(LAYERS.values())}; give a folder of geolabel predict or change, "
            "or its GeoPackage"
        )
    return found[0]


def _style_of(gpkg: Path, name: str) -> str:
    """The style with which QGIS opens a layer; empty where there is none."""
    query = "SELECT styleQML FROM layer_styles WHERE f_table_name = ? ORDER BY useAsDefault DESC, id LIMIT 1"
    try:
        with closing(sqlite3.connect(f"{gpkg.resolve().as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute(query, (name,)).fetchone()
    except sqlite3.Error:  # no such table
        return ""
    return str(row[0]) if row and row[0] else ""


def _styles(layer: Layer) -> list[ClassStyle]:
    rows = {
        (cast("str", name), cast("str", title), cast("str", color))
        for name, title, color in zip(
            layer.columns["class"], layer.columns["title"], layer.columns["color"], strict=True
        )
    }
    return [ClassStyle(at, *row) for at, row in enumerate(sorted(rows), start=1)]
