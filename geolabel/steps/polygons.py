"""`geolabel polygons`: a class raster, or a prediction, to polygons with areas, and a table of these."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import files
from geolabel.errors import OptionError
from geolabel.steps.formats import ENDINGS, Format, check_ending, write_as
from geolabel.steps.making import makes
from geolabel.steps.polygon_layers import Outlining, polygon_layer
from geolabel.steps.polygon_sources import ClassRaster, Prediction, open_classes, open_prediction
from geolabel.steps.prediction import class_styles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme
    from geolabel.vector import Layer


@dataclass(frozen=True, slots=True)
class ClassArea:
    """A class, at one date where there are several."""

    name: str
    date: str
    """Empty where the raster says none."""
    polygons: int
    area_ha: float
    pixels: int
    """Of the class, in these polygons."""


@dataclass(frozen=True, slots=True)
class PolygonsReport:
    """What was outlined."""

    output: Path
    summary: Path
    """The table below, as CSV."""
    polygons: int
    vertices: int
    classes: tuple[ClassArea, ...]


@makes("polygons", "source", "legend")
def polygons(
    source: Path,
    *,
    legend: Path | None = None,
    classes: Sequence[str] = (),
    bands: Sequence[str] = (),
    threshold: float | None = None,
    grow: float | None = None,
    outlining: Outlining | None = None,
    to: Format = "gpkg",
    output: Path | None = None,
    overwrite: bool = False,
) -> PolygonsReport:
    """Outline the classes of a class raster or of a prediction folder, strip by strip.

    Areas are those of the pixels outlined, with the holes that are filled: simplifying and smoothing change outlines,
    not the figures beside them. With several dates, each has its polygons. Raises OptionError, InputError, BandError,
    CRSError, TableError, SchemeError, OutputError.
    """
    _check(source, legend, bands, threshold, grow, to)
    target = output or Path(f"{source.resolve().stem}-polygons{ENDINGS[to]}")
    check_ending(target, to)
    summary = target.with_name(f"{target.stem}-summary.csv")
    inputs = (source / files.RECORD if source.is_dir() else source, legend)
    for path in (target, summary):
        files.check_new(path, overwrite=overwrite, inputs=inputs)
    if source.is_dir():
        opened: ClassRaster | Prediction = open_prediction(source, classes, threshold, grow)
    else:
        opened = open_classes(source, bands, legend, classes)
    layer = polygon_layer(opened, outlining or Outlining())
    rows = _rows(layer, opened.scheme, opened.dates or ("",))
    with files.new_file(target, overwrite=overwrite) as draft, files.new_file(summary, overwrite=overwrite) as table:
        write_as(draft, layer, class_styles(opened.scheme.classes), to)
        _write_summary(table, rows)
    vertices = int(shapely.get_num_coordinates(layer.geometries).sum())
    return PolygonsReport(target, summary, len(layer.geometries), vertices, rows)


def _check(
    source: Path, legend: Path | None, bands: Sequence[str], threshold: float | None, grow: float | None, to: Format
) -> None:
    if to not in ENDINGS:
        raise OptionError(f"--to {to}: choose {', '.join(ENDINGS)}")
    for option, value in (("--threshold", threshold), ("--grow", grow)):
        if value is not None and not source.is_dir():
            raise OptionError(f"{source}: is no prediction folder, which {option} is about")
        if value is not None and not 0 < value < 1:
            raise OptionError(f"{option} must lie between 0 and 1, got {value:g}")
    if threshold is not None and grow is not None and grow > threshold:
        raise OptionError(f"--grow {grow:g} must not be above --threshold {threshold:g}: patches grow to what is less")
    if source.is_dir() and (legend or bands):
        raise OptionError(f"{source}: is a prediction folder, whose classes have names; leave --legend and --bands out")


def _rows(layer: Layer, scheme: Scheme, dates: Sequence[str]) -> tuple[ClassArea, ...]:
    """Polygons, hectares and pixels of each class, date by date; of classes that are nowhere, too."""
    columns, keys = layer.columns, [(name, date) for date in dates for name in scheme.names]
    told = columns.get("date", columns.get("year", np.full(len(layer.geometries), "")))
    at = _places(told, dates) * len(scheme.names) + _places(columns["class"], scheme.names)
    polygons = np.bincount(at, minlength=len(keys)).tolist()
    area_ha = np.bincount(at, weights=columns["area_ha"], minlength=len(keys)).round(2).tolist()
    pixels = np.bincount(at, weights=columns["pixels"], minlength=len(keys)).astype(np.int64).tolist()
    return tuple(ClassArea(*key, *row) for key, *row in zip(keys, polygons, area_ha, pixels, strict=True))


def _places(values: NDArray[Any], among: Sequence[str]) -> NDArray[np.int64]:
    """Where each value (n,) stands in a list."""
    different, inverse = np.unique(values.astype(str), return_inverse=True)
    return np.array([list(among).index(value) for value in different.tolist()], dtype=np.int64)[inverse]


def _write_summary(path: Path, rows: Sequence[ClassArea]) -> None:
    """A table as CSV; the column of dates is called year where they are no more than that."""
    dated = any(row.date for row in rows)
    when = "date" if any(len(row.date) > len("2020") for row in rows) else "year"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["class", *([when] if dated else []), "polygons", "area_ha", "pixels"])
        for row in rows:
            writer.writerow([row.name, *([row.date] if dated else []), row.polygons, row.area_ha, row.pixels])
