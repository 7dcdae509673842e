"""The raster that haze is to be taken from, in strips with what lies around them, lane by lane where it is wide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.errors import BandError, InputError, listed
from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo, Reader

VISIBLE = ("red", "green", "blue")
_EXACT_BYTES = 2
"""Whole numbers of so many bytes are exact in single precision."""
STRIP_ROWS = 512
"""Rows of a strip: a multiple of the side of cells, and of what is written in one piece."""
_STRIP_BYTES = 48 << 20
"""Of a strip with what lies around it, as stored: a raster that is wider is gone through in lanes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A raster with its visible bands."""

    name: str
    """As the user gave it."""
    info: RasterInfo
    """With every band of the file."""
    visible: tuple[int, ...]
    """Where red, green and blue stand in it."""
    scale: NDArray[np.float64]
    """(3, 1, 1): physical value = stored value × scale + offset."""
    offset: NDArray[np.float64]

    @property
    def white(self) -> float | None:
        """Physical value of a picture's white; None where values are no picture's bytes."""
        return float((255 * self.scale + self.offset).mean()) if self.info.dtype == "uint8" else None

    def physical(self, pixels: NDArray[Any]) -> NDArray[np.floating]:
        """Physical values (3, h, w) of the visible bands of stored pixels (bands, h, w)."""
        kind = np.dtype(self.info.dtype)
        small = kind.itemsize <= _EXACT_BYTES or kind == np.float32
        shown: NDArray[np.floating] = pixels[list(self.visible)].astype(np.float32 if small else np.float64)
        shown *= self.scale.astype(shown.dtype)
        shown += self.offset.astype(shown.dtype)
        return shown

    @property
    def in_colour(self) -> Source:
        """The same with its visible bands alone: all that is needed to look at it."""
        bands = tuple(self.info.bands[at] for at in self.visible)
        return replace(self, info=replace(self.info, bands=bands), visible=tuple(range(len(bands))))

    def seen(self, pixels: NDArray[Any], values: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which pixels (h, w) show something in the visible bands, whatever others hold, and infinite in none.

        Others stay as they are. `pixels` (bands, h, w) are as stored, `values` (3, h, w) physical.
        """
        if self.info.mask == "nodata" and self.info.nodata is not None:
            valid = valid & (pixels[list(self.visible)] != self.info.nodata).any(axis=0)
        return valid if values.dtype.kind != "f" else valid & np.isfinite(values).all(axis=0)

    def stored(self, values: NDArray[np.floating]) -> NDArray[Any]:
        """Physical values (3, h, w) as they are stored, within the type's range and beside its nodata."""
        kind = np.dtype(self.info.dtype)
        exact = (values.astype(np.float64) - self.offset) / self.scale
        if kind.kind == "f":
            limits = np.finfo(kind)
            return np.asarray(np.clip(exact, limits.min, limits.max).astype(kind))
        ends = np.iinfo(kind)
        return np.asarray(np.clip(np.rint(exact), ends.min, ends.max).astype(kind))


def open_source(name: str, bands: Sequence[str], room: Path) -> Source:
    """Describe a raster; what is several files becomes one in the folder `room`.

    Raises InputError, CRSError, BandError (no red, green and blue), EmptyError (an empty folder).
    """
    info = raster.describe(raster.gather([name], room, bands=bands), bands)
    if info.palette:
        raise InputError(f"{name}: its values are numbers of a colour table; expand it: gdal_translate -expand rgb")
    missing = [band for band in VISIBLE if band not in info.band_names]
    if missing:
        raise BandError(
            f"{name}: haze is seen in the bands red, green and blue, and there is no {listed(missing)} among "
            f"{', '.join(info.band_names)}; name the file's bands in order with --bands"
        )
    _ = info.place
    seen = info.choose(VISIBLE).bands
    whole = raster.every_band(info)
    order = [band.index for band in whole.bands]
    scale, offset = (np.array([getattr(band, of) for band in seen])[:, None, None] for of in ("scale", "offset"))
    return Source(name, whole, tuple(order.index(band.index) for band in seen), scale, offset)


@dataclass(frozen=True, slots=True)
class Strip:
    """A part of a raster with what lies around it."""

    pixels: NDArray[Any]
    """(bands, rows, columns), as stored."""
    valid: NDArray[np.bool_]
    """(rows, columns)"""
    rows: slice
    """Of the raster, with what lies around."""
    cols: slice
    core: tuple[slice, slice]
    """Rows and columns that are asked for, within these."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that are asked for."""
        down, across = self.core
        return (
            slice(self.rows.start + down.start, self.rows.start + down.stop),
            slice(self.cols.start + across.start, self.cols.start + across.stop),
        )


def lane_cols(info: RasterInfo, rows: int, halo: int) -> int:
    """Columns of a lane: as many as memory allows, blocks of what is written each."""
    row_bytes = (rows + 2 * halo) * len(info.bands) * np.dtype(info.dtype).itemsize
    return raster.BLOCK_PX * max(1, _STRIP_BYTES // (row_bytes * raster.BLOCK_PX))


def lanes(info: RasterInfo, cols: int) -> list[slice]:
    """Columns of a raster, `cols` at a time."""
    return [slice(left, min(info.width, left + cols)) for left in range(0, info.width, cols)]


def strips(reader: Reader, rows: int, halo: int, lane: slice) -> Iterator[Strip]:
    """A lane of a raster from the top down, `rows` at a time, with up to `halo` px around; no row is read twice."""
    width, height = reader.info.width, reader.info.height
    west, east = max(0, lane.start - halo), min(width, lane.stop + halo)
    across = slice(lane.start - west, lane.stop - west)
    pixels = np.empty((len(reader.info.bands), 0, east - west), reader.info.dtype)
    valid = np.empty((0, east - west), dtype=bool)
    read = 0
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        start, end = max(0, top - halo), min(height, bottom + halo)
        kept = max(0, read - start)
        pixels, valid = pixels[:, pixels.shape[1] - kept :], valid[len(valid) - kept :]
        if end > read:
            more, seen = reader.read(Window(west, read, east - west, end - read))
            if kept:
                more, seen = np.concatenate([pixels, more], axis=1), np.concatenate([valid, seen])
            pixels, valid = more, seen
            read = end
        yield Strip(pixels, valid, slice(start, end), slice(west, east), (slice(top - start, bottom - start), across))
