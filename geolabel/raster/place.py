"""Where a raster lies: its grid, where that is one on Earth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geolabel import geodesy
from geolabel.errors import CRSError
from geolabel.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

_POLE, _ROUND = 90.0, 360.0
"""Degrees."""
_LEAST_GSD_M = 1e-4
"""A tenth of a millimetre: smaller pixels are of a transform that is wrong, or of another unit."""


def grid_of(path: Path | str, dataset: Any) -> Grid | None:
    """The grid of an open raster; None for a picture without a place. `path` is what errors call it.

    Raises CRSError for one that is rotated, local, made up, or not on Earth.
    """
    if dataset.crs is None:
        if dataset.gcps[0] or dataset.rpcs is not None:
            raise CRSError(
                f"{path}: has control points or polynomials (RPC) in place of a transform; "
                "lay it out on the ground first: gdalwarp in.tif straight.tif"
            )
        return None
    if not dataset.crs.is_projected and not dataset.crs.is_geographic:
        raise CRSError(
            f"{path}: a local coordinate system has no place on Earth; assign one: gdal_edit.py -a_srs EPSG:…"
        )
    try:
        grid = Grid(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
        _check_degrees(grid)
        _check_gsd(grid)
    except CRSError as error:
        raise CRSError(f"{path}: {error}") from error
    return grid


def _check_degrees(grid: Grid) -> None:
    """None in degrees is larger than the Earth; half a pixel beyond the poles is usual, for they are its centres."""
    if not geodesy.is_geographic(grid.crs):
        return
    west, south, east, north = grid.bounds
    wide, high = abs(grid.transform.a), abs(grid.transform.e)
    if max(north, -south) > _POLE + high or east - west > _ROUND + wide:
        raise CRSError(
            f"reaches over {_span(west, east)}° of longitude and {_span(south, north)}° of latitude, which is more "
            "than the Earth has; mend its transform (gdal_edit.py -a_ullr …) or its CRS (-a_srs EPSG:…)"
        )


def _span(low: float, high: float) -> str:
    return f"{low:.6g} to {high:.6g}"


def _check_gsd(grid: Grid) -> None:
    across, down = grid.gsd_m
    if not (math.isfinite(across) and math.isfinite(down) and min(across, down) >= _LEAST_GSD_M):
        raise CRSError(
            f"its pixels measure {across:.3g} × {down:.3g} m; mend its transform (gdal_edit.py -a_ullr …) "
            "or its CRS (-a_srs EPSG:…)"
        )
