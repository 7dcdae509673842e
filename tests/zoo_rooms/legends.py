"""Tables of the zoo: legends of class rasters, and samples that a person answered."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import rasterio

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Tables"
_OUT = ("out.parquet",)


def _legend(content: str | bytes) -> Callable[[Den], Sequence[object]]:
    """A legend of a raster of the classes 1 and 2, by which tiles are labelled."""

    def bring(den: Den) -> Sequence[object]:
        den.take("tiles.parquet")
        with rasterio.open(den.take("region.tif")) as region:
            profile = region.profile | {"count": 1, "dtype": "uint8", "nodata": 0}
            pixels = np.where(region.read(1) > 700, 1, 2).astype(np.uint8)
        with rasterio.open(den.folder / "classes.tif", "w", **profile) as classes:
            classes.write(pixels, 1)
        (den.folder / "legend.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        words = ("--raster", "classes.tif", "--legend", "legend.csv")
        return ("label", "tiles.parquet", *words, "-o", "out.parquet")

    return bring


def _sample(*statements: str, answered: bool = True) -> Callable[[Den], Sequence[object]]:
    """A sample of two points, as `area sample` writes it, after some SQL."""

    def bring(den: Den) -> Sequence[object]:
        with closing(sqlite3.connect(den.folder / "sample.gpkg")) as database, database:
            database.executescript(_SAMPLE)
            if answered:
                database.execute("UPDATE sample SET reference = 'bare', confidence = 'sure'")
            for statement in statements:
                database.execute(statement)
        return ("area", "estimate", "sample.gpkg", "-o", "area.csv")

    return bring


def _words(den: Den) -> Sequence[object]:
    (den.folder / "sample.gpkg").write_text("hello")
    return ("area", "estimate", "sample.gpkg", "-o", "area.csv")


_SAMPLE = """
CREATE TABLE strata (number INTEGER PRIMARY KEY, class TEXT, title TEXT, color TEXT, decided INTEGER, area_ha REAL,
                     pixels INTEGER, points INTEGER);
