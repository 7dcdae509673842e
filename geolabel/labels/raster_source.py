"""Class rasters as a label source, in any CRS: nearest, so that codes are never blended."""

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
from geolabel.labels.runs import Runs, runs_of_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import Findings

_SMALL = 1 << 16
"""Codes below are looked up in a table."""
_STEP = 4.0
"""Vertices of a pixel's edge that is moved into another CRS: one every so many pixels."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Class number in each group by the code of a pixel."""

    code: NDArray[np.int64]
    """(m,), sorted."""
    number: NDArray[np.uint8]
    """(groups, m)."""

    @classmethod
    def of(cls, numbers: Mapping[int, tuple[int, ...]], groups: int) -> Codes:
        """From class numbers by code."""
        codes = sorted(numbers)
        table = np.array([numbers[code] for code in codes], dtype=np.uint8).reshape(-1, groups)
        return cls(np.array(codes, dtype=np.int64), np.ascontiguousarray(table.T))

    def look_up(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], dict[int, int]]:
        """Class numbers (groups, height, width) and how many valid pixels have which code that is none."""
        info = np.iinfo(pixels.dtype)
        if info.max < _SMALL:
            table = np.zeros((len(self.number), int(info.max) - int(info.min) + 1), dtype=np.uint8)
            inside = (self.code >= info.min) & (self.code <= info.max)
            table[:, self.code[inside] - int(info.min)] = self.number[:, inside]
            numbers = table[:, pixels.astype(np.int64) - int(info.min)] if info.min else table[:, pixels]
        else:
            place = np.searchsorted(self.code, pixels).clip(max=max(len(self.code) - 1, 0))
            numbers = np.where(self.code[place] == pixels, self.number[:, place], 0).astype(np.uint8)
        numbers[:, ~valid] = 0
        strange = valid & (numbers == 0).all(axis=0)
        if not strange.any():
            return numbers, {}
        codes, counts = np.unique(pixels[strange], return_counts=True)
        return numbers, dict(zip(codes.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class LaidRaster:
    """A class raster seen through a view on another grid."""

    path: Path
    grid: Grid
    info: raster.RasterInfo
    view: raster.Reader
    """Warped onto the grid."""
    plain: raster.Reader
    """As it is stored."""
    codes: Codes
    nodata: tuple[int, ...]
    findings: Findings
    lock: Lock = field(default_factory=Lock)
    """GDAL's readers are not shared between threads."""

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Pixel by pixel of the grid."""
        with self.lock:
            pixels, valid = self.view.read(window)
        numbers = self._numbers(pixels[0], valid)
        return [runs_of_pixels(group, window.col_off, lines_per_row) for group in numbers]

    def areas(self, window: Window) -> list[Areas]:
        """The raster's own pixels, outlined and moved onto the grid."""
        place = self.grid.part(window)
        box = geodesy.project_bounds(place.bounds, self.grid.crs, self.info.place.crs)
        inside = _window_of(self.info.place, box) if box else Window(0, 0, self.info.width, self.info.height)
        if inside is None:
            nothing = Areas(np.empty(0, dtype=object), np.zeros(0, np.uint8))
            return [nothing for _ in self.codes.number]
        with self.lock:
            pixels, valid = self.plain.read(inside)
        part = self.info.place.part(inside)
        found = []
        for numbers in self._numbers(pixels[0], valid):
            outlines, values = raster.polygonise(numbers.astype(np.int32), part)
            step = _STEP * min(abs(part.transform.a), abs(part.transform.e))
            moved = geodesy.project_geometries(shapely.segmentize(outlines, step), part.crs, self.grid.crs)
            pixel = shapely.transform(moved, lambda xy: np.column_stack(self.grid.col_row(xy[:, 0], xy[:, 1])))
            found.append(Areas(np.asarray(pixel, dtype=object), values.astype(np.uint8)))
        return found

    def _numbers(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
        numbers, unknown = self.codes.look_up(pixels, valid)
        self.findings.add(
            touched=bool(numbers.any()),
            unknown={
                f"{self.path.name} code {code}": count for code, count in unknown.items() if code not in self.nodata
            },
        )
        return numbers


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
    fine: bool = field(default=False, init=False)

    def scheme(self) -> Scheme:
        """As `own_scheme` says."""
        return self.own_scheme()

    def names(self, scheme: Scheme) -> NDArray[np.bool_]:
        """Classes that a code stands for: (classes,)."""
        named = {number for numbers in self.numbers(scheme).values() for number in numbers}
        return np.array([at + 1 in named for at in range(len(scheme.classes))])

    @contextmanager
    def lay(self, grid: Grid, scheme: Scheme, top: int) -> Iterator[LaidRaster]:  # noqa: ARG002 - vectors need it
        """A view warped onto the grid."""
        info = raster.describe(self.path)
        codes = Codes.of(self.numbers(scheme), len(scheme.groups()))
        with raster.open_raster(info, grid, "nearest") as view, raster.open_raster(info) as plain:
            yield LaidRaster(self.path, grid, info, view, plain, codes, self.nodata, self.findings)

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


def _window_of(grid: Grid, box: tuple[float, float, float, float]) -> Window | None:
    """The pixels that a box (west, south, east, north) touches, and one more around; None where it touches none."""
    col, row = grid.col_row(np.array([box[0], box[2]]), np.array([box[1], box[3]]))
    low = np.floor([col.min(), row.min()]).astype(int) - 1
    high = np.ceil([col.max(), row.max()]).astype(int) + 1
    col_off, row_off = (int(at) for at in np.clip(low, 0, None))
    width, height = min(int(high[0]), grid.width) - col_off, min(int(high[1]), grid.height) - row_off
    return Window(col_off, row_off, width, height) if width > 0 and height > 0 else None
