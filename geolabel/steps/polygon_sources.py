"""What polygons are made of: a class raster of one or several dates, or the probabilities of a prediction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster
from geolabel.errors import BandError, InputError, ModelError, OptionError, SchemeError, listed
from geolabel.grid import Window
from geolabel.inference import LEVELS, NONE, UNDECIDED, Decision, rows_at_once
from geolabel.labels.raster_source import Codes
from geolabel.labels.scheme import LabelClass, Scheme, complete, legend_scheme
from geolabel.labels.table import read_legend
from geolabel.maps import ClassStrip, Strip
from geolabel.model import Head, exclusive
from geolabel.progress import log, track
from geolabel.raster.categories import categories
from geolabel.steps.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from geolabel.grid import Grid

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_.]?(0[1-9]|1[0-2])(?:[-_.]?(0[1-9]|[12]\d|3[01]))?)?(?!\d)")
"""A year, or a year and a month, or a day, as names of bands have it."""
_BLOCK_ROWS = 512
_WITHOUT = {NONE: "none", UNDECIDED: "undecided"}
"""Values of geolabel's own class rasters that are no classes."""


@dataclass(frozen=True, slots=True)
class ClassRaster:
    """A raster of class codes; each band is a map."""

    info: raster.RasterInfo
    scheme: Scheme
    """The classes that are wanted, with their codes as `raster` rules."""
    known: tuple[int, ...]
    """Codes that have a name, wanted or not."""
    dates: tuple[str, ...]
    """Of each band; () where they have none."""

    @property
    def grid(self) -> Grid:
        """Where its pixels lie."""
        return self.info.place

    def strips(self) -> Iterator[ClassStrip]:
        """Class numbers, from the top down. Warns of codes without a name at the end."""
        numbers = dict.fromkeys(self.known, (0,))
        numbers |= {code: (at,) for at, one in enumerate(self.scheme.classes, start=1) for code in one.rules.raster}
        codes, strange = Codes.of(numbers, 1), set[int]()
        with raster.open_raster(self.info) as reader:
            for window in _windows(self.info):
                pixels, valid = reader.read(window)
                number = np.empty(pixels.shape, np.uint8)
                for at, band in enumerate(pixels):  # nodata where this date has none
                    seen = valid & (band != self.info.nodata) if self.info.mask == "nodata" else valid
                    (number[at],), unknown = codes.look_up(band, seen)
                    strange |= unknown
                yield ClassStrip(window.row_off, number)
        if strange:
            log.warning("%s: left out are codes without a name: %s", self.info.path, listed(sorted(strange)))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The probabilities that `geolabel predict` wrote."""

    info: raster.RasterInfo
    scheme: Scheme
    """The classes that are wanted."""
    columns: tuple[int, ...]
    """Bands of these."""
    decision: Decision
    """How far patches grow."""
    floor: int
    """Level that exclusive classes need, too, where they grow."""
    seeds: tuple[float, ...]
    """Level that a patch has to reach somewhere, of each class that is wanted."""
    attribution: tuple[str, ...]
    dates: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """Where its pixels lie."""
        return self.info.place

    def strips(self) -> Iterator[Strip]:
        """Presence and levels, from the top down."""
        with raster.open_raster(self.info) as reader:
            for window in _windows(self.info):
                levels, valid = reader.read(window)
                found = self.decision.detected(levels) & valid
                for columns in self.decision.exclusive:
                    found[columns] &= levels[columns] >= self.floor
                chosen = list(self.columns)
                yield Strip(window.row_off, found[chosen], levels[chosen])


def open_classes(path: Path, bands: Sequence[str], legend: Path | None, wanted: Sequence[str]) -> ClassRaster:
    """Look at a class raster. Raises InputError, BandError, CRSError, TableError, SchemeError, OptionError."""
    info = raster.describe(path, bands)
    if np.dtype(info.dtype).kind not in "iu" or info.dtype == "uint64":
        raise InputError(
            f"{path}: a class raster holds whole numbers of up to 63 bits, this holds {info.dtype}; "
            "gdal_translate -ot UInt16"
        )
    _ = info.place  # raises CRSError where it has none
    dates = tuple(_date(name) for name in info.band_names)
    if len(dates) > 1 and not all(dates):
        raise BandError(
            f"{path}: has {len(dates)} bands that do not say their years: {listed(info.band_names)}; choose one with "
            "--bands, or name them all with it (2019,2020)"
        )
    if all(dates) and len(set(dates)) < len(dates):
        raise BandError(f"{path}: two bands are of the same date: {', '.join(dates)}; choose among them with --bands")
    named = read_legend(legend) if legend else _own_legend(path)
    if not named:
        raise OptionError(f"{path}: does not name its classes; say what the codes mean: --legend CSV (code, name)")
    scheme = _chosen(legend_scheme(path.stem, named), wanted, legend or path)
    return ClassRaster(info, scheme, tuple(named), dates if all(dates) else ())


def open_prediction(folder: Path, wanted: Sequence[str], threshold: float | None, grow: float | None) -> Prediction:
    """Look at the folder of a prediction. Raises InputError, OptionError, SchemeError."""
    record = read_manifest(folder)
    if record.get("command") == "change":
        raise InputError(f"{folder}: holds alerts, which are polygons (geolabel export); or give its loss.tif")
    path = folder / "probabilities.tif"
    info = raster.describe(path)
    try:
        if record["command"] != "predict":
            raise InputError(f"{folder}: is of geolabel {record['command']}; polygons are made of geolabel predict's")
        names = [str(name) for name in record["counts"]["detections"]]
        decision = _decision(record.get("decision"), names, threshold, grow)
        attribution = tuple(str(words) for words in record.get("attribution", ()))
    except (AttributeError, KeyError, TypeError, ValueError, ModelError) as error:
        raise InputError(f"{folder / files.RECORD}: is damaged ({error}); predict again") from error
    if decision is None:
        raise OptionError(
            f"{folder}: does not say from which probabilities its classes are detected, for an older geolabel made it; "
            "give --threshold, or predict again"
        )
    if len(names) != len(info.bands):
        raise InputError(f"{folder}: {len(names)} classes, but {path.name} has {len(info.bands)} bands; predict again")
    shown = categories(folder / "classes.tif")
    entries = []
    for value, name in enumerate(names, start=1):
        title, color = (shown[value].name, shown[value].color) if value in shown else ("", "")
        entries.append(LabelClass(name, title, color))
    scheme = _chosen(complete(Scheme(folder.stem, tuple(entries))), wanted, folder)
    columns = tuple(names.index(name) for name in scheme.names)
    growing, seeds = decision
    floor = 0 if grow is None else _level(grow)
    return Prediction(info, scheme, columns, growing, floor, tuple(seeds[at] for at in columns), attribution)


def _decision(
    told: Any, names: Sequence[str], threshold: float | None, grow: float | None
) -> tuple[Decision, list[float]] | None:
    """How far patches grow, and the level that they have to reach, class by class; None where nothing says so."""
    if told is None and threshold is None:
        return None
    heads = [Head(one["name"], one["kind"], tuple(one["classes"])) for one in told["heads"]] if told else []
    groups = exclusive(heads)
    own = [_level(threshold if threshold is not None else float(told["thresholds"][name])) for name in names]
    bands: tuple[tuple[int, int], ...] = ()
    if told and threshold is None and grow is None and told["abstain"]:
        between = (told["abstain"].get(name, (0.0, 0.0)) for name in names)
        bands = tuple((round(low * LEVELS), round(high * LEVELS)) for low, high in between)
    seeds: list[float] = list(own)
    for columns in groups if threshold is None else ():
        seeds[columns] = [0.0] * (columns.stop - columns.start)  # the likeliest counts, however likely
    least = own if grow is None else [min(_level(grow), one) for one in own]
    return Decision(tuple(least), groups, bands), seeds


def _level(probability: float) -> int:
    return min(max(round(probability * LEVELS), 1), LEVELS - 1)


def _windows(info: raster.RasterInfo) -> Iterable[Window]:
    """Whole rows, few enough for the memory, but of whole blocks where that is possible."""
    rows = max(rows_at_once(info.width * len(info.bands)), min(info.block[1], _BLOCK_ROWS))
    tops = range(0, info.height, rows)
    windows = (Window(0, top, info.width, min(rows, info.height - top)) for top in tops)
    return track(windows, total=len(tops), what="outlining", unit="strips")


def _date(name: str) -> str:
    """The last date that the name of a band has: 2020, 2020-07 or 2020-07-31; empty where it has none."""
    found = _DATE.findall(name)
    return "-".join(part for part in found[-1] if part) if found else ""


def _own_legend(path: Path) -> dict[int, LabelClass]:
    """What the raster itself calls its codes."""
    named = categories(path).items()
    return {value: LabelClass(one.name, "", one.color) for value, one in named if _WITHOUT.get(value) != one.name}


def _chosen(scheme: Scheme, wanted: Sequence[str], where: Path) -> Scheme:
    """The classes of a scheme that are wanted, all where none is named."""
    if not wanted:
        return scheme
    by_name = {one.name.casefold(): one for one in scheme.classes}
    missing = [name for name in wanted if name.casefold() not in by_name]
    if missing:
        raise SchemeError(f"{where}: has no class {listed(missing)}; choose with --class among {listed(scheme.names)}")
    names = dict.fromkeys(name.casefold() for name in wanted)
    return Scheme(scheme.name, tuple(by_name[name] for name in names), scheme.version)
