"""Geometries of the zoo: places that are none, rings that are none, coordinates of other CRSs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyogrio.raw
import shapely

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.features import (
    BOX,
    EAST,
    NORTH,
    RING,
    SOUTH,
    WEST,
    collection,
    feature,
    label,
    layer,
    polygon,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Geometries"
_OUT = ("out.parquet",)
_ELSEWHERE = "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …"


def _shapes(*geometries: Any, **more: Any) -> Callable[[Den], Sequence[object]]:
    """A GeoJSON with these."""

    def bring(den: Den) -> Sequence[object]:
        collection(den.folder / "a.geojson", *geometries, **more)
        return label(den, "a.geojson")

    return bring


def _stored(*shapes: shapely.Geometry, crs: str = "EPSG:4326") -> Callable[[Den], Sequence[object]]:
    """A GeoPackage with these."""

    def bring(den: Den) -> Sequence[object]:
        layer(den.folder / "a.gpkg", *shapes, crs=crs)
        return label(den, "a.gpkg")

    return bring


def _raw(wkb: bytes) -> Callable[[Den], Sequence[object]]:
    """A GeoPackage with a geometry that shapely cannot make."""

    def bring(den: Den) -> Sequence[object]:
        pyogrio.raw.write(
            den.folder / "a.gpkg",
            np.array([wkb], object),
            [np.array(["forest"], object)],
            ["landuse"],
            geometry_type="Unknown",
            crs="EPSG:4326",
            driver="GPKG",
        )
        return label(den, "a.gpkg")

    return bring


def _line(number: int, points: Sequence[tuple[float, float]]) -> bytes:
    return b"\1" + np.array([number, len(points)], "<u4").tobytes() + np.array(points, "<f8").tobytes()


_CIRCLE = _line(8, [(WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH), (WEST, SOUTH)])
_CURVED = b"\1" + np.array([10, 1], "<u4").tobytes() + _CIRCLE
"""A CURVEPOLYGON around one CIRCULARSTRING (ISO 13249-3)."""
_OF_NAN = [(WEST, SOUTH), (EAST, SOUTH), (float("nan"), float("nan")), (WEST, SOUTH)]
_POLYGON_OF_NAN = b"\1" + np.array([3, 1, 4], "<u4").tobytes() + np.array(_OF_NAN, "<f8").tobytes()
_MEASURED = shapely.to_wkb(
    shapely.from_wkt("POLYGON M ((-69.915 -12.69 1, -69.9 -12.69 2, -69.9 -12.675 3, -69.915 -12.69 1))"), flavor="iso"
)
_BOW = [RING[0], RING[2], RING[1], RING[3], RING[0]]
_HOLE = [[x + 0.005, y + 0.005] for x, y in RING]
_OUTSIDE = [[x + 0.1, y] for x, y in RING]
_HIGH = [[x, y, 300.0] for x, y in RING]
_FAR = [[1e300, 1e300], [-1e300, 1e300], [-1e300, -1e300], [1e300, 1e300]]
_TURN = [[y, x] for x, y in RING]
_METRES = [[400_500, 8_597_000], [402_000, 8_597_000], [402_000, 8_599_000], [400_500, 8_597_000]]
_MIXED = {
    "type": "GeometryCollection",
    "geometries": [polygon(RING), {"type": "Point", "coordinates": RING[0]}],
}
_NESTED: dict[str, Any] = polygon(RING)
for _ in range(20):
    _NESTED = {"type": "GeometryCollection", "geometries": [_NESTED]}


def _typed(text: str) -> Callable[[Den], Sequence[object]]:
    """Coordinates as no JSON writer would write them."""

    def bring(den: Den) -> Sequence[object]:
        content = json.dumps(feature(polygon(RING))).replace(str(RING[0][0]), text)
        (den.folder / "a.geojson").write_text(content)
        return label(den, "a.geojson")

    return bring


def _every(den: Den) -> Sequence[object]:
    """All kinds of geometries in one file."""
    shapes = [BOX, BOX.boundary, BOX.centroid, shapely.multipolygons([BOX]), shapely.force_3d(BOX, 5)]
    whole(
        den.folder / "a.geojson",
        {"type": "FeatureCollection", "features": [feature(json.loads(shapely.to_geojson(one))) for one in shapes]},
    )
    return label(den, "a.geojson")


ANIMALS = (
    Animal(
        _ROOM, "areas, lines and points in one file", _every, "areas count; that the others have none is said", _OUT
    ),
    Animal(_ROOM, "a collection of a polygon and a point", _shapes(_MIXED), "the polygon counts", _OUT),
    Animal(_ROOM, "collections within collections", _shapes(_NESTED), "the polygon counts", _OUT),
    Animal(
        _ROOM,
        "only points",
        _shapes({"type": "Point", "coordinates": RING[0]}),
        "a.geojson: only lines and points of its classes lie on the tiles, and they have no area; …",
    ),
    Animal(
        _ROOM,
        "only lines",
        _shapes({"type": "LineString", "coordinates": RING}),
        "a.geojson: only lines and points of its classes lie on the tiles, and they have no area; …",
    ),
    Animal(_ROOM, "a ring that crosses itself", _shapes(polygon(_BOW)), "is repaired, and counted as such", _OUT),
    Animal(_ROOM, "a ring that is not closed", _shapes(polygon(RING[:-1])), "is closed", _OUT),
    Animal(
        _ROOM,
        "a ring of two points",
        _shapes(polygon(RING[:2])),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(_ROOM, "a ring of one point many times", _shapes(polygon([RING[0]] * 9)), _ELSEWHERE),
    Animal(_ROOM, "a ring without area", _shapes(polygon([RING[0], RING[1], RING[0], RING[1], RING[0]])), _ELSEWHERE),
    Animal(
        _ROOM,
        "a ring with points that repeat",
        _shapes(polygon([p for p in RING for _ in range(3)])),
        "counts once",
        _OUT,
    ),
    Animal(_ROOM, "a polygon twice", _shapes(polygon(RING), polygon(RING)), "counts once", _OUT),
    Animal(_ROOM, "a hole that crosses its ring", _shapes(polygon(RING, _HOLE)), "is repaired", _OUT),
    Animal(_ROOM, "a hole outside of its ring", _shapes(polygon(RING, _OUTSIDE)), "is repaired", _OUT),
    Animal(_ROOM, "a hole as large as its ring", _shapes(polygon(RING, RING)), _ELSEWHERE),
    Animal(_ROOM, "a polygon without rings", _shapes(polygon()), _ELSEWHERE),
    Animal(
        _ROOM,
        "a polygon without coordinates",
        _shapes({"type": "Polygon"}),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "a geometry of no type",
        _shapes({"type": "Blob", "coordinates": RING}),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(_ROOM, "heights", _shapes(polygon(_HIGH)), "are left out", _OUT),
    Animal(_ROOM, "measures", _raw(_MEASURED), "are left out", _OUT),
    Animal(_ROOM, "curves", _raw(_CURVED), "a.gpkg: holds curves; make straight lines of them: …"),
    Animal(
        _ROOM,
        "coordinates of 1e300",
        _shapes(polygon(_FAR)),
        "a.geojson: has a coordinate of …1e+300, which is no place; mend or remove that feature",
    ),
    Animal(
        _ROOM,
        "coordinates of 1e300 and a good polygon",
        _shapes(polygon(_FAR), polygon(RING)),
        "a.geojson: has a coordinate of …1e+300, which is no place; mend or remove that feature",
    ),
    Animal(
        _ROOM,
        "coordinates that are not numbers",
        _typed("NaN"),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "coordinates without end",
        _typed("Infinity"),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "coordinates that are words",
        _typed('"west"'),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "coordinates of 400 digits",
        _typed("9" * 400),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "coordinates that are not numbers, in a GeoPackage",
        _raw(_POLYGON_OF_NAN),
        "a.gpkg: has a coordinate of nan, which is no place; mend or remove that feature",
    ),
    Animal(
        _ROOM,
        "metres where degrees are said",
        _shapes(polygon(_METRES)),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "latitude before longitude",
        _shapes(polygon(_TURN)),
        "a.geojson: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(_ROOM, "far from the raster", _shapes(polygon(_OUTSIDE)), _ELSEWHERE),
    Animal(
        _ROOM,
        "the whole world",
        _shapes(polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]])),
        "covers all",
        _OUT,
    ),
    Animal(
        _ROOM,
        "across the antimeridian",
        _shapes(polygon([[170, -20], [-170, -20], [-170, 20], [170, 20], [170, -20]])),
        "is taken as it is written, the long way round",
        _OUT,
    ),
    Animal(
        _ROOM,
        "around the south pole",
        _stored(shapely.box(-3e6, -3e6, 3e6, 3e6), crs="EPSG:3031"),
        "a.gpkg: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "beyond what its CRS is for",
        _stored(shapely.box(1e8, 1e8, 2e8, 2e8), crs="EPSG:32719"),
        "a.gpkg: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
)
