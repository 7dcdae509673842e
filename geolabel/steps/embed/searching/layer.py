"""What was found, as a layer that opens styled, or as a table where tiles have no place."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import maps, vector
from geolabel.errors import OptionError
from geolabel.tiling.index import shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

LAYER, RANK = "similar", "rank"
_COLOURS = ("#bd0026", "#f03b20", "#fd8d3c", "#fecc5c", "#ffffb2")
"""From the best to the last. Source: ColorBrewer's YlOrRd, five classes."""


def check_place(target: Path, *, has_place: bool) -> None:
    """Refuse what cannot be written. Raises OptionError."""
    if target.suffix.lower() not in (".gpkg", ".csv"):
        raise OptionError(f"{target}: answers are a layer or a table; write them to a .gpkg or a .csv")
    if target.suffix.lower() == ".gpkg" and not has_place:
        raise OptionError(f"{target}: the tiles have no place, so there is no layer; write a table: -o similar.csv")


def columns_of(index: TileIndex, scores: NDArray[np.float32], name: str) -> dict[str, NDArray[Any]]:
    """Columns of the answers, best first: rank from 1, the score under `name`, tile and source."""
    return {
        RANK: np.arange(1, len(index) + 1),
        name: np.round(scores.astype(np.float64), 4),
        "tile": index.column("tile").astype(np.int64),
        "source": index.column("source").astype(object),
    }


def write_answers(path: Path, index: TileIndex, columns: dict[str, NDArray[Any]], about: str) -> None:
    """Write a GeoPackage, or a CSV where `path` says so. Raises OutputError."""
    if path.suffix.lower() == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(columns)
            rows.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
        return
    assert index.crs
    shapes = shapes_of(index.column("geometry"))
    points = bool(len(shapes)) and bool((shapely.get_type_id(shapes) == 0).all())
    layer = vector.Layer(LAYER, shapes, columns, index.crs, "Point" if points else "Polygon", about)
    vector.write_layer(path, layer, "GPKG")
    maps.write_layer_style(path, LAYER, "geom", maps.graduated_qml(_steps(len(index)), RANK, points=points))


def _steps(count: int) -> list[maps.Step]:
    """Fifths of the ranks, the first the strongest."""
    edges = np.unique(np.linspace(0, max(count, 1), len(_COLOURS) + 1).round().astype(int)).tolist()
    return [
        maps.Step(lower + 0.5, upper + 0.5, f"{lower + 1} – {upper}" if upper > lower + 1 else f"{upper}", color)
        for lower, upper, color in zip(edges[:-1], edges[1:], _COLOURS, strict=False)
    ]
