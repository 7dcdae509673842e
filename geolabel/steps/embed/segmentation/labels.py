"""Labels of pixels: a class raster in any CRS, or polygons, as numbers on another raster's grid."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.errors import OptionError, SchemeError
from geolabel.labels.clc import clc_source
from geolabel.labels.given import raster_source, vector_source
from geolabel.labels.scheme import complete
from geolabel.labels.scheme_file import find_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window
    from geolabel.labels.runs import Runs
    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import LabelSource, LaidSource


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What the command names."""

    path: Path
    legend: Path | None
    field: str | None
    layer: str | None
    scheme: str | None

    def inputs(self) -> tuple[Path, ...]:
        """Files that are read."""
        own = Path(self.scheme) if self.scheme and Path(self.scheme).suffix == ".toml" else None
        return tuple(path for path in (self.path, self.legend, own) if path is not None)


@dataclass(frozen=True, slots=True)
class PixelLabels:
    """A label source with its classes, which exclude each other."""

    source: LabelSource
    scheme: Scheme

    @contextmanager
    def lay(self, grid: Grid) -> Iterator[LaidLabels]:
        """Over a grid. Raises EmptyError, on leaving, where nothing of it lies there."""
        with self.source.lay(grid, self.scheme, 0) as laid:
            yield LaidLabels(laid)
        self.source.findings.close()


@dataclass(frozen=True, slots=True)
class LaidLabels:
    """Labels over a grid."""

    laid: LaidSource

    def numbers(self, window: Window) -> NDArray[np.uint8]:
        """What lies at the pixels' centres (height, width): classes from 1 on, after them none of them; 0 unknown."""
        (runs,) = self.laid.runs(window, 1)
        return at_centres(runs, window)


def at_centres(runs: Runs, window: Window) -> NDArray[np.uint8]:
    """Class numbers (height, width) of runs along the middles of a window's rows."""
    count = runs.end - runs.begin
    line = np.repeat(np.arange(window.height), count)
    order = np.repeat(runs.begin - np.cumsum(count) + count, count) + np.arange(len(line))
    # the first pixel whose centre the run covers; a line begins unknown
    first = np.ceil(runs.x[order] - 0.5 - window.col_off).astype(np.int64).clip(0, window.width)
    inside = first < window.width
    edges = np.concatenate([np.arange(window.height), line[inside]]) * window.width
    edges[window.height :] += first[inside]
    number = np.concatenate([np.zeros(window.height, np.uint8), runs.number[order][inside]])
    along = np.argsort(edges, kind="stable")  # of runs that begin within one pixel, the last counts
    length = np.diff(edges[along], append=window.height * window.width)
    return np.repeat(number[along], length).reshape(window.height, window.width)


def open_labels(told: LabelFile) -> PixelLabels:
    """Look at the file. Raises OptionError, InputError, CRSError, EmptyError, TableError, SchemeError."""
    wanted = find_scheme(told.scheme) if told.scheme else None
    source = _source(told, wanted)
    scheme = complete(wanted or source.scheme())
    if len(scheme.groups()) > 1:
        raise SchemeError(
            f"scheme {scheme.name!r}: a pixel has one class, and these are of {len(scheme.groups())} groups; give a "
            "scheme whose classes exclude each other (--scheme)"
        )
    return PixelLabels(source, scheme)


def _source(told: LabelFile, wanted: Scheme | None) -> LabelSource:
    if not raster.is_raster(told.path):
        if told.legend:
            raise OptionError(f"--legend {told.legend}: explains the codes of a class raster; {told.path} is none")
        return vector_source(told.path, told.field, told.layer, wanted)
    if told.field or told.layer:
        raise OptionError(f"--field and --layer are about polygons; {told.path} is a raster")
    rules: list[Any] = [found.rules for found in wanted.classes] if wanted and not told.legend else []
    if any(found.clc for found in rules) and not any(found.raster for found in rules):
        return clc_source(told.path, is_raster=True)
    return raster_source(told.path, told.legend, wanted)
