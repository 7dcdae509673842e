"""Dates of one place as they are compared: on the grid of the first, in its units, bands by name."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geolabel import geodesy, raster
from geolabel.errors import BandError, ContractError, EmptyError, InputError, listed
from geolabel.grid import Grid, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.changes.shift import Shift
    from geolabel.raster import RasterInfo, Reader

_MOST_COARSER = 2.05
"""Ratio of pixel sizes up to which dates can be compared; a little more than two for CRSs that stretch."""


@dataclass(frozen=True, slots=True)
class View:
    """One date, seen on the common grid."""

    info: RasterInfo
    """The raster with the common bands, in the first date's order."""
    grid: Grid
    """Where the common grid's pixels lie in this raster's own picture: moved, where that lies askew."""
    unit: float
    """Physical value of one unit of what is read: the first date's."""
    mask: RasterInfo | None
    """Nonzero where the user says that nothing is to be seen."""

    @property
    def untouched(self) -> bool:
        """Whether what is read is what the file holds."""
        plain = all((band.scale, band.offset) == (self.unit, 0.0) for band in self.info.bands)
        return plain and self.grid == self.info.grid and self.mask is None

    def moved(self, shift: Shift) -> View:
        """The same date, read where its picture really lies."""
        transform = self.grid.transform @ Affine.translation(shift.col_px, shift.row_px)
        return replace(self, grid=replace(self.grid, transform=transform))

    def choose(self, names: Sequence[str]) -> View:
        """The same date with only these bands."""
        return replace(self, info=self.info.choose(names))

    @contextmanager
    def open(self) -> Iterator[DateReader]:
        """Open it for reading."""
        with raster.open_raster(self.info, self.grid, "bilinear") as reader:
            if self.mask is None:
                yield DateReader(self, reader, None)
                return
            with raster.open_raster(self.mask, self.grid) as hidden:
                yield DateReader(self, reader, hidden)


@dataclass(frozen=True, slots=True)
class DateReader:
    """A date that is open."""

    view: View
    _reader: Reader
    _hidden: Reader | None

    def stored(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels (bands, height, width) in the stored type and units, and what was seen (height, width)."""
        pixels, valid = self._reader.read(window)
        if self._hidden is not None:
            mask, said = self._hidden.read(window)
            valid = valid & ~((mask[0] != 0) & said)
        return pixels, valid

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The same in the common unit, as float32."""
        pixels, valid = self.stored(window)
        return self.in_common_unit(pixels), valid

    def in_common_unit(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Stored pixels (bands, …) in the first date's unit."""
        bands, each = self.view.info.bands, (len(pixels), *[1] * (pixels.ndim - 1))
        gain = np.array([band.scale / self.view.unit for band in bands], dtype=np.float32).reshape(each)
        offset = np.array([band.offset / self.view.unit for band in bands], dtype=np.float32).reshape(each)
        return pixels.astype(np.float32) * gain + offset


def common_views(rasters: Sequence[RasterInfo], masks: Sequence[Path | None]) -> tuple[View, ...]:
    """Each date on the first one's grid, with the bands that all of them have.

    Raises BandError (no bands in common, class codes), CRSError (no place), ContractError (pixels more than twice as
    large), InputError (no overlap), EmptyError (no dates).
    """
    if not rasters:
        raise EmptyError("change: no rasters were given; it compares two dates or more")
    first = rasters[0]
    for info in rasters:
        if info.palette:
            raise BandError(
                f"{info.path}: holds class codes (a colour table), no brightness; give the images themselves"
            )
    names = [name for name in first.band_names if all(name in info.band_names for info in rasters)]
    for info in rasters[1:]:
        _check_beside(first, info)
    if not names:
        other = next((each for each in rasters if not set(each.band_names) & set(first.band_names)), rasters[-1])
        raise BandError(
            f"{other.path}: shares no band with {first.path}: {listed(other.band_names)} against "
            f"{listed(first.band_names)}. Name them with --bands"
        )
    unit = first.bands[0].scale
    hidden = [None if path is None else raster.describe(path) for path in masks]
    return tuple(
        View(info.choose(names), first.place, unit, mask)
        for info, mask in zip(rasters, hidden or [None] * len(rasters), strict=True)
    )


def _check_beside(first: RasterInfo, other: RasterInfo) -> None:
    """Refuse a date that cannot be laid over the first."""
    overlap(first.place, other)
    ratios = [one / two for one, two in zip(first.place.gsd_m, other.place.gsd_m, strict=True)]
    if max(*ratios, *(1 / ratio for ratio in ratios)) > _MOST_COARSER:
        raise ContractError(
            f"{other.path}: pixels of {other.place.gsd_m[0]:.3g} m beside {first.place.gsd_m[0]:.3g} m in "
            f"{first.path}: dates may differ by a factor of two; resample one: gdalwarp -tr … -r average"
        )


def overlap(grid: Grid, info: RasterInfo) -> Window:
    """The part of a grid that a raster's extent covers. Raises InputError where it covers none."""
    bounds = geodesy.project_bounds(info.place.bounds, info.place.crs, grid.crs)
    if bounds is not None:
        cols, rows = grid.col_row(np.array(bounds[::2]), np.array(bounds[1::2]))
        left, right = np.clip(np.rint(np.sort(cols)), 0, grid.width).astype(int).tolist()
        top, bottom = np.clip(np.rint(np.sort(rows)), 0, grid.height).astype(int).tolist()
        if right > left and bottom > top:
            return Window(left, top, right - left, bottom - top)
    raise InputError(
        f"{info.path}: does not overlap the first date; give rasters of one place (gdalinfo shows where each lies)"
    )
