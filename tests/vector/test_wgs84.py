"""Longitude and latitude by RFC 7946: cut at the antimeridian, right-hand rule, valid at seven decimals."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely import affinity

from geolabel import geodesy, vector
from geolabel.vector import Layer

SEAM_UTM1 = 166_021.4431
"""Easting of 180° on the equator in zone 1."""
SEAM_3832 = 3_339_584.7238
"""180° in a Mercator centred on 150° E: 30 degrees of the equator."""
HOLED = shapely.box(-900, -700, 800, 900).difference(
    shapely.union_all([shapely.box(-300, -300, 200, 100), shapely.box(300, 300, 500, 500)])
)


def signed_area(ring: list[list[float]]) -> float:
    x, y = np.array(ring).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def polygons_of(path: Path) -> list[list[list[list[list[float]]]]]:
    """By feature, its polygons, by the letter of the file."""
    value = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in value
    found = []
    for feature in value["features"]:
        geometry = feature["geometry"]
        assert geometry["type"] in ("Polygon", "MultiPolygon")
        found.append(geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]])
    return found


def check_by_the_letter(path: Path) -> None:
    """RFC 7946, 3.1.1, 3.1.6, 3.1.9, 4, 11.2, without GDAL or GEOS, but for their judgement of what is valid."""
    for polygons in polygons_of(path):
        for rings in polygons:
            for at, ring in enumerate(rings):
                assert ring[0] == ring[-1]
                assert (signed_area(ring) > 0) == (at == 0), "outlines counter-clockwise, holes clockwise"
                assert all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in ring)
                assert max(abs(a[0] - b[0]) for a, b in pairwise(ring)) < 180, "none around"
                decimals = [len(f"{number!r}".partition(".")[2]) for point in ring for number in point]
                assert max(decimals) <= 7
        assert shapely.is_valid(shapely.from_geojson(json.dumps({"type": "MultiPolygon", "coordinates": polygons})))


def written(tmp_path: Path, shapes: list, crs: str) -> Path:
    path = tmp_path / "a.geojson"
    columns = {"n": np.arange(len(shapes))}
    vector.write_geojson(path, Layer("a", np.array(shapes, dtype=object), columns, crs))
    check_by_the_letter(path)
    return path


@pytest.mark.parametrize(
    ("crs", "x", "y"),
    [
        ("EPSG:32601", SEAM_UTM1, 10_000),
        ("EPSG:32701", SEAM_UTM1, 9_990_000),
        ("EPSG:32660", 833_978.5569, 10_000),
        ("EPSG:3832", SEAM_3832, 10_000),
    ],
)
def test_a_shape_with_holes_over_the_antimeridian(tmp_path: Path, crs: str, x: float, y: float) -> None:
    """Two pieces, none crossing; together they have the area and the place of the whole, hole by hole."""
    whole = affinity.translate(HOLED, x, y)
    (polygons,) = polygons_of(written(tmp_path, [whole], crs))
    west, east = sorted((shapely.Polygon(rings[0], rings[1:]) for rings in polygons), key=lambda one: one.bounds[0])
    assert west.bounds[0] == -180
    assert west.bounds[2] < -179.98
    assert east.bounds[0] > 179.98
    assert east.bounds[2] == 180
    geod = Geod(ellps="WGS84")
    area = sum(abs(geod.geometry_area_perimeter(shapely.normalize(one))[0]) for one in (west, east))
    assert area == pytest.approx(geodesy.area_ha(np.array([whole]), crs)[0] * 1e4, rel=1e-4)
    both = shapely.union_all([east, affinity.translate(west, 360, 0)])
    lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    own = np.array(lonlat.transform(*shapely.get_coordinates(whole).T)).T
    own[own[:, 0] < 0, 0] += 360
    touched = shapely.distance(shapely.points(own), shapely.boundary(both))
    assert touched.max() < 2e-7, "every vertex is there, holes' too"
    assert len(both.interiors) == 2


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4979", "OGC:CRS84"])
def test_rasters_from_0_to_360(tmp_path: Path, crs: str) -> None:
    shapes = [
        shapely.box(170, -5, 175, 5),
        shapely.box(175, -5, 185, 5),
        shapely.box(180, -5, 190, 5),
        shapely.box(0, -80, 360, 80),
    ]
    before, over, after, world = polygons_of(written(tmp_path, shapes, crs))
    assert len(before) == len(after) == 1
    assert len(over) == 2
    assert shapely.Polygon(after[0][0]).equals(shapely.box(-180, -5, -170, 5))
    areas = [sum(shapely.Polygon(rings[0]).area for rings in polygons) for polygons in (before, over, after, world)]
    assert areas == pytest.approx([50, 100, 100, 360 * 160])


def test_a_shape_around_a_pole(tmp_path: Path) -> None:
    """A square around the south pole reaches from −180 to 180, with its hole still on the pole."""
    square, hole = shapely.box(-1e6, -1e6, 1e6, 1e6), shapely.box(-1e5, -1e5, 1e5, 1e5)
    whole, holed = vector.to_wgs84(np.array([square, square.difference(hole)]), "EPSG:3031")
    assert whole.bounds[:3] == (-180, -90, 180)
    assert shapely.contains_xy(whole, [0, 90, -120], [-89.99, -85, -83]).all()
    assert shapely.contains_xy(holed, [0, 90, -120], [-89.99, -85, -83]).tolist() == [False, True, True]


def test_a_geopackage_of_such_is_as_it_was(tmp_path: Path) -> None:
    """In its own CRS nothing is cut, and no vertex is moved."""
    for crs, x in (("EPSG:32601", SEAM_UTM1), ("EPSG:3832", SEAM_3832)):
        whole = affinity.translate(HOLED, x, 10_000)
        path = tmp_path / f"{crs[5:]}.gpkg"
        vector.write_layer(path, Layer("a", np.array([whole]), {"n": np.array([1])}, crs), "GPKG")
        (read,) = geopandas.read_file(path).geometry
        assert shapely.equals(read, whole)
        assert len(read.geoms) == 1


@given(
    st.floats(-3_000, 3_000),
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=12, unique=True),
)
def test_law_pieces_keep_place_and_area(shift: float, corners: list[tuple[int, int]]) -> None:
    """Of any star of pixels near the antimeridian: within ±180°, valid, and as large as before."""
    hull = shapely.convex_hull(shapely.multipoints(np.array(corners, dtype=float) * 100))
    if hull.geom_type != "Polygon":
        return
    whole = affinity.translate(hull, SEAM_UTM1 + shift, 2_000)
    (found,) = vector.rounded(vector.to_wgs84(np.array([whole]), "EPSG:32601"))
    assert found.is_valid
    west, _, east, _ = found.bounds
    assert west >= -180
    assert east <= 180
    parts = shapely.get_parts(found)
    assert all(part.bounds[2] - part.bounds[0] < 1 for part in parts)
    area = sum(abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.normalize(part))[0]) for part in parts)
    expected = geodesy.area_ha(np.array([whole]), "EPSG:32601")[0] * 1e4
    assert area == pytest.approx(expected, rel=1e-3, abs=20)


def test_long_sides_stay_where_they_are(tmp_path: Path) -> None:
    """The middle of a side of 100 km, far from the central meridian, bends 300 m away from the straight line."""
    whole = shapely.box(200_000, 6_600_000, 300_000, 6_700_000)
    (polygons,) = polygons_of(written(tmp_path, [whole], "EPSG:32632"))
    lonlat = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    middles = np.array(lonlat.transform([250_000, 250_000], [6_600_000, 6_700_000])).T
    outline = shapely.LineString(polygons[0][0])
    assert shapely.distance(shapely.points(middles), outline).max() < 1e-6  # a decimetre
    corners = shapely.Polygon(np.array(lonlat.transform(*np.array(whole.exterior.coords).T)).T)
    assert shapely.distance(shapely.points(middles), corners.exterior).max() > 1e-3


NECK = [(0, 0), (10, 0), (10, 10), (10.0005, 10), (20, 10), (20, 20), (9.9995, 20), (9.9995, 10), (0, 10)]
SPIKE = [(0, 0), (10, 0), (10, 10), (5.0004, 10), (5.0002, 25), (5, 10), (0, 10)]


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        pytest.param(shapely.Polygon(NECK), 200, id="a neck of a millimetre"),
        pytest.param(shapely.Polygon(SPIKE), 100, id="a spike half a millimetre wide"),
        pytest.param(shapely.box(0, 0, 30, 30).difference(shapely.box(0.001, 10, 15, 20)), 750, id="a thin wall"),
    ],
)
def test_what_seven_decimals_make_invalid_is_mended(tmp_path: Path, shape: shapely.Polygon, area: float) -> None:
    assert shape.is_valid
    moved = affinity.translate(shape, 500_000, 1_000_000)
    (polygons,) = polygons_of(written(tmp_path, [moved], "EPSG:32631"))
    back = geodesy.area_ha(np.array([shapely.Polygon(rings[0], rings[1:]) for rings in polygons]), "EPSG:4326").sum()
    assert back * 1e4 == pytest.approx(area, abs=1)


def test_what_vanishes_is_a_row_without_a_place(tmp_path: Path) -> None:
    speck = shapely.box(500_000, 0, 500_000.001, 0.001)
    path = tmp_path / "a.geojson"
    vector.write_geojson(path, Layer("a", np.array([speck, shapely.Polygon()]), {"n": np.array([1, 2])}, "EPSG:32631"))
    features = json.loads(path.read_text())["features"]
    assert [feature["properties"]["n"] for feature in features] == [1, 2]
    assert all(not (feature["geometry"] or {}).get("coordinates") for feature in features)
