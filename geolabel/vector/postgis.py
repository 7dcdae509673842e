"""A layer as a table of a PostgreSQL database with PostGIS, which QGIS opens styled.

Source: PostGIS manual, 4.1 (EWKB); QGIS's table `layer_styles`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import OutputError
from geolabel.progress import log
from geolabel.vector.database import transaction
from geolabel.vector.layer import as_multipolygons
from geolabel.vector.wgs84 import to_wgs84

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.vector.database import Table
    from geolabel.vector.layer import Layer

_WGS84 = 4326
_TEXT = ("text", "text")
_TYPES = {
    **dict.fromkeys("iu", ("bigint", "int8")),
    "f": ("double precision", "float8"),
    "b": ("boolean", "bool"),
    "M": ("date", "date"),
}
"""numpy's kind → the column's type, and what COPY calls it."""
_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id serial PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar, f_table_name varchar,
    f_geometry_column varchar, stylename text, styleqml xml, stylesld xml, useasdefault boolean, description text,
    owner varchar(63), ui xml, update_time timestamp DEFAULT CURRENT_TIMESTAMP, type varchar)
"""
_OURS = "Written by geolabel"
"""How comments of tables begin that may be replaced."""
_STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml,
                          useasdefault, description, owner)
VALUES (current_database(), %s, %s, 'geom', 'geolabel', XMLPARSE(DOCUMENT %s), true, '', current_user)
"""


def write_postgis(table: Table, layer: Layer, qml: str, *, overwrite: bool = False) -> None:
    """Write a layer as a table with a key, an index and its style, in one transaction: whole or not at all.

    Polygons are geometry(MultiPolygon, SRID) in the layer's CRS where the database knows it, WGS 84 otherwise.
    Raises OutputError (no such database, no PostGIS, the table exists, no right to), InstallError (no psycopg).
    """
    from psycopg import sql

    with transaction(table) as connection, connection.cursor() as cursor:
        schema = _schema(cursor, table)
        place = sql.Identifier(schema, table.name)
        _make_room(cursor, table, place, overwrite=overwrite)
        srid = _srid(cursor, layer.crs)
        moved = layer if srid else replace(layer, geometries=to_wgs84(as_multipolygons(layer), layer.crs))
        columns = [
            sql.SQL("fid bigint PRIMARY KEY"),
            *(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_types(values)[0]))
                for name, values in layer.columns.items()
            ),
            sql.SQL("geom geometry({}, {})").format(sql.SQL(layer.kind), sql.Literal(srid or _WGS84)),
        ]
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(place, sql.SQL(", ").join(columns)))
        _copy(cursor, place, moved, srid or _WGS84)
        cursor.execute(sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(place))
        if "alert_id" in layer.columns:
            cursor.execute(sql.SQL("ALTER TABLE {} ADD UNIQUE (alert_id)").format(place))
        about = "; ".join((_OURS, *(layer.attribution or filter(None, (layer.about,)))))
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(place, sql.Literal(about)))
        _style(cursor, schema, table.name, qml)
        cursor.execute(sql.SQL("ANALYZE {}").format(place))  # the planner's figures: QGIS estimates by them


def _schema(cursor: Any, table: Table) -> str:
    """The schema's name, where it is there and the database has PostGIS."""
    if cursor.execute("SELECT to_regtype('geometry')").fetchone()[0] is None:
        raise OutputError(f"{table}: the database has no PostGIS; run there: CREATE EXTENSION postgis")
    if not table.schema:
        found = cursor.execute("SELECT current_schema()").fetchone()[0]
        return str(found or "public")
    if cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (table.schema,)).fetchone() is None:
        raise OutputError(f'{table}: there is no schema {table.schema!r}; run there: CREATE SCHEMA "{table.schema}"')
    return table.schema


def _make_room(cursor: Any, table: Table, place: Any, *, overwrite: bool) -> None:
    from psycopg import sql

    found = cursor.execute(
        "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (place.as_string(cursor),)
    ).fetchone()
    if found is None:
        return
    if not overwrite:
        raise OutputError(f"{table}: exists already; give --overwrite, or another name with --table")
    if found[0] not in ("r", b"r"):
        raise OutputError(f"{table}: is no table, and is not replaced; give another name with --table")
    comment = cursor.execute(
        "SELECT obj_description(to_regclass(%s), 'pg_class')", (place.as_string(cursor),)
    ).fetchone()
    if not str(comment[0] or "").startswith(_OURS):
        raise OutputError(
            f"{table}: is a table that geolabel did not make and does not replace; name another with --table"
        )
    cursor.execute(sql.SQL("DROP TABLE {}").format(place))


def _srid(cursor: Any, crs: str) -> int:
    """The database's number of a CRS; 0 where it has none."""
    authority, _, code = geodesy.name(crs).partition(":")
    if authority != "EPSG" or not code.isdigit():
        return 0
    known = cursor.execute(
        "SELECT srid FROM spatial_ref_sys WHERE auth_name = %s AND auth_srid = %s", (authority, int(code))
    ).fetchone()
    return int(known[0]) if known else 0


def _copy(cursor: Any, place: Any, layer: Layer, srid: int) -> None:
    """All rows by PostgreSQL's binary COPY."""
    import shapely
    from psycopg import sql

    shapes = shapely.to_wkb(shapely.set_srid(as_multipolygons(layer), srid), include_srid=True)
    names = sql.SQL(", ").join(map(sql.Identifier, ("fid", *layer.columns, "geom")))
    kinds = ("int8", *(_types(values)[1] for values in layer.columns.values()), "bytea")
    rows = zip(
        range(1, len(shapes) + 1), *(_plain(values) for values in layer.columns.values()), shapes.tolist(), strict=True
    )
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(place, names)) as copy:
        copy.set_types(kinds)
        for row in rows:
            copy.write_row(row)


def _types(values: NDArray[Any]) -> tuple[str, str]:
    return _TYPES.get(values.dtype.kind, _TEXT)


def _plain(values: NDArray[Any]) -> list[Any]:
    """Python's own values; None where one is not known."""
    if values.dtype.kind in "fM":
        missing = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
        return [None if none else value for value, none in zip(values.tolist(), missing.tolist(), strict=True)]
    return list(values.tolist())


def _style(cursor: Any, schema: str, name: str, qml: str) -> None:
    """Make `qml` what QGIS opens the table with, if the user may; the table itself does not depend on it."""
    from psycopg.errors import InsufficientPrivilege

    cursor.execute("SAVEPOINT style")
    try:
        _write_style(cursor, schema, name, qml)
    except InsufficientPrivilege as error:
        cursor.execute("ROLLBACK TO SAVEPOINT style")
        log.warning("%s.%s: is written without its style, for the table layer_styles (%s)", schema, name, error)


def _write_style(cursor: Any, schema: str, name: str, qml: str) -> None:
    """Others' styles of the table stay, but are no longer the default."""
    cursor.execute(_STYLES)
    mine = (schema, name)
    same = "f_table_catalog = current_database() AND f_table_schema = %s AND f_table_name = %s"
    cursor.execute(f"DELETE FROM layer_styles WHERE {same} AND stylename = 'geolabel'", mine)  # noqa: S608
    cursor.execute(f"UPDATE layer_styles SET useasdefault = false WHERE {same}", mine)  # noqa: S608
    cursor.execute(_STYLE, (*mine, qml))
