"""Little class maps, and answers to a sample of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from geolabel.grid import Grid
from geolabel.raster import BandStyle, write_cog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TITLES = {0: "none", 1: "Forest & <wood>", 2: 'Mine "pit"', 254: "undecided"}
PALETTE = {0: (240, 240, 240), 1: (27, 120, 55), 2: (242, 140, 30), 254: (158, 158, 158)}
UTM = Grid("EPSG:32721", Affine(10, 0, 500_000, 0, -10, 9_000_000), 120, 100)


def chequered(seed: int = 0, height: int = 100, width: int = 120) -> np.ndarray:
    """Codes (height, width): most are forest, some mine, none and undecided; the lowest rows are nodata."""
    rng = np.random.default_rng(seed)
    codes = rng.choice([0, 1, 2, 254], size=(height, width), p=[0.2, 0.6, 0.15, 0.05]).astype(np.uint8)
    codes[-10:] = 255
    return codes


def write_map(path: Path, codes: np.ndarray, grid: Grid = UTM, titles: dict[int, str] = TITLES) -> Path:
    """As predict writes it."""
    palette = {value: PALETTE[value] for value in titles}
    style = BandStyle(("class",), nodata=255, palette=palette, categories=titles, overviews="mode")
    with write_cog(path, grid, style) as writer:
        writer.write(0, codes[None])
    return path


def answer(path: Path, say: Callable[[int, str], tuple[str | None, str | None]]) -> None:
    """Fill in a sample: `say` gives reference and confidence of a point by its id and the class of the map."""
    with closing(sqlite3.connect(path)) as database, database:
        # the triggers of a GeoPackage's spatial index call these on any change of a row
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        rows = database.execute("SELECT id, class FROM drawn JOIN strata ON number = stratum").fetchall()
        for number, name in rows:
            reference, confidence = say(number, name)
            change = "UPDATE sample SET reference = ?, confidence = ? WHERE id = ?"
            database.execute(change, (reference, confidence, number))


def change(path: Path, sql: str) -> None:
    """Do something to a sample that should not be done."""
    with closing(sqlite3.connect(path)) as database, database:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        database.execute(sql)
