"""Where something lies on Earth: its CRS by name, its extent in degrees, its area."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from geolabel import geodesy
from geolabel.errors import CRSError

if TYPE_CHECKING:
    from geolabel.grid import Grid

Degrees = tuple[float, float, float, float]
_TITLE = re.compile(r'\s*(?:\w+\[|\{.*?"name": )"([^"]+)"')
"""The name at the beginning of WKT or PROJJSON."""
_PIECES = 64
"""Of each side: straight lines of one CRS are none on the globe."""
_DIGITS = 5
"""Of degrees: about a metre."""


def crs_name(crs: str | None) -> str:
    """Name and authority code of a CRS; what it says itself where it is none that PROJ knows; empty for none."""
    if not crs:
        return ""
    title = _TITLE.match(crs)
    try:
        code = geodesy.name(crs)
    except Exception:  # noqa: BLE001 - pyproj's own error, which only geodesy may import
        code = " ".join(crs.split())[:60]
    return f"{title[1]} ({code})" if title and title[1] != code else code


def degrees(bounds: Degrees | None, crs: str | None) -> Degrees | None:
    """A box (west, south, east, north) of a CRS in longitude and latitude; None where it has no place there."""
    if bounds is None or not crs:
        return None
    try:
        found = geodesy.project_bounds(bounds, crs, "EPSG:4326")
    except Exception:  # noqa: BLE001 - a CRS that PROJ does not know
        return None
    if found is None:
        return None
    west, south, east, north = (round(edge, _DIGITS) for edge in found)
    return west, south, east, north


def area_km2(grid: Grid) -> float | None:
    """Geodesic area that a raster covers; None where it cannot be measured on one plane (the whole globe, say)."""
    import numpy as np
    import shapely

    west, south, east, north = grid.bounds
    side = max(east - west, north - south) / _PIECES
    box = shapely.segmentize(np.array([shapely.box(west, south, east, north)]), side)
    try:
        return float(geodesy.area_ha(box, grid.crs)[0]) / 100
    except CRSError:
        return None
