"""Twice through a class raster, strip by strip: how large each stratum is, then which of its pixels were drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import geodesy, raster
from geolabel.errors import InputError, listed
from geolabel.grid import Window
from geolabel.progress import track
from geolabel.steps.area.map import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.steps.area.map import ClassMap

_MOST_PIXELS = 1 << 22
"""In memory together."""
_MOST_ROWS = 512
_NODES = (257, 65)
"""Rows and columns at which the area of a pixel is measured; it is linear between them."""


@dataclass(frozen=True, slots=True)
class PixelAreas:
    """Geodesic area of the pixels of a grid: in degrees rows differ, in UTM columns, a little."""

    row: NDArray[np.float64]
    """(r,) rows at which it was measured."""
    col: NDArray[np.float64]
    """(c,) columns."""
    area_ha: NDArray[np.float64]
    """(r, c) hectares."""

    @classmethod
    def of(cls, grid: Grid) -> PixelAreas:
        """Measured where pixels are few; else at nodes over the grid."""
        row, col = (
            np.unique(np.linspace(0, side - 1, min(side, nodes)).round().astype(np.int64))
            for side, nodes in zip((grid.height, grid.width), _NODES, strict=True)
        )
        rows, cols = (axis.ravel() for axis in np.meshgrid(row, col, indexing="ij"))
        ones = np.ones_like(rows)
        area = geodesy.area_ha(grid.boxes(cols, rows, ones, ones), grid.crs)
        return cls(row.astype(float), col.astype(float), area.reshape(len(row), len(col)))

    def at(self, row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Area of the pixels of m rows at the measured columns: (m, c)."""
        columns = [np.interp(row, self.row, self.area_ha[:, number]) for number in range(len(self.col))]
        return np.stack(columns, axis=1)

    def of_rows(self, row: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """Area of all pixels of m rows: (m, width)."""
        if len(self.col) == 1:
            return np.repeat(self.at(row), width, axis=1)
        col = np.arange(width)
        left = np.searchsorted(self.col, col, side="right").clip(1, len(self.col) - 1) - 1
        share = (col - self.col[left]) / (self.col[left + 1] - self.col[left])
        measured = self.at(row)
        return np.asarray(measured[:, left] * (1 - share) + measured[:, left + 1] * share, dtype=np.float64)

    def of_pixels(self, row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.float64]:
        """Area of n pixels: (n,)."""
        measured = self.at(row)
        return np.array([np.interp(at, self.col, areas) for at, areas in zip(col.tolist(), measured, strict=True)])


@dataclass(frozen=True, slots=True)
class Counted:
    """How large the strata of a map are."""

    pixels: NDArray[np.int64]
    """(strips, strata)."""
    area_ha: NDArray[np.float64]
    """(strata,) geodesic."""
    pixel_areas: PixelAreas


@dataclass(frozen=True, slots=True)
class Drawn:
    """n pixels of a map, each of the strata's drawn uniformly, by stratum, then in reading order."""

    stratum: NDArray[np.int64]
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    area_ha: NDArray[np.float64]
    """(n,) of the pixel."""


def count(found: ClassMap) -> Counted:
    """The first pass. Raises InputError (a code of no class, a truncated file)."""
    areas = PixelAreas.of(found.info.place)
    strata = len(found.classes)
    pixels, area = [], np.zeros(strata)
    unnamed: set[int] = set()
    for window, numbers, strange in _strips(found, what="count"):
        unnamed |= strange
        rows = window.row_off + np.arange(window.height)
        inside = numbers != OUTSIDE
        stratum = numbers[inside]
        pixels.append(np.bincount(stratum, minlength=strata))
        area += np.bincount(stratum, areas.of_rows(rows, window.width)[inside], minlength=strata)
    if unnamed:
        raise InputError(
            f"{found.info.path}: nobody says what the codes {listed(sorted(unnamed))} mean; "
            "name all in a legend: --legend CSV (columns code, name)"
        )
    return Counted(np.array(pixels, dtype=np.int64), area, areas)


def draw(found: ClassMap, counted: Counted, points: NDArray[np.int64], rng: np.random.Generator) -> Drawn:
    """The second pass: so many pixels (strata,) of each stratum, no one twice; reads only strips that hold some."""
    totals = counted.pixels.sum(axis=0)
    ranks = [
        np.sort(rng.choice(total, size=wanted, replace=False))
        for total, wanted in zip(totals.tolist(), points.tolist(), strict=True)
    ]
    ends = np.cumsum(counted.pixels, axis=0)
    starts = ends - counted.pixels
    holding = {strip for one, rank in enumerate(ranks) for strip in np.searchsorted(ends[:, one], rank, side="right")}
    parts: list[NDArray[np.int64]] = []
    strips = sorted(int(strip) for strip in holding)
    for strip, (window, numbers, _) in zip(strips, _strips(found, what="draw", only=strips), strict=True):
        for stratum, rank in enumerate(ranks):
            first, last = np.searchsorted(rank, [starts[strip, stratum], ends[strip, stratum]])
            if first == last:
                continue
            place = np.flatnonzero(numbers == stratum)[rank[first:last] - starts[strip, stratum]]
            row, col = np.divmod(place, window.width)
            parts.append(np.stack([np.full_like(row, stratum), row + window.row_off, col]))
    stratum, row, col = np.concatenate(parts, axis=1)
    order = np.lexsort([col, row, stratum])
    row, col = row[order], col[order]
    return Drawn(stratum[order], row, col, counted.pixel_areas.of_pixels(row, col))


def _strips(
    found: ClassMap, *, what: str, only: Iterable[int] | None = None
) -> Iterator[tuple[Window, NDArray[np.int16], set[int]]]:
    """Windows of full width from the top down, all or `only` some by number; strata of pixels, and unnamed codes."""
    info = found.info
    rows = max(1, min(_MOST_ROWS, _MOST_PIXELS // info.width))
    numbers = range(-(-info.height // rows)) if only is None else list(only)
    with raster.open_raster(info) as reader:
        for strip in track(numbers, total=len(numbers), what=what, unit="strip"):
            window = Window(0, strip * rows, info.width, min(rows, info.height - strip * rows))
            pixels, valid = reader.read(window)
            yield window, *found.strata(pixels[0], valid)
