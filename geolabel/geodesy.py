"""Metres and hectares on the ellipsoid: ground sample distance, UTM zone, local metric plane, geodesic areas."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import CRSError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from affine import Affine
    from numpy.typing import NDArray

_WGS84 = "EPSG:4326"
_M2_PER_HA = 10_000.0
_RADIUS_M = 6_378_137.0
_E2 = 0.006694379990141317
"""Equatorial radius and squared eccentricity of the WGS 84 ellipsoid."""
_LATTICES = (16, 64, 256)
"""Meshes along each axis."""


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Any:
    from pyproj import Transformer

    with _known_to_proj():
        return Transformer.from_crs(source, target, always_xy=True)


@contextmanager
def _known_to_proj() -> Iterator[None]:
    """Raise CRSError of ours for that of PROJ."""
    from pyproj.exceptions import ProjError

    try:
        yield
    except ProjError as error:  # pyproj's own CRSError among them
        raise CRSError(
            "the coordinate reference system is none that PROJ can work with; assign one: gdal_edit.py -a_srs EPSG:…"
        ) from error


@lru_cache(maxsize=64)
def same_crs(one: str, other: str) -> bool:
    """Whether two descriptions are of one CRS; the order of axes does not count, for x always comes first here."""
    from pyproj import CRS

    with _known_to_proj():
        return one == other or CRS.from_user_input(one).equals(CRS.from_user_input(other), ignore_axis_order=True)


def reproject(x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str) -> NDArray[np.float64]:
    """Coordinates (n, 2) in `target`, x before y, of n points given in `source`.

    Raises CRSError where a point has no place in `target`.
    """
    if same_crs(source, target):
        return np.column_stack([x, y])
    xy = np.column_stack(_transformer(source, target).transform(x, y))
    if not np.isfinite(xy).all():
        raise CRSError(f"coordinates lie outside the area in which {name(source)} is defined; check the file's CRS")
    return xy


def reproject_where_possible(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str
) -> NDArray[np.float64]:
    """Coordinates (n, 2) in `target`, x before y; NaN where a point has no place there."""
    if same_crs(source, target):
        return np.column_stack([x, y])
    xy = np.column_stack(_transformer(source, target).transform(x, y))
    xy[~np.isfinite(xy).all(axis=1)] = np.nan
    return xy


def reproject_nearly(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str, tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates x (n,) and y (n,) in `target`, to within a tolerance in its units.

    Many points are taken as linear between the nodes of a lattice over them, made denser until it serves; where none
    does, and for few points, each is computed. Raises CRSError where a point has no place in `target`.
    """
    if same_crs(source, target):
        return np.ascontiguousarray(x), np.ascontiguousarray(y)
    for cells in _LATTICES:
        if len(x) < cells * cells:
            break
        found = _by_lattice(x, y, source, target, tolerance, cells)
        if found is not None:
            return found
    xy = reproject(x, y, source, target)
    return np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])


