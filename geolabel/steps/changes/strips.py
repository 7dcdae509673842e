"""Rasters of one grid, read side by side in strips whose memory is bounded."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import raster, vector
from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.raster import RasterInfo

_PIXELS = 3_000_000
"""Of all images that are in memory together: some ten arrays of this many numbers stand beside them."""
_ROWS = 512
_ALONG, _SIDE = 5, 192
"""Windows along each axis of a sample, and their side, pixels, at the most."""


def rows_at_once(grid: Grid, images: int) -> int:
    """Rows of all images that are in memory together: a power of two, 16 at the least, 512 at the most."""
    rows = _ROWS
    while rows * grid.width * images > _PIXELS and rows > 16:  # noqa: PLR2004 - what GeoTIFF's blocks are multiples of
        rows //= 2
    return rows


def strips(grid: Grid, images: int) -> list[Window]:
    """Full-width windows from the top down."""
    rows = rows_at_once(grid, images)
    return [Window(0, top, grid.width, min(rows, grid.height - top)) for top in range(0, grid.height, rows)]


def read_together(
    infos: Sequence[RasterInfo], grid: Grid, windows: Sequence[Window]
) -> Iterator[tuple[Window, list[NDArray[np.generic]], NDArray[np.bool_]]]:
    """For each window: the pixels of each raster (bands, height, width), and what is valid (rasters, height, width).

    A raster that lies on another grid is read as it appears on this one, by the nearest pixel.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(raster.open_raster(info, grid)) for info in infos]
        for window in windows:
            both = [reader.read(window) for reader in readers]
            yield window, [pixels for pixels, _ in both], np.stack([valid for _, valid in both])


def sample_windows(grid: Grid, within: Window | None = None) -> list[Window]:
    """Windows spread over a grid or a part of it, 5 × 5 at the most, that do not overlap; a small one is covered."""
    area = within or Window(0, 0, grid.width, grid.height)
    (cols, width), (rows, height) = (_along(length) for length in (area.width, area.height))
    return [Window(area.col_off + col, area.row_off + row, width, height) for row in rows for col in cols]


def box_of(aoi: Path | None, grid: Grid) -> Window | None:
    """The pixels about an area of interest; None where there is none, or it lies elsewhere."""
    if aoi is None:
        return None
    area = vector.read_area(aoi, grid)
    if not len(area):
        return None
    west, south, east, north = shapely.total_bounds(area)
    cols, rows = grid.col_row(np.array([west, east]), np.array([south, north]))
    left, right = (int(edge) for edge in np.clip([np.floor(cols.min()), np.ceil(cols.max())], 0, grid.width))
    top, bottom = (int(edge) for edge in np.clip([np.floor(rows.min()), np.ceil(rows.max())], 0, grid.height))
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _along(length: int) -> tuple[list[int], int]:
    """Where windows begin along an axis, and their side."""
    count = min(_ALONG, -(-length // _SIDE))
    side = min(_SIDE, length // count)
    return [int(start) for start in np.linspace(0, length - side, count)], side


def sample_together(
    infos: Sequence[RasterInfo], grid: Grid, within: Window | None = None
) -> tuple[list[NDArray[np.generic]], NDArray[np.bool_]]:
    """The same sample of pixels of each raster: values (bands, n) each, and what is valid (rasters, n)."""
    found: list[list[NDArray[np.generic]]] = [[] for _ in infos]
    valid = []
    for _, pixels, seen in read_together(infos, grid, sample_windows(grid, within)):
        for parts, part in zip(found, pixels, strict=True):
            parts.append(part.reshape(len(part), -1))
        valid.append(seen.reshape(len(infos), -1))
    return [np.concatenate(parts, axis=1) for parts in found], np.concatenate(valid, axis=1)
