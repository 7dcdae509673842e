"""The table inside a GeoPackage from which QGIS takes a layer's style."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.errors import InputError, OutputError
from geolabel.vector import NO_TIME

if TYPE_CHECKING:
    from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
"""
_REGISTER = """
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)
"""
_INSERT = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
                          styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)
VALUES ('', '', ?, ?, ?, ?, '', 1, '', '', ?)
"""
# Catalogue and schema are empty, not NULL: QGIS looks the style up by = ''.
_STYLE_NAME = "geolabel"


def write_layer_style(gpkg: Path, layer: str, geometry_column: str, qml: str) -> None:
    """Make `qml` the style with which QGIS opens `layer`; one written here before is replaced, others stay.

    Raises InputError (no such file or layer), OutputError (cannot be written).
    """
    files.check_readable(gpkg, "a GeoPackage")
    try:
        with closing(sqlite3.connect(gpkg)) as database, database:
            known = database.execute(
                "SELECT 1 FROM gpkg_geometry_columns WHERE table_name = ? AND column_name = ?",
                (layer, geometry_column),
            )
            if known.fetchone() is None:
                raise InputError(f"{gpkg}: no layer {layer!r} with a geometry column {geometry_column!r}")
            database.execute(_TABLE)
            database.execute(_REGISTER, (NO_TIME,))
            database.execute("DELETE FROM layer_styles WHERE f_table_name = ? AND styleName = ?", (layer, _STYLE_NAME))
            database.execute("UPDATE layer_styles SET useAsDefault = 0 WHERE f_table_name = ?", (layer,))
            database.execute(_INSERT, (layer, geometry_column, _STYLE_NAME, qml, NO_TIME))
    except sqlite3.DatabaseError as error:
        raise OutputError(
            f"{gpkg}: the style cannot be written ({error}); is it a GeoPackage, and is the disk full?"
        ) from error
