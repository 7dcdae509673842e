"""Vectors of the zoo: shapefiles and GeoPackages, their fields, their layers, what is left of them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import shapely

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.features import BOX, label, layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_ROOM = "Vectors"


def _text(name: str, text: str | bytes, field: str = "landuse") -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        (den.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return label(den, name, field=field)

    return bring


def _shapefile(*gone: str, **bytes_of: bytes) -> Callable[[Den], Sequence[object]]:
    """A shapefile of which files are gone, or replaced."""

    def bring(den: Den) -> Sequence[object]:
        path = layer(den.folder / "a.shp", BOX)
        for suffix in gone:
            path.with_suffix(f".{suffix}").unlink()
        for suffix, content in bytes_of.items():
            path.with_suffix(f".{suffix}").write_bytes(content)
        return label(den, "a.shp")

    return bring


def _latin(den: Den, told: str | None) -> Sequence[object]:
    """Names in Latin-1, and what the .cpg says of them."""
    frame = geopandas.GeoDataFrame({"landuse": ["água"]}, geometry=[BOX], crs="EPSG:4326")
    frame.to_file(den.folder / "a.shp", encoding="latin1")
    if told is None:
        (den.folder / "a.cpg").unlink()
    else:
        (den.folder / "a.cpg").write_text(told)
    return label(den, "a.shp")


def _cut(name: str) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        path = layer(den.folder / name, *[BOX] * 3_000)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        return label(den, name)

    return bring


def _empty(den: Den) -> Sequence[object]:
    frame = geopandas.GeoDataFrame({"landuse": ["forest"]}, geometry=[BOX], crs="EPSG:4326")
    frame[:0].to_file(den.folder / "a.gpkg")
    return label(den, "a.gpkg")


def _none_has_a_place(den: Den) -> Sequence[object]:
    layer(den.folder / "a.gpkg", None, shapely.Polygon())
    return label(den, "a.gpkg")


def _some_have_a_place(den: Den) -> Sequence[object]:
    layer(den.folder / "a.gpkg", None, BOX, shapely.Polygon())
    return label(den, "a.gpkg")


def _field(values: Sequence[object], then: str = "landuse") -> Callable[[Den], Sequence[object]]:
    """A layer whose field has these values."""

    def bring(den: Den) -> Sequence[object]:
        frame = geopandas.GeoDataFrame({"landuse": values}, geometry=[BOX] * len(values), crs="EPSG:4326")
        frame.to_file(den.folder / "a.gpkg")
        return label(den, "a.gpkg", field=then)

    return bring


def _layers(name: str | None, wanted: str | None) -> Callable[[Den], Sequence[object]]:
    """Two layers, the second under a name."""

    def bring(den: Den) -> Sequence[object]:
        layer(den.folder / "a.gpkg", BOX, layer="first")
        layer(den.folder / "a.gpkg", BOX, layer=name, mode="a")
        return label(den, "a.gpkg", *(("--layer", wanted) if wanted else ()))

    return bring


def _spoilt(*statements: str) -> Callable[[Den], Sequence[object]]:
    """The den's polygons after some SQL."""

    def bring(den: Den) -> Sequence[object]:
        path = den.take("places.gpkg", "a.gpkg")
        with closing(sqlite3.connect(path)) as database:
            for statement in statements:
                database.execute(statement).fetchall()
                database.commit()
        return label(den, "a.gpkg")

    return bring


def _log_left(den: Den) -> Sequence[object]:
    """Killed while it was written: the newest rows stand in the log beside it."""
    path = den.take("places.gpkg", "b.gpkg")
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE more AS SELECT 1")
    database.commit()
    for end in ("", "-wal"):
        shutil.copyfile(f"{path}{end}", den.folder / f"a.gpkg{end}")
    database.close()
    path.unlink()
    return label(den, "a.gpkg")


def _long_ring(den: Den) -> Sequence[object]:
    turn = np.linspace(0, 2 * np.pi, 1_000_000)
    points = np.column_stack([-69.907 + 0.006 * np.cos(turn), -12.682 + 0.006 * np.sin(turn)])
    layer(den.folder / "a.gpkg", shapely.Polygon(points))
    return label(den, "a.gpkg")


_OUT = ("out.parquet",)

