"""The GeoPackage of a sample: what the person fills in, and, in tables apart, what the map says there.

The layer `sample` does not hold the class that the map shows: who knows it, agrees with it too often. It stands in the
table `drawn`, which is no layer, and QGIS opens with the layer neither this nor the table `strata`.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, maps, vector
from geolabel.errors import InputError, OutputError, listed
from geolabel.maps.form import Field, form_qml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LAYER = "sample"
SURE, UNSURE = "sure", "unsure"
_TABLES = {
    "strata": "number INTEGER PRIMARY KEY NOT NULL, class TEXT NOT NULL, title TEXT NOT NULL, color TEXT NOT NULL, "
    "decided INTEGER NOT NULL, area_ha REAL NOT NULL, pixels INTEGER NOT NULL, points INTEGER NOT NULL",
    "drawn": "id INTEGER PRIMARY KEY NOT NULL, stratum INTEGER NOT NULL, pixel_ha REAL NOT NULL",
}
_REGISTER = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)
VALUES (?, 'attributes', ?, '', ?, 0)
"""


@dataclass(frozen=True, slots=True)
class StratumRow:
    """A stratum: the pixels of a class."""

    name: str
    title: str
    color: str
    """#rrggbb."""
    decided: bool
    """False where the map decides for no class."""
    area_ha: float
    """Geodesic; 0, with no pixels, of a class that the map nowhere shows."""
    pixels: int
    points: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as it was drawn, n points, with the answers there are."""

    strata: tuple[StratumRow, ...]
    id: NDArray[np.int64]
    """(n,) from 1, in an order that says nothing of the class."""
    stratum: NDArray[np.int64]
    """(n,)"""
    pixel_ha: NDArray[np.float64]
    """(n,) area of the pixel."""
    reference: tuple[str, ...]
    """n names of classes; empty where nobody has answered."""
    sure: NDArray[np.bool_]
    """(n,) False where the person said so."""
    lost: tuple[int, ...] = ()
    """Points whose row is no longer in the layer."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What an answer may be."""
        return tuple(one.name for one in self.strata if one.decided)


def write_sample(path: Path, sample: Sample, layer: vector.Layer) -> None:
    """Write a sample that nobody has answered yet; `layer` holds its pixels. Raises OutputError."""
    vector.write_layer(path, layer, "GPKG")
    maps.write_layer_style(path, layer.name, "geom", _style(sample.strata))
    strata: list[tuple[Any, ...]] = [
        (at, one.name, one.title, one.color, int(one.decided), one.area_ha, one.pixels, one.points)
        for at, one in enumerate(sample.strata)
    ]
    drawn: list[tuple[Any, ...]] = sorted(
        zip(sample.id.tolist(), sample.stratum.tolist(), sample.pixel_ha.tolist(), strict=True)
    )
    try:
        with closing(sqlite3.connect(path)) as database, database:
            for (name, columns), rows in zip(_TABLES.items(), (strata, drawn), strict=True):
                database.execute(f"CREATE TABLE {name} ({columns})")
                database.execute(_REGISTER, (name, name, vector.NO_TIME))
                marks = ", ".join("?" * (columns.count(",") + 1))
                database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - names of our own
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error


def _style(strata: Sequence[StratumRow]) -> str:
    answers = [one for one in strata if one.decided]
    styles = [maps.ClassStyle(at, one.name, one.title, one.color) for at, one in enumerate(answers)]
    fields = [
        Field("id", "Point", "fixed"),
        Field("reference", "What is here?", "choice", {one.title: one.name for one in answers}),
        Field("confidence", "How sure?", "choice", {"sure": SURE, "unsure": UNSURE}),
        Field("note", "Note", "note"),
        *(Field(name, name.capitalize(), "fixed") for name in ("lon", "lat", "easting", "northing")),
    ]
    return form_qml(fields, styles, "reference")


def read_sample(path: Path) -> Sample:
    """Read a sample with its answers. Raises InputError: no such file, no sample, or one that was changed by hand."""
    files.check_readable(path, "a sample that geolabel area sample wrote")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            strata = database.execute(
                "SELECT class, title, color, decided, area_ha, pixels, points FROM strata ORDER BY number"
            ).fetchall()
            drawn = database.execute("SELECT id, stratum, pixel_ha FROM drawn ORDER BY id").fetchall()
            answers = database.execute(f"SELECT id, reference, confidence FROM {LAYER}").fetchall()  # noqa: S608
    except sqlite3.DatabaseError as error:
        raise InputError(
            f"{path}: is no sample that geolabel area sample wrote ({error}); give that file, not a copy in another "
            "format or of the layer alone"
        ) from error
    rows = tuple(
        StratumRow(name, title, color, bool(decided), area_ha, pixels, points)
        for name, title, color, decided, area_ha, pixels, points in strata
    )
    return _checked(path, rows, drawn, answers)


def _checked(
    path: Path, strata: tuple[StratumRow, ...], drawn: list[tuple[Any, ...]], answers: list[tuple[Any, ...]]
) -> Sample:
    if not drawn:
        raise InputError(f"{path}: is no sample that geolabel area sample wrote (it says of no point what was drawn)")
    _check_tables(path, strata, drawn)
    number, stratum, pixel_ha = (np.array(column) for column in zip(*drawn, strict=True))
    known = set(number.tolist())
    given = [row[0] for row in answers]
    strange = [one for one in given if one not in known]
    if strange:
        what = "without an id" if strange[0] is None else f"with the id {strange[0]}"
        raise InputError(f"{path}: the layer has a row {what}, which was never drawn; delete the row")
    twice = sorted({one for one in given if given.count(one) > 1}) if len(set(given)) < len(given) else []
    if twice:
        raise InputError(f"{path}: point {twice[0]} stands in several rows of the layer; keep one of them")
    by_id = {row[0]: (str(row[1] or "").strip(), str(row[2] or "").strip()) for row in answers}
    names = {one.name for one in strata if one.decided}
    for one, (reference, confidence) in by_id.items():
        if reference and reference not in names:
            raise InputError(
                f"{path}: point {one} is answered {reference!r}, which is no class; there are {listed(sorted(names))}"
            )
        if confidence not in ("", SURE, UNSURE):
            raise InputError(f"{path}: point {one}: confidence is {SURE} or {UNSURE}, not {confidence!r}")
    found = [by_id.get(one, ("", "")) for one in number.tolist()]
    return Sample(
        strata,
        number.astype(np.int64),
        stratum.astype(np.int64),
        pixel_ha.astype(np.float64),
        tuple(reference for reference, _ in found),
        np.array([confidence != UNSURE for _, confidence in found]),
        tuple(sorted(known - set(given))),
    )


def _check_tables(path: Path, strata: tuple[StratumRow, ...], drawn: list[tuple[Any, ...]]) -> None:
    """Refuse tables that are not as they were written: SQLite takes any value in any column."""

    def count(value: Any) -> bool:
        return isinstance(value, int) and value >= 0

    def hectares(value: Any) -> bool:
        return isinstance(value, int | float) and 0 <= value < math.inf

    good = all(
        isinstance(one.name, str)
        and isinstance(one.title, str)
        and hectares(one.area_ha)
        and count(one.pixels)
        and count(one.points)
        for one in strata
    ) and all(count(stratum) and stratum < len(strata) and hectares(pixel_ha) for _, stratum, pixel_ha in drawn)
    if not good:
        raise InputError(f"{path}: its tables strata and drawn were changed; take a copy of the sample as it was drawn")
