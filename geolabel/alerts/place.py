"""Where alerts lie, across any meridian: their centres, one equal-area plane for all, the boxes around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy

if TYPE_CHECKING:
    from numpy.typing import NDArray

WGS84 = "EPSG:4326"
HA_DECIMALS = 4
"""Hectares are kept to a square metre."""
_M2_PER_HA = 10_000.0
_MARGIN = 0.01
"""Around a box, degrees: a straight side of a CRS is none in degrees."""


def centres(geometries: NDArray[Any], crs: str) -> NDArray[np.float64]:
    """Longitude and latitude (n, 2) of each geometry's centre of area.

    Measured in degrees between the vertices' own longitudes and latitudes, so that it hardly depends on `crs`.
    """
    if len(geometries) == 0:
        return np.zeros((0, 2))
    found = shapely.get_coordinates(shapely.centroid(_in_degrees(geometries, crs)))
    found[:, 0] = (found[:, 0] + 180) % 360 - 180
    return found


def _in_degrees(geometries: NDArray[Any], crs: str) -> NDArray[Any]:
    """Geometries in degrees; one across the antimeridian goes on beyond 180."""
    xy, owner = shapely.get_coordinates(geometries, return_index=True)
    lon_lat = geodesy.reproject(xy[:, 0], xy[:, 1], crs, WGS84)
    first = np.searchsorted(owner, np.arange(len(geometries)))
    lon_lat[:, 0] -= 360 * np.round((lon_lat[:, 0] - lon_lat[first, 0][owner]) / 360)
    return np.asarray(shapely.set_coordinates(geometries.copy(), lon_lat), dtype=object)


def plane(geometries: NDArray[Any], crs: str) -> str:
    """An equal-area plane (CRS, metres) around all geometries, also where they lie across the antimeridian."""
    if len(geometries) == 0:
        return geodesy.equal_area_crs(0, 0)
    lon, lat = np.radians(centres(geometries, crs)).T
    x, y, z = (float(np.mean(axis)) for axis in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
    return geodesy.equal_area_crs(float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y)))))


def hectares(geometries: NDArray[Any], crs: str, plane: str) -> NDArray[np.float64]:
    """Ellipsoidal area (n,) on an equal-area plane, to a square metre."""
    on_plane = geodesy.project_geometries(geometries, crs, plane)
    return np.asarray(shapely.area(on_plane) / _M2_PER_HA, dtype=np.float64).round(HA_DECIMALS)


def boxes(geometries: NDArray[Any], crs: str) -> tuple[tuple[float, float, float, float], ...]:
    """The boxes (west, south, east, north; degrees) in which all geometries lie: none without any, two across 180°."""
    if len(geometries) == 0:
        return ()
    xy = shapely.get_coordinates(geometries)
    lon, lat = geodesy.reproject(xy[:, 0], xy[:, 1], crs, WGS84).T
    west, east = _narrowest(lon)
    west, east = west - _MARGIN, east + _MARGIN
    south, north = max(float(lat.min()) - _MARGIN, -90.0), min(float(lat.max()) + _MARGIN, 90.0)
    if east - west >= 360:  # noqa: PLR2004
        return ((-180.0, south, 180.0, north),)
    if west < -180:  # noqa: PLR2004
        return ((west + 360, south, 180.0, north), (-180.0, south, east, north))
    if east > 180:  # noqa: PLR2004
        return ((west, south, 180.0, north), (-180.0, south, east - 360, north))
    return ((west, south, east, north),)


def _narrowest(lon: NDArray[np.float64]) -> tuple[float, float]:
    """The shortest stretch of the circle with all longitudes, from -180; its end lies beyond 180 across the border."""
    turned = np.unique((lon + 180) % 360 - 180)
    gaps = np.diff(turned, append=turned[0] + 360)
    widest = int(gaps.argmax())
    if widest == len(turned) - 1:
        return float(turned[0]), float(turned[-1])
    return float(turned[widest + 1]), float(turned[widest] + 360)
