"""An area of interest: a vector file, or a rectangle in longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import OptionError
from geolabel.vector.read import read_features

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid

_WIDER = (-10.0, -10.0, 10.0, 10.0)
"""Degrees to the west, south, east and north."""
_PIECES = 64
"""Of a rectangle's sides: straight lines on the globe are none in most projections."""


def rectangle(area: Path) -> tuple[float, float, float, float] | None:
    """West, south, east and north, degrees, where an area of interest is written so instead of naming a file.

    Raises OptionError for numbers that are no rectangle.
    """
    parts = str(area).split(",")
    try:
        west, south, east, north = map(float, parts)
    except ValueError:
        return None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):  # noqa: PLR2004 - degrees; NaN is none of them
        raise OptionError(
            f"--aoi {area}: is no rectangle of longitudes and latitudes; write west,south,east,north in degrees"
        )
    return west, south, east, north


def read_area(path: Path, grid: Grid) -> NDArray[Any]:
    """Polygons of an area of interest, in the grid's CRS: those that touch the grid, (0,) where none does.

    A file, or a rectangle in longitude and latitude, as `rectangle` reads it.
    """
    import shapely

    told = rectangle(path)
    if told is None:
        shapes = read_features(path, grid.crs, within=grid.bounds).geometries
    else:
        # what reaches far beyond the grid is cut: the other side of the Earth has no place in most CRSs
        near = geodesy.project_bounds(grid.bounds, grid.crs, "EPSG:4326")
        outline = np.array([shapely.box(*told)])
        if near:
            outline = shapely.intersection(outline, shapely.box(*np.add(near, _WIDER)))
        west, south, east, north = shapely.total_bounds(outline)
        outline = shapely.segmentize(outline[~shapely.is_empty(outline)], max(east - west, north - south) / _PIECES)
        shapes = geodesy.project_geometries(outline, "EPSG:4326", grid.crs)
    touching = shapes[shapely.intersects(shapes, shapely.box(*grid.bounds))]
    return np.asarray(touching, dtype=object)
