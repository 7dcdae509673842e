"""Geometries in longitude and latitude as RFC 7946 wants them: within ±180°, cut where they cross it (3.1.9).

A shape over the antimeridian is put together first: its vertices are followed around, and those after a jump of a whole
turn are moved by it. Then it is cut at 180°. So a shape of UTM zone 1, of a Pacific Mercator or of a raster from 0 to
360° becomes the same pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WGS84 = "EPSG:4326"
_SIDE_M, _SIDE_DEGREES = 2_000.0, 90.0
"""Longest side that is taken as straight in degrees, too: 2 km bend by 0.1 m at 50° of latitude."""
_TURN, _HALF = 360.0, 180.0
_DECIMALS = 7


def to_wgs84(geometries: NDArray[Any], crs: str) -> NDArray[Any]:
    """Geometries (n,) as longitude and latitude, cut at the antimeridian; long sides get vertices on their way.

    Raises CRSError where a vertex has no place on Earth.
    """
    if not len(geometries):
        return geometries
    moved = geodesy.project_geometries(_with_short_sides(geometries, crs), crs, _WGS84)
    return _cut(_unwound(moved))


def rounded(polygons: NDArray[Any]) -> NDArray[Any]:
    """Polygons (n,) at seven decimals, a centimetre, valid: what that makes cross itself is mended, or empty."""
    import shapely

    found = np.asarray(shapely.transform(polygons, lambda xy: xy.round(_DECIMALS)), dtype=object)
    broken = np.flatnonzero(~shapely.is_valid(found))
    found[broken] = shapely.set_precision(shapely.make_valid(polygons[broken]), 10.0**-_DECIMALS)
    return _only_polygons(found)


def _with_short_sides(geometries: NDArray[Any], crs: str) -> NDArray[Any]:
    import shapely

    longest = _SIDE_DEGREES if geodesy.is_geographic(crs) else _SIDE_M
    bounds = shapely.bounds(geometries)
    wide = (bounds[:, 2:] - bounds[:, :2]).max(axis=1) > longest  # NaN of an empty one is not
    if not wide.any():
        return geometries
    found = geometries.copy()
    found[wide] = shapely.segmentize(geometries[wide], longest)
    return found


def _unwound(geometries: NDArray[Any]) -> NDArray[Any]:
    """Polygons whose vertices lie on both sides of the antimeridian, put together beyond it."""
    import shapely

    bounds = shapely.bounds(geometries)
    torn = (bounds[:, 2] - bounds[:, 0] > _HALF) & (shapely.get_dimensions(geometries) == 2)  # noqa: PLR2004
    if not torn.any():
        return geometries
    parts, owner = shapely.get_parts(geometries[torn], return_index=True)
    rings, ring_owner = shapely.get_rings(parts, return_index=True)
    xy, at = shapely.get_coordinates(rings, return_index=True)
    step = np.diff(xy[:, 0], prepend=xy[:1, 0])
    first = np.flatnonzero(np.diff(at, prepend=-1))
    turns = -np.round(step / _TURN)
    turns[first] = 0
    turns = np.cumsum(turns)
    xy[:, 0] += _TURN * (turns - turns[first][at])
    middle = (np.minimum.reduceat(xy[:, 0], first) + np.maximum.reduceat(xy[:, 0], first)) / 2
    outer = np.flatnonzero(np.diff(ring_owner, prepend=-1))
    # a hole begins anywhere: it belongs where its outline is
    xy[:, 0] += _TURN * np.round((middle[outer][ring_owner] - middle) / _TURN)[at]
    xy, at = _over_the_pole(xy, at)
    closed = np.asarray(shapely.linearrings(xy, indices=at), dtype=object)
    whole = np.asarray(shapely.polygons(closed, indices=ring_owner), dtype=object)
    broken = ~shapely.is_valid(whole)
    whole[broken] = shapely.make_valid(whole[broken], method="structure", keep_collapsed=False)
    inner, piece = shapely.get_parts(whole, return_index=True)
    found = geometries.copy()
    found[torn] = shapely.multipolygons(inner, indices=owner[piece])
    return found


def _over_the_pole(xy: NDArray[np.float64], at: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rings, as vertices (n, 2) and the ring of each (n,), with those around a pole closed along it."""
    first = np.flatnonzero(np.diff(at, prepend=-1))
    last = np.append(first[1:], len(at)) - 1
    around = np.flatnonzero(np.abs(xy[last, 0] - xy[first, 0]) > _HALF)
    corners = np.repeat(xy[last[around]], 3, axis=0)
    corners[1::3, 0] = corners[2::3, 0] = xy[first[around], 0]
    corners[2::3, 1] = xy[first[around], 1]
    pole = np.copysign(90.0, xy[first[around], 1])
    corners[0::3, 1] = corners[1::3, 1] = pole
    places = np.repeat(last[around] + 1, 3)
    return np.insert(xy, places, corners, axis=0), np.insert(at, places, np.repeat(at[last[around]], 3))


def _cut(geometries: NDArray[Any]) -> NDArray[Any]:
    """Geometries (n,) of any longitude within ±180°, in pieces where they cross it."""
    import shapely
    from shapely import affinity

    bounds = np.nan_to_num(shapely.bounds(geometries))
    first, last = np.floor((bounds[:, 0] + _HALF) / _TURN), np.ceil((bounds[:, 2] - _HALF) / _TURN)
    away = (first == last) & (first != 0)
    across = np.flatnonzero(first < last)
    if not (away.any() or len(across)):
        return geometries
    found = geometries.copy()
    if away.any():
        vertices = shapely.get_num_coordinates(geometries[away])
        xy = shapely.get_coordinates(geometries[away]) - [_TURN, 0] * np.repeat(first[away], vertices)[:, np.newaxis]
        found[away] = shapely.set_coordinates(geometries[away], xy)
    for at in across.tolist():
        pieces = []
        for turn in range(int(first[at]), int(last[at]) + 1):
            middle = turn * _TURN
            piece = shapely.intersection(geometries[at], shapely.box(middle - _HALF, -90, middle + _HALF, 90))
            if shapely.get_dimensions(piece) == shapely.get_dimensions(geometries[at]):  # more than a touch
                pieces.append(affinity.translate(piece, -middle))
        found[at] = shapely.union_all(pieces)
    return found


def _only_polygons(geometries: NDArray[Any]) -> NDArray[Any]:
    """Polygons as they are; of collections, as mending leaves them, the polygons."""
    import shapely

    mixed = np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for at in mixed.tolist():
        parts = shapely.get_parts(shapely.get_parts(geometries[at]))
        geometries[at] = shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    return geometries
