"""Metres and hectares against pyproj's own geodesics."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from geolabel import geodesy
from geolabel.errors import CRSError

GEOD = Geod(ellps="WGS84")


def geodesic_ha(shape, crs: str) -> float:
    """Area on the ellipsoid of a polygon whose edges are straight in `crs`."""
    dense = shapely.segmentize(shape, shape.length / 400)
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = to_degrees.transform(*shapely.get_coordinates(dense).T)
    return abs(GEOD.polygon_area_perimeter(x, y)[0]) / 10_000


@given(st.integers(1, 60), st.floats(-70, 70), st.floats(-2.9, 2.9), st.floats(0.0005, 0.02))
def test_area_of_small_polygons_anywhere(zone: int, lat: float, off_lon: float, side: float) -> None:
    lon = zone * 6 - 183 + off_lon
    box = shapely.box(lon, lat, lon + side, lat + side)
    assert geodesy.area_ha(np.array([box]), "EPSG:4326")[0] == pytest.approx(geodesic_ha(box, "EPSG:4326"), rel=1e-4)


@pytest.mark.parametrize(
    ("crs", "box"),
    [
        ("EPSG:32631", (420_000, 5_500_000, 440_000, 5_510_000)),
        ("EPSG:3857", (2_800_000, 8_400_000, 2_820_000, 8_410_000)),
        ("EPSG:2263", (980_000, 200_000, 990_000, 220_000)),
        ("EPSG:3035", (4_000_000, 3_000_000, 4_050_000, 3_050_000)),
    ],
)
def test_area_in_projected_crs(crs: str, box: tuple[float, ...]) -> None:
    shape = shapely.box(*box)
    assert geodesy.area_ha(np.array([shape]), crs)[0] == pytest.approx(geodesic_ha(shape, crs), rel=1e-5)


def test_areas_of_many_and_of_none() -> None:
    boxes = np.array([shapely.box(500_000, 0, 500_100, 100), shapely.box(500_000, 0, 500_200, 100)])
    assert geodesy.area_ha(boxes, "EPSG:32631") == pytest.approx([1 / 0.9996**2, 2 / 0.9996**2], rel=1e-6)
    assert geodesy.area_ha(np.empty(0, dtype=object), "EPSG:32631").shape == (0,)


def test_a_hole_is_not_area() -> None:
    outer = shapely.box(500_000, 0, 500_100, 100)
    ring = outer.difference(shapely.box(500_025, 25, 500_075, 75))
    whole, holed = geodesy.area_ha(np.array([outer, ring]), "EPSG:32631")
    assert holed / whole == pytest.approx(0.75, rel=1e-9)


@given(st.floats(-180, 180, exclude_max=True), st.floats(-80, 84))
def test_utm_zone_is_the_one_whose_meridian_is_nearest(lon: float, lat: float) -> None:
    crs = CRS.from_user_input(geodesy.utm_crs("EPSG:4326", lon, lat))
    parameters = {item.name: item.value for item in crs.coordinate_operation.params}
    off = (lon - parameters["Longitude of natural origin"] + 180) % 360 - 180
    assert abs(off) <= 3.000001
    assert (parameters["False northing"] == 0) == (lat >= 0)


def test_utm_zones_that_are_known() -> None:
    assert geodesy.utm_crs("EPSG:4326", -74.5, -8.4) == "EPSG:32718"  # Pucallpa
    assert geodesy.utm_crs("EPSG:4326", 9.5, 47.1) == "EPSG:32632"  # Liechtenstein
    assert geodesy.utm_crs("EPSG:4326", 180.0, 0.0) == "EPSG:32601"
    assert geodesy.utm_crs("EPSG:3857", 1_057_535.0, 5_955_000.0) == "EPSG:32632"


def test_reproject_agrees_with_pyproj_and_keeps_x_before_y() -> None:
    x, y = np.array([9.5, 9.6]), np.array([47.1, 47.2])
    found = geodesy.reproject(x, y, "EPSG:4326", "EPSG:3042")  # an axis order of northing, easting by the book
    expected = Transformer.from_crs("EPSG:4326", "EPSG:25830", always_xy=True).transform(x, y)
    np.testing.assert_allclose(found.T, expected, atol=1e-3)


def test_points_outside_a_crs_are_refused() -> None:
    with pytest.raises(CRSError, match=r"outside the area in which EPSG:4326 is defined; check the file's CRS"):
        geodesy.reproject(np.array([500_000.0]), np.array([5_500_000.0]), "EPSG:4326", "EPSG:32631")


def test_names_and_kinds_of_crs() -> None:
    assert geodesy.name(CRS("EPSG:32631").to_wkt()) == "EPSG:32631"
    assert geodesy.name("+proj=laea +lat_0=1 +lon_0=2") == "unknown"
    assert geodesy.is_geographic("EPSG:4326")
    assert not geodesy.is_geographic("EPSG:3857")
    assert CRS.from_json_dict(geodesy.projjson("EPSG:32631")) == CRS("EPSG:32631")


@given(
    st.floats(-179, 179),
    st.floats(-70, 70),
    st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)), min_size=2),
)
def test_metric_points_keep_distances(lon: float, lat: float, off: list[tuple[float, float]]) -> None:
    points = np.array(off) + np.array([lon, lat])
    plane = geodesy.metric_points(points[:, 0], points[:, 1], "EPSG:4326")
    expected = GEOD.inv(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])[2]
    found = np.hypot(*np.diff(plane, axis=0).T)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


def test_project_geometries_moves_every_vertex_and_back() -> None:
    ring = shapely.Polygon([(9, 47), (9.1, 47), (9.1, 47.1)], [[(9.05, 47.02), (9.08, 47.02), (9.08, 47.04)]])
    there = geodesy.project_geometries(np.array([ring]), "EPSG:4326", "EPSG:32632")
    back = geodesy.project_geometries(there, "EPSG:32632", "EPSG:4326")
    assert shapely.equals_exact(back[0], ring, tolerance=1e-9)
    assert geodesy.project_geometries(there, "EPSG:32632", "EPSG:32632") is there


@pytest.mark.parametrize("count", [300, 5_000, 70_000])
@pytest.mark.parametrize(
    ("source", "target", "box"),
    [
        ("EPSG:3857", "EPSG:32632", (1.0e6, 6.4e6, 1.3e6, 6.7e6)),
        ("EPSG:32632", "EPSG:32633", (5.0e5, 5.5e6, 6.0e5, 5.6e6)),
        ("EPSG:4326", "EPSG:32632", (8, 50, 9, 51)),
        ("EPSG:4326", "EPSG:3035", (-10, 36, 30, 70)),
        ("EPSG:4326", "EPSG:3857", (8, 50, 18, 60)),
    ],
)
def test_many_points_are_where_each_is_by_itself(count: int, source: str, target: str, box: tuple[float, ...]) -> None:
    """Also between conformal CRSs, where the middle of a mesh is nearly right when its sides are not."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(box[0], box[2], count), rng.uniform(box[1], box[3], count)
    found = np.column_stack(geodesy.reproject_nearly(x, y, source, target, 0.1))
    expected = np.column_stack(Transformer.from_crs(source, target, always_xy=True).transform(x, y))
    assert np.abs(found - expected).max() < 0.1


