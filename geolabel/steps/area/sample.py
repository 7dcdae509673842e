"""`geolabel area sample`: pixels of a class map, drawn at random within each class, for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, geodesy, vector
from geolabel.errors import EmptyError, OptionError, listed
from geolabel.scoring.sample_size import allocate, enough, expected_error
from geolabel.steps.area.file import LAYER, Sample, StratumRow, write_sample
from geolabel.steps.area.map import read_map
from geolabel.steps.area.strips import count, draw
from geolabel.steps.making import makes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.steps.area.map import ClassMap
    from geolabel.steps.area.strips import Drawn

ERROR = 0.02
_FEWEST = 2
"""Points without which a stratum has no variance."""
_UNKNOWN = 0.5
"""Of what the map leaves undecided nothing is expected: the largest variance."""


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """What was drawn from the pixels of one class."""

    name: str
    mapped_ha: float
    """Geodesic area."""
    share: float
    """Of the whole map, 0–1."""
    points: int


@dataclass(frozen=True, slots=True)
class SampleReport:
    """A sample that waits for answers."""

    output: Path
    map: Path
    points: int
    expected_standard_error: float
    """Of overall accuracy, if the map is as accurate as expected."""
    strata: tuple[DrawnRow, ...]


@makes("area sample", "path", "legend")
def sample_map(
    path: Path,
    *,
    output: Path,
    points: int | None = None,
    error: float | None = None,
    expect: Mapping[str, float] | float = 0.8,
    minimum: int = 50,
    legend: Path | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> SampleReport:
    """Draw a stratified random sample of a class map's pixels into a GeoPackage with a form.

    `points` in all, or as many as a standard `error` of overall accuracy needs where user's accuracies are as one
    would `expect` them (one for all classes, or by name). Raises OptionError, InputError, OutputError, EmptyError.
    """
    if points is not None and error is not None:
        raise OptionError("--points and --error each say how many points; give one of them")
    if error is not None and not 0 < error < 1:
        raise OptionError(f"--error is a standard error between 0 and 1, got {error:g}; .02, say")
    if minimum < _FEWEST:
        raise OptionError(f"--minimum must be 2 or more, got {minimum}: one point has no variance")
    if output.suffix.lower() != ".gpkg":
        raise OptionError(f"{output}: a sample is a GeoPackage; give -o a name that ends in .gpkg")
    found = read_map(path, legend)
    files.check_new(output, overwrite=overwrite, inputs=(path, found.info.path, legend))
    accuracies = _accuracies(found, expect)
    counted = count(found)
    pixels, there = counted.pixels.sum(axis=0), counted.area_ha > 0
    if not there.any():
        raise EmptyError(f"{found.info.path}: holds nodata only; nothing can be drawn")
    shares = counted.area_ha[there] / counted.area_ha.sum()
    allocated = np.zeros(len(pixels), dtype=np.int64)
    if points is None:
        allocated[there] = enough(error or ERROR, shares, accuracies[there], minimum, pixels[there])
    else:
        _check_points(points, minimum, pixels[there])
        allocated[there] = allocate(points, shares, minimum, pixels[there])
    rng = np.random.default_rng(seed)
    drawn = draw(found, counted, allocated, rng)
    strata = tuple(
        StratumRow(one.name, one.title, one.color, one.decided, *numbers)
        for one, *numbers in zip(
            found.classes, counted.area_ha.tolist(), pixels.tolist(), allocated.tolist(), strict=True
        )
    )
    order = rng.permutation(len(drawn.row))  # classes do not come in blocks
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(1, len(order) + 1)
    unanswered = ("",) * len(number)
    sample = Sample(strata, number, drawn.stratum, drawn.area_ha, unanswered, np.ones(len(number), dtype=bool))
    with files.new_file(output, overwrite=overwrite) as draft:
        write_sample(draft, sample, _layer(found.info.place, drawn, number, f"{found.info.path.name}, seed {seed}"))
    return SampleReport(
        output,
        found.info.path,
        len(number),
        expected_error(shares, accuracies[there], allocated[there], pixels[there]),
        tuple(
            DrawnRow(one.name, one.area_ha, one.area_ha / float(counted.area_ha.sum()), one.points)
            for one in strata
            if one.pixels
        ),
    )


def _check_points(points: int, minimum: int, pixels: NDArray[np.int64]) -> None:
    """Raise OptionError where strata of so many pixels (strata,) cannot have the points, or their minimum."""
    least = int(np.minimum(minimum, pixels).sum())
    if not least <= points <= pixels.sum():
        raise OptionError(
            f"--points {points}: {len(pixels)} strata with at least {minimum} points each, or all their pixels, "
            f"need {least} to {pixels.sum()}; give so many, or another --minimum"
        )


def _accuracies(found: ClassMap, expect: Mapping[str, float] | float) -> NDArray[np.float64]:
    """User's accuracy that is expected of each stratum: (strata,)."""
    by_name = {} if isinstance(expect, float | int) else expect
    names = [one.name for one in found.classes if one.decided]
    unknown = [name for name in by_name if name not in names]
    if unknown:
        raise OptionError(f"--expect: no class {listed(unknown)}; there are {listed(names)}")
    rest = expect if isinstance(expect, float | int) else 0.8
    values = [by_name.get(one.name, rest) if one.decided else _UNKNOWN for one in found.classes]
    wrong = [value for value in values if not 0 < value < 1]
    if wrong:
        raise OptionError(f"--expect: an accuracy lies between 0 and 1, got {wrong[0]:g}; .8, say")
    return np.array(values, dtype=np.float64)


def _layer(grid: Grid, drawn: Drawn, number: NDArray[np.int64], about: str) -> vector.Layer:
    """The pixels with what the person fills in, by number."""
    order = np.argsort(number)
    row, col = drawn.row[order], drawn.col[order]
    one = np.ones_like(row)
    easting, northing = grid.xy(col.astype(float) + 0.5, row.astype(float) + 0.5)
    lon, lat = geodesy.reproject(easting, northing, grid.crs, "EPSG:4326").T
    empty = np.full(len(row), None, dtype=object)
    columns = {"id": number[order], "reference": empty, "confidence": empty, "note": empty}
    places = {"lon": lon.round(7), "lat": lat.round(7), "easting": easting, "northing": northing}
    return vector.Layer(LAYER, grid.boxes(col, row, one, one), columns | places, grid.crs, "Polygon", about)