def _by_lattice(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str, tolerance: float, cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Bilinear on cells × cells meshes; None where that errs by more than the tolerance."""
    low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    step = (high - low) / cells
    if not (np.isfinite(step).all() and (step > 0).all()):
        return None

    def nodes(at: NDArray[np.float64]) -> NDArray[np.float64]:
        grid_x, grid_y = np.meshgrid(low[0] + at * step[0], low[1] + at * step[1])
        xy = reproject_where_possible(grid_x.ravel(), grid_y.ravel(), source, target)
        return xy.reshape(len(at), len(at), 2)

    fine = nodes(np.arange(2 * cells + 1) / 2)
    corner = fine[::2, ::2]
    # by the middles of sides: between two conformal CRSs those of the meshes err least
    across = np.abs((corner[:, 1:] + corner[:, :-1]) / 2 - fine[::2, 1::2]).max()
    down = np.abs((corner[1:] + corner[:-1]) / 2 - fine[1::2, ::2]).max()
    if not across + down < tolerance:  # nor where there is NaN
        return None
    along, down = (x - low[0]) / step[0], (y - low[1]) / step[1]
    col, row = np.minimum(along.astype(np.int64), cells - 1), np.minimum(down.astype(np.int64), cells - 1)
    along, down = along - col, down - row
    at = row * (cells + 1) + col
    found = []
    for axis in range(2):
        node = np.ascontiguousarray(corner[..., axis]).ravel()
        upper = node[at] * (1 - along) + node[at + 1] * along
        lower = node[at + cells + 1] * (1 - along) + node[at + cells + 2] * along
        found.append(upper * (1 - down) + lower * down)
    return found[0], found[1]


def project_bounds(
    bounds: tuple[float, float, float, float], source: str, target: str
) -> tuple[float, float, float, float] | None:
    """A box (west, south, east, north) of `source` as a box of `target`; None where it has none (over a pole, say)."""
    if same_crs(source, target):
        return bounds
    west, south, east, north = _transformer(source, target).transform_bounds(*bounds, densify_pts=21)
    box = (float(west), float(south), float(east), float(north))
    return box if np.isfinite(box).all() and west <= east else None


def name(crs: str) -> str:
    """Short name of a CRS: its authority code where it has one."""
    from pyproj import CRS

    found = CRS.from_user_input(crs)
    authority = found.to_authority(min_confidence=70)
    return ":".join(authority) if authority else str(found.name)


def projjson(crs: str) -> dict[str, Any]:
    """The CRS as PROJJSON, as GeoParquet wants it."""
    from pyproj import CRS

    return dict(CRS.from_user_input(crs).to_json_dict())


def is_geographic(crs: str) -> bool:
    """Whether coordinates are degrees."""
    from pyproj import CRS

    return bool(CRS.from_user_input(crs).is_geographic)


def gsd_m(crs: str, transform: Affine, width: int, height: int) -> tuple[float, float]:
    """Ground sample distance (x, y) in metres, geodesic, at the centre of a raster of `width` × `height` px."""
    from pyproj import Geod

    col, row = width / 2, height / 2
    corners = [transform @ point for point in ((col, row), (col + 1, row), (col, row + 1))]
    x, y = np.array(corners, dtype=np.float64).T
    (lon, lat) = reproject(x, y, crs, _WGS84).T
    _, _, metres = Geod(ellps="WGS84").inv(lon[[0, 0]], lat[[0, 0]], lon[1:], lat[1:])
    return float(metres[0]), float(metres[1])


def utm_crs(crs: str, x: float, y: float) -> str:
    """EPSG code of the UTM zone in which a point of `crs` lies."""
    lon, lat = reproject(np.array([x]), np.array([y]), crs, _WGS84)[0]
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def equal_area_crs(lon: float, lat: float) -> str:
    """A Lambert azimuthal equal-area plane centred on a point: areas exact, distances true nearby."""
    return f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +ellps=WGS84 +units=m +no_defs"


def metric_points(x: NDArray[np.float64], y: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """Points of `crs` on one metric plane around their mean: (n, 2), metres."""
    lonlat = reproject(x, y, crs, _WGS84)
    centre = equal_area_crs(float(lonlat[:, 0].mean()), float(lonlat[:, 1].mean()))
    return reproject(lonlat[:, 0], lonlat[:, 1], _WGS84, centre)


def project_geometries(geometries: NDArray[Any], source: str, target: str) -> NDArray[Any]:
    """The same shapely geometries in another CRS, vertex by vertex."""
    import shapely

    if len(geometries) == 0 or same_crs(source, target):
        return geometries

    def move(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return reproject(coordinates[:, 0], coordinates[:, 1], source, target)

    return np.asarray(shapely.transform(geometries, move), dtype=object)


def area_ha(geometries: NDArray[Any], crs: str) -> NDArray[np.float64]:
    """Ellipsoidal area of each geometry in hectares: (n,), measured on an equal-area plane around them."""
    import shapely

    if len(geometries) == 0:
        return np.zeros(0)
    west, south, east, north = shapely.total_bounds(geometries)
    lon, lat = reproject(np.array([(west + east) / 2]), np.array([(south + north) / 2]), crs, _WGS84)[0]
    plane = project_geometries(geometries, crs, equal_area_crs(float(lon), float(lat)))
    return np.asarray(shapely.area(plane), dtype=np.float64) / _M2_PER_HA


def perimeter_m(geometries: NDArray[Any], crs: str) -> NDArray[np.float64]:
    """Ellipsoidal length of the outlines of polygons, holes included, in metres: (n,).

    Each side is measured by the radii of curvature at its middle latitude: of sides up to 10 km, to a millionth.
    """
    import shapely

    parts, owner = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if not len(xy):
        return np.zeros(len(geometries))
    lon, lat = np.radians(reproject(xy[:, 0], xy[:, 1], crs, _WGS84)).T
    middle = (lat[1:] + lat[:-1]) / 2
    curved = 1 - _E2 * np.sin(middle) ** 2
    east = np.remainder(np.diff(lon) + np.pi, 2 * np.pi) - np.pi  # the short way, over the antimeridian too
    across = east * np.cos(middle) * _RADIUS_M / np.sqrt(curved)
    along = np.diff(lat) * _RADIUS_M * (1 - _E2) / curved**1.5
    length = np.where(ring[1:] == ring[:-1], np.hypot(across, along), 0.0)
    of_ring = np.bincount(ring[1:], weights=length, minlength=len(rings))
    return np.asarray(np.bincount(owner[part], weights=of_ring, minlength=len(geometries)), dtype=np.float64)
