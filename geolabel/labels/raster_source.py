"""Class rasters as a label source, in any CRS: seen pixel by pixel, so that codes are never blended."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy, raster
from geolabel.errors import InputError
from geolabel.grid import Grid, Window
from geolabel.labels.areas import Areas
from geolabel.labels.lattice import lattice, runs_of_raster
from geolabel.labels.runs import Runs, stacked_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import Findings

_TABLE_BITS = 16
"""Codes that span no more are looked up in a table."""
_MOST_PIXELS = 16_000_000
"""Of a raster, in memory together."""
_STEP = 4.0
"""Vertices of a pixel's edge that is moved into another CRS: one every so many pixels."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Class number in each group by the code of a pixel."""

    code: NDArray[np.int64]
    """(m,), sorted."""
    number: NDArray[np.uint8]
    """(groups, m)."""
    silent: tuple[int, ...]
    """Codes that a scheme leaves out on purpose."""

    @classmethod
    def of(cls, numbers: Mapping[int, tuple[int, ...]], groups: int) -> Codes:
        """From class numbers by code."""
        codes = sorted(numbers)
        silent = tuple(code for code in codes if not any(numbers[code]))
        table = np.array([numbers[code] for code in codes], dtype=np.uint8).reshape(-1, groups)
        return cls(np.array(codes, dtype=np.int64), np.ascontiguousarray(table.T), silent)

    def look_up(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], set[int]]:
        """Class numbers (groups, height, width), and codes of valid pixels that are none."""
        info = np.iinfo(pixels.dtype)
        low, high = (
            (int(info.min), int(info.max)) if info.bits <= _TABLE_BITS else (int(pixels.min()), int(pixels.max()))
        )
        if high - low >= 1 << _TABLE_BITS:  # codes far apart: few of them, so search
            place = np.searchsorted(self.code, pixels).clip(max=max(len(self.code) - 1, 0))
            numbers = np.where(self.code[place] == pixels, self.number[:, place], 0).astype(np.uint8)
        else:
            table = np.zeros((len(self.number), high - low + 1), dtype=np.uint8)
            inside = (self.code >= low) & (self.code <= high)
            table[:, self.code[inside] - low] = self.number[:, inside]
            numbers = table[:, pixels if low == 0 else pixels.astype(np.int64) - low]
        if not valid.all():
            numbers[:, ~valid] = 0
        nothing = valid & ~numbers.any(axis=0)
        strange = set(np.unique(pixels[nothing]).tolist()) - set(self.silent) if nothing.any() else set()
        return numbers, strange