@given(st.floats(-179, 179), st.floats(-75, 75), st.floats(0.001, 0.08), st.floats(0.001, 0.08), st.booleans())
def test_perimeters_are_those_of_pyproj(lon: float, lat: float, wide: float, high: float, hole: bool) -> None:
    box = shapely.box(lon, lat, lon + wide, lat + high)
    inner = shapely.box(lon + wide / 4, lat + high / 4, lon + wide / 2, lat + high / 2)
    one = shapely.Polygon(box.exterior, [inner.exterior] if hole else [])
    geod = Geod(ellps="WGS84")
    expected = sum(geod.geometry_length(ring) for ring in [one.exterior, *one.interiors])
    both = geodesy.perimeter_m(np.array([one, shapely.MultiPolygon([one, inner])]), "EPSG:4326")
    assert both == pytest.approx([expected, expected + geod.geometry_length(inner.exterior)], rel=1e-6)


def test_perimeters_over_the_antimeridian_in_utm_and_of_none() -> None:
    over = shapely.Polygon([(179.99, 0), (-179.99, 0), (-179.99, 0.02), (179.99, 0.02)])
    assert geodesy.perimeter_m(np.array([over]), "EPSG:4326") == pytest.approx(
        [2 * (0.02 * 111_319.5 + 0.02 * 110_574.3)]
    )
    square = shapely.box(500_000, 9_000_000, 501_000, 9_001_000)  # on the meridian, whose scale is 0.9996
    assert geodesy.perimeter_m(np.array([square]), "EPSG:32721") == pytest.approx([4000 / 0.9996], rel=1e-6)
    assert len(geodesy.perimeter_m(np.empty(0, dtype=object), "EPSG:4326")) == 0
