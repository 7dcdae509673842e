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
from geolabel.labels.runs import Runs, side_by_side, stacked_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.lattice import Lattice
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
    looked_at: list[Window] = field(default_factory=list)
    """The part of the raster that the windows lie on, as one rectangle: none, or one."""
    lock: Lock = field(default_factory=Lock)
    """GDAL's readers are not shared between threads."""

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Exact along each line, piece by piece where the raster's pixels are much smaller than the grid's."""
        found = self._pieces(window, lines_per_row)
        self.findings.add(touched=any(one.number.any() for one in found))
        return found

    def _pieces(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Halved, and halved again, until the part of the raster below a piece can be in memory."""
        way = lattice(self.grid, window, self.place)
        part = self._clipped(way)
        if part is None or part.width * part.height <= _MOST_PIXELS or max(window.width, window.height) == 1:
            self._look_at(way)
            corner, numbers = self._numbers(part)
            return [runs_of_raster(group, corner, way, window, lines_per_row) for group in numbers]
        across, down = window.width > window.height, window.width <= window.height
        half = max(window.width, window.height) // 2
        one = Window(window.col_off, window.row_off, half if across else window.width, half if down else window.height)
        other = Window(
            window.col_off + half * across,
            window.row_off + half * down,
            window.width - half * across,
            window.height - half * down,
        )
        pairs = zip(self._pieces(one, lines_per_row), self._pieces(other, lines_per_row), strict=True)
        if across:
            return [side_by_side(pair, (one.col_off, other.col_off)) for pair in pairs]
        return [stacked_runs(pair) for pair in pairs]

    def areas(self, window: Window) -> list[Areas]:
        """The raster's own pixels, outlined and moved onto the grid; strip by strip of the raster."""
        way = lattice(self.grid, window, self.place)
        self._look_at(way)
        part = self._clipped(way)
        strips: list[Window | None] = [None]
        if part:
            rows = max(1, _MOST_PIXELS // part.width)
            bottom = part.row_off + part.height
            strips = [
                Window(part.col_off, top, part.width, min(rows, bottom - top))
                for top in range(part.row_off, bottom, rows)
            ]
        right, below = window.col_off + window.width, window.row_off + window.height
        box = shapely.box(window.col_off, window.row_off, right, below)
        pieces = [self._outlined(strip, box) for strip in strips]
        found = [
            Areas(*(np.concatenate([getattr(one, name) for one in of_group]) for name in ("geometries", "number")))
            for of_group in zip(*pieces, strict=True)
        ]
        self.findings.add(touched=any(len(one.number) for one in found))
        return found

    def _outlined(self, strip: Window | None, box: shapely.Polygon) -> list[Areas]:
        """The areas of a part of the raster that meet a box of the grid."""
        corner, numbers = self._numbers(strip)
        part = self.place.part(Window(*corner, *numbers.shape[:0:-1]))
        step = _STEP * min(abs(part.transform.a), abs(part.transform.e))
        found = []
        for group in numbers:
            outlines, values = raster.polygonise(group.astype(np.int32), part)
            moved = geodesy.project_geometries(shapely.segmentize(outlines, step), part.crs, self.grid.crs)
            pixel = shapely.transform(moved, lambda xy: np.column_stack(self.grid.col_row(xy[:, 0], xy[:, 1])))
            shapes = np.asarray(pixel, dtype=object)
            near = shapely.intersects(shapely.box(*shapely.bounds(shapes).T), box)
            found.append(Areas(shapes[near], values.astype(np.uint8)[near]))
        return found

    def _clipped(self, way: Lattice, margin: int = 2) -> Window | None:
        """The part of the raster that a lattice lies on; None where it lies beside it."""
        left, top, right, bottom = way.bounds(margin) or (0, 0, 0, 0)
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self.place.width), min(bottom, self.place.height)
        return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None

    def _look_at(self, way: Lattice) -> None:
        part = self._clipped(way, margin=0)
        with self.lock:
            if part:
                self.looked_at[:] = [_around([*self.looked_at, part])]

    def _numbers(self, part: Window | None) -> tuple[tuple[int, int], NDArray[np.uint8]]:
        """Corner (col, row), and class numbers (groups, height, width) of a part of the raster."""
        if part is None:
            return (0, 0), np.zeros((len(self.codes.number), 1, 1), dtype=np.uint8)
        with self.lock:
            pixels, valid = self.reader.read(part)
        numbers, strange = self.codes.look_up(pixels[0], valid)
        with self.lock:
            self.strange.update(strange)
        return (part.col_off, part.row_off), numbers

    def count_strange(self, nodata: Iterable[int]) -> dict[int, int]:
        """Pixels below the windows by code that is none."""
        strange = sorted(self.strange - set(nodata))
        if not strange or not self.looked_at:
            return {}
        counts = raster.count_codes(self.reader, strange, self.looked_at[0])
        return {code: count for code, count in counts.items() if count}


def _around(windows: Sequence[Window]) -> Window:
    left, top = min(one.col_off for one in windows), min(one.row_off for one in windows)
    right = max(one.col_off + one.width for one in windows)
    bottom = max(one.row_off + one.height for one in windows)
    return Window(left, top, right - left, bottom - top)


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
    titles: Mapping[int, str] = field(default_factory=dict)
    """What a legend calls the codes."""

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
            counts = laid.count_strange(self.nodata)
            unknown = {f"{self.path.name} {self._called(code)}": count for code, count in counts.items()}
            self.findings.add(touched=False, unknown=unknown)

    def _called(self, code: int) -> str:
        return f"{self.titles[code]} (code {code})" if code in self.titles else f"code {code}"

    def describe(self, index_path: Path) -> dict[str, Any]:
        """As `about` says, under its name."""
        return {"name": self.name, **self.about(index_path)}


def check_codes(path: Path) -> raster.RasterInfo:
    """A raster that can hold class codes: one band of whole numbers. Raises InputError, CRSError."""
    info = raster.describe(path)
    if len(info.bands) != 1 or np.dtype(info.dtype).kind not in "iu" or info.dtype == "uint64":
        raise InputError(
            f"{path}: a class raster has one band of whole numbers, this has {len(info.bands)} of {info.dtype}"
        )
    _ = info.place  # raises CRSError where it has none
    return info