@dataclass(frozen=True, slots=True)
class LaidRaster:
    """A class raster looked at from another grid."""

    grid: Grid
    place: Grid
    """The raster's own grid."""
    reader: raster.Reader
    codes: Codes
    findings: Findings
    strange: set[int] = field(default_factory=set)
    """Codes that are none."""
    lock: Lock = field(default_factory=Lock)
    """GDAL's readers are not shared between threads."""

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Exact along each line, piece by piece where the raster's pixels are much smaller than the grid's."""
        ratio = max(1.0, float(np.prod(np.divide(self.grid.gsd_m, self.place.gsd_m))))
        rows = max(1, int(_MOST_PIXELS / (ratio * window.width)))
        pieces = [
            self._piece(
                Window(window.col_off, top, window.width, min(rows, window.row_off + window.height - top)),
                lines_per_row,
            )
            for top in range(window.row_off, window.row_off + window.height, rows)
        ]
        found = [stacked_runs(of_group) for of_group in zip(*pieces, strict=True)]
        self.findings.add(touched=any(one.number.any() for one in found))
        return found

    def _piece(self, window: Window, lines_per_row: int) -> list[Runs]:
        way = lattice(self.grid, window, self.place)
        corner, numbers = self._numbers(way.bounds())
        return [runs_of_raster(group, corner, way, window, lines_per_row) for group in numbers]

    def areas(self, window: Window) -> list[Areas]:
        """The raster's own pixels, outlined and moved onto the grid."""
        corner, numbers = self._numbers(lattice(self.grid, window, self.place).bounds())
        part = self.place.part(Window(*corner, *numbers.shape[:0:-1]))
        step = _STEP * min(abs(part.transform.a), abs(part.transform.e))
        found = []
        for group in numbers:
            outlines, values = raster.polygonise(group.astype(np.int32), part)
            moved = geodesy.project_geometries(shapely.segmentize(outlines, step), part.crs, self.grid.crs)
            pixel = shapely.transform(moved, lambda xy: np.column_stack(self.grid.col_row(xy[:, 0], xy[:, 1])))
            found.append(Areas(np.asarray(pixel, dtype=object), values.astype(np.uint8)))
        self.findings.add(touched=any(len(one.number) for one in found))
        return found

    def _numbers(self, bounds: tuple[int, int, int, int] | None) -> tuple[tuple[int, int], NDArray[np.uint8]]:
        """Corner (col, row), and class numbers (groups, height, width) of a part of the raster."""
        left, top, right, bottom = bounds or (0, 0, 0, 0)
        left, top, right, bottom = (
            max(left, 0),
            max(top, 0),
            min(right, self.place.width),
            min(bottom, self.place.height),
        )
        if right <= left or bottom <= top:
            return (0, 0), np.zeros((len(self.codes.number), 1, 1), dtype=np.uint8)
        with self.lock:
            pixels, valid = self.reader.read(Window(left, top, right - left, bottom - top))
        numbers, strange = self.codes.look_up(pixels[0], valid)
        with self.lock:
            self.strange.update(strange)
        return (left, top), numbers


@dataclass(frozen=True, slots=True)
class RasterSource:
    """A class raster whose codes somebody explains."""

    name: str
    path: Path
    own_scheme: Callable[[], Scheme]
    """The classes it stands for where nobody names a scheme."""
    numbers: Callable[[Scheme], Mapping[int, tuple[int, ...]]]
    """Class number in each group of a scheme, by code."""
    about: Callable[[Path], dict[str, Any]]
    """Kind, path, date, attribution, as seen from an index."""
    findings: Findings
    nodata: tuple[int, ...] = ()
    """Values that are known to be no data beside the file's own."""

    def scheme(self) -> Scheme:
        """As `own_scheme` says."""
        return self.own_scheme()

    def names(self, scheme: Scheme) -> NDArray[np.bool_]:
        """Classes that a code stands for: (classes,)."""
        named = {number for numbers in self.numbers(scheme).values() for number in numbers}
        return np.array([at + 1 in named for at in range(len(scheme.classes))])

    @contextmanager
    def lay(self, grid: Grid, scheme: Scheme, top: int) -> Iterator[LaidRaster]:  # noqa: ARG002 - vectors need it
        """The raster, and the way to it."""
        info = raster.describe(self.path)
        codes = Codes.of(self.numbers(scheme), len(scheme.groups()))
        with raster.open_raster(info) as reader:
            laid = LaidRaster(grid, info.place, reader, codes, self.findings)
            yield laid
            strange = laid.strange - set(self.nodata)
            if strange:
                counts = raster.count_codes(reader, sorted(strange))
                unknown = {f"{self.path.name} code {code}": count for code, count in counts.items()}
                self.findings.add(touched=False, unknown=unknown)

    def describe(self, index_path: Path) -> dict[str, Any]:
        """As `about` says, under its name."""
        return {"name": self.name, **self.about(index_path)}


def check_codes(path: Path) -> raster.RasterInfo:
    """A raster that can hold class codes: one band of whole numbers. Raises InputError, CRSError."""
    info = raster.describe(path)
    if len(info.bands) != 1 or np.dtype(info.dtype).kind not in "iu":
        raise InputError(
            f"{path}: a class raster has one band of whole numbers, this has {len(info.bands)} of {info.dtype}"
        )
    _ = info.place  # raises CRSError where it has none
    return info