ANIMALS = (
    Animal(_ROOM, "not there", lambda den: label(den, "a.gpkg"), "a.gpkg: no such file; a vector file was expected"),
    Animal(_ROOM, "no bytes", _text("a.gpkg", b""), "a.gpkg: the file is empty; a vector file was expected, …"),
    Animal(
        _ROOM,
        "words, called .gpkg",
        _text("a.gpkg", "hello"),
        "a.gpkg: is not a vector file that geolabel reads …, or it is truncated; check it with ogrinfo, …",
    ),
    Animal(
        _ROOM,
        "zeros, called .gpkg",
        _text("a.gpkg", bytes(9_999)),
        "a.gpkg: is not a vector file that geolabel reads …, or it is truncated; check it with ogrinfo, …",
    ),
    Animal(
        _ROOM,
        "a GeoPackage that breaks off",
        _cut("a.gpkg"),
        "a.gpkg: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "a FlatGeobuf that breaks off",
        _cut("a.fgb"),
        "a.fgb: cannot be read (…); the file is truncated or damaged",
    ),
    Animal(
        _ROOM, "a shapefile that breaks off", _cut("a.shp"), "a.shp: … bytes are there; it is truncated, copy it again"
    ),
    Animal(
        _ROOM, "a shapefile without .prj", _shapefile("prj"), "a.shp: has no coordinate reference system; assign one: …"
    ),
    Animal(
        _ROOM,
        "a shapefile without .dbf",
        _shapefile("dbf"),
        "a.shp: no field 'landuse'; there are none. Choose with --field",
    ),
    Animal(
        _ROOM,
        "a shapefile without .shx",
        _shapefile("shx"),
        "a.shp: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "a shapefile with a wrong .prj",
        _shapefile(prj=b"Gauss!"),
        "a.shp: has no coordinate reference system; …",
    ),
    Animal(
        _ROOM,
        "a shapefile with a .dbf of zeros",
        _shapefile(dbf=bytes(400)),
        "a.shp: no field 'landuse'; there are none. Choose with --field",
    ),
    Animal(_ROOM, "Latin-1, and a .cpg that says so", lambda den: _latin(den, "ISO-8859-1"), "the class is água", _OUT),
    Animal(
        _ROOM,
        "Latin-1 without a .cpg",
        lambda den: _latin(den, None),
        "a.shp: 'landuse' holds text that is not UTF-8; say what it is: ogr2ogr -oo ENCODING=ISO-8859-1 out.gpkg a.shp",
    ),
    Animal(
        _ROOM,
        "Latin-1, and a .cpg that says UTF-8",
        lambda den: _latin(den, "UTF-8"),
        "a.shp: 'landuse' holds text that is not UTF-8; say what it is: ogr2ogr -oo ENCODING=ISO-8859-1 out.gpkg a.shp",
    ),
    Animal(
        _ROOM,
        "a .cpg of nonsense",
        lambda den: _latin(den, "klingon"),
        "a.shp: 'landuse' holds text that is not UTF-8; say what it is: ogr2ogr -oo ENCODING=ISO-8859-1 out.gpkg a.shp",
    ),
    Animal(
        _ROOM, "a layer without features", _empty, "a.gpkg: layer 'a' holds no features; choose another with --layer"
    ),
    Animal(
        _ROOM,
        "no feature has a place",
        _none_has_a_place,
        "a.gpkg: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(_ROOM, "features without a place among others", _some_have_a_place, "these count for nothing", _OUT),
    Animal(
        _ROOM,
        "a field that is nearly so called",
        lambda den: label(den, str(den.take("places.gpkg").name), field="land_use"),
        "places.gpkg: no field 'land_use'; there are landuse. Choose with --field",
    ),
    Animal(
        _ROOM,
        "a field of nothing",
        _field([None, None]),
        "a.gpkg: the field 'landuse' is empty everywhere; choose another with --field",
    ),
    Animal(_ROOM, "a field of numbers", _field([1, 2]), "classes are named 1 and 2", _OUT),
    Animal(
        _ROOM,
        "a field of dates",
        _field(np.array(["2020-01-01", "2021-01-01"], "datetime64[ms]")),
        "a.gpkg: 'landuse' holds timestamp…, not names; choose another with --field",
    ),
    Animal(
        _ROOM,
        "a class name of 10,000 characters",
        _field(["x" * 10_000, "y"]),
        "a.gpkg: 'landuse' does not name classes (…: a name is of up to 200 characters, …); …",
    ),
    Animal(
        _ROOM,
        "a class name with a line break",
        _field(["a\nb", "y"]),
        "a.gpkg: 'landuse' does not name classes (… in one line); choose another with --field",
    ),
    Animal(_ROOM, "a class name of a script", _field(["<script>alert(1)</script>", "y"]), "the name is text", _OUT),
    Animal(_ROOM, "two layers, and none chosen", _layers("second", None), "the first is read", _OUT),
    Animal(
        _ROOM,
        "a layer that is not there",
        _layers("second", "third"),
        "a.gpkg: no layer 'third'; there are first, second. Choose with --layer",
    ),
    Animal(
        _ROOM, "a layer name with quotes", _layers("my \"own\" 'layer'; --", "my \"own\" 'layer'; --"), "is read", _OUT
    ),
    Animal(_ROOM, "a GeoPackage in WAL mode", _spoilt("PRAGMA journal_mode = WAL"), "is read", _OUT),
    Animal(
        _ROOM,
        "a GeoPackage whose writer was killed",
        _log_left,
        "a.gpkg: is at work in another program, or was when that was killed (a.gpkg-wal lies beside it); …",
    ),
    Animal(
        _ROOM,
        "a GeoPackage without its list of layers",
        _spoilt("DROP TABLE gpkg_contents"),
        "a.gpkg: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "a GeoPackage whose layer is gone",
        _spoilt("DROP TABLE places"),
        "a.gpkg: holds no layers with geometries, or is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "a GeoPackage with a trigger",
        _spoilt("CREATE TRIGGER t AFTER UPDATE ON places BEGIN DELETE FROM places; END"),
        "is read; nothing is written that could fire it",
        _OUT,
    ),
    Animal(
        _ROOM,
        "a GeoPackage with bytes that are no geometry",
        _spoilt(
            "CREATE TABLE x AS SELECT 1",
            "UPDATE gpkg_contents SET identifier = 'p'",
            *[
                "DROP TRIGGER IF EXISTS " + n
                for n in (
                    "rtree_places_geom_update6",
                    "rtree_places_geom_update7",
                    "rtree_places_geom_update1",
                    "rtree_places_geom_update2",
                    "rtree_places_geom_update3",
                    "rtree_places_geom_update4",
                    "rtree_places_geom_update5",
                )
            ],
            "UPDATE places SET geom = x'00112233'",
        ),
        "a.gpkg: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(_ROOM, "a polygon of a million vertices", _long_ring, "is read", _OUT),
)