CREATE TABLE drawn (id INTEGER PRIMARY KEY, stratum INTEGER, pixel_ha REAL);
CREATE TABLE sample (id INTEGER, reference TEXT, confidence TEXT);
INSERT INTO strata VALUES (0, 'bare', 'Bare', '#000000', 1, 10, 1000, 1);
INSERT INTO strata VALUES (1, 'forest', 'Forest', '#00ff00', 1, 9, 900, 1);
INSERT INTO drawn VALUES (1, 0, 0.01), (2, 1, 0.01);
INSERT INTO sample VALUES (1, NULL, NULL), (2, NULL, NULL);
"""

ANIMALS = (
    Animal(_ROOM, "a legend", _legend("code,name\n1,bare\n2,forest\n"), "is read", _OUT),
    Animal(
        _ROOM,
        "a legend with semicolons, a BOM and CRLF",
        _legend("code;name\r\n1;bare\r\n2;forest\r\n".encode("utf-8-sig")),
        "is read",
        _OUT,
    ),
    Animal(
        _ROOM,
        "a legend without codes",
        _legend("klasse,name\n1,bare\n"),
        "legend.csv: no column code (nor value, class_id, grid_code); it has klasse, name",
    ),
    Animal(
        _ROOM,
        "a legend with codes that are words",
        _legend("code,name\none,bare\n"),
        "legend.csv, line 2: code and colour must be whole numbers (…)",
    ),
    Animal(
        _ROOM,
        "a legend with codes that are no whole numbers",
        _legend("code,name\n1.5,bare\n"),
        "legend.csv, line 2: code and colour must be whole numbers (…)",
    ),
    Animal(
        _ROOM,
        "a legend with codes as a spreadsheet writes them",
        _legend("code,name\n1.0,bare\n2.0,forest\n"),
        "legend.csv, line 2: code and colour must be whole numbers (…)",
    ),
    Animal(
        _ROOM,
        "a legend with codes of 5,000 digits",
        _legend(f"code,name\n{'9' * 5_000},bare\n"),
        "legend.csv, line 2: …",
    ),
    Animal(
        _ROOM,
        "a legend with a code twice",
        _legend("code,name\n1,bare\n1,forest\n"),
        "legend.csv, line 3: the code 1 stands twice",
    ),
    Animal(
        _ROOM,
        "a legend with negative codes",
        _legend("code,name\n-1,bare\n-2,forest\n"),
        "classes.tif: its values there are code 1, code 2, and no class stands for them; …",
    ),
    Animal(
        _ROOM,
        "a legend without names",
        _legend("code,name\n1,\n2,forest\n"),
        "legend.csv, line 2: a class needs a name without blanks around it, got ''",
    ),
    Animal(
        _ROOM,
        "a legend with colours that are none",
        _legend("code,name,color\n1,bare,reddish\n2,forest,#00ff00\n"),
        "legend.csv, line 2: class 'bare': colour 'reddish' is not of the form #rrggbb",
    ),
    Animal(
        _ROOM,
        "a legend with channels beyond 255",
        _legend("code,name,r,g,b\n1,bare,300,0,0\n2,forest,0,-9,0\n"),
        "legend.csv, line 2: …",
    ),
    Animal(
        _ROOM,
        "a legend of codes that are not in the raster",
        _legend("code,name\n7,bare\n8,forest\n"),
        "classes.tif: its values there are code 1, code 2, and no class stands for them; …",
    ),
    Animal(
        _ROOM,
        "a legend with names that break lines",
        _legend('code,name\n1,"ba\nre"\n2,forest\n'),
        "legend.csv, line 2: …",
    ),
    Animal(
        _ROOM,
        "a sample that is none",
        _words,
        "sample.gpkg: is no sample that geolabel area sample wrote (file is not a database); …",
    ),
    Animal(
        _ROOM,
        "a sample without its tables",
        _sample("DROP TABLE drawn"),
        "sample.gpkg: is no sample that geolabel area sample wrote (no such table: drawn); …",
    ),
    Animal(
        _ROOM,
        "a sample that nobody answered",
        _sample(answered=False),
        "sample.gpkg: of one stratum fewer than two points are answered, which tells nothing of its variance; …",
    ),
    Animal(
        _ROOM,
        "a sample with an answer that is no class",
        _sample("UPDATE sample SET reference = 'sea'"),
        "sample.gpkg: point 1 is answered 'sea', which is no class; there are bare, forest",
    ),
    Animal(
        _ROOM,
        "a sample with an answer that is a number",
        _sample("UPDATE sample SET reference = 7"),
        "sample.gpkg: point 1 is answered '7', which is no class; there are bare, forest",
    ),
    Animal(
        _ROOM,
        "a sample with a point twice",
        _sample("INSERT INTO sample VALUES (1, 'bare', 'sure')"),
        "sample.gpkg: point 1 stands in several rows of the layer; keep one of them",
    ),
    Animal(
        _ROOM,
        "a sample with a point of its own",
        _sample("INSERT INTO sample VALUES (3, 'bare', 'sure')"),
        "sample.gpkg: the layer has a row with the id 3, which was never drawn; delete the row",
    ),
    Animal(
        _ROOM,
        "a sample whose areas are words",
        _sample("UPDATE strata SET area_ha = 'much'"),
        "sample.gpkg: its tables strata and drawn were changed; take a copy of the sample as it was drawn",
    ),
    Animal(
        _ROOM,
        "a sample whose areas are negative",
        _sample("UPDATE strata SET area_ha = -1"),
        "sample.gpkg: its tables strata and drawn were changed; take a copy of the sample as it was drawn",
    ),
    Animal(
        _ROOM,
        "a sample whose strata are not there",
        _sample("UPDATE drawn SET stratum = 9"),
        "sample.gpkg: its tables strata and drawn were changed; take a copy of the sample as it was drawn",
    ),
)
