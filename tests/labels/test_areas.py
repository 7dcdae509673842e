"""Features on a grid: metres on the ground whatever a pixel is, what lies on top, outlines as flat arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geolabel.grid import Grid, Window
from geolabel.labels.areas import Areas, is_thin, on_grid, reached, stacked

SQUARE = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 100, 100)
OBLONG = Grid("EPSG:32631", Affine(5, 0, 500_000, 0, -20, 5_500_000), 200, 50)
SOUTH_UP = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, 10, 5_499_000), 100, 100)
DEGREES = Grid("EPSG:4326", Affine(1e-4, 0, 9.0, 0, -1e-4, 60.0), 100, 100)
MERCATOR = Grid("EPSG:3857", Affine(20, 0, 1_000_000, 0, -20, 8_400_000), 100, 100)
GRIDS = {"square": SQUARE, "oblong": OBLONG, "south-up": SOUTH_UP, "degrees": DEGREES, "mercator": MERCATOR}
CIRCLE = 8 * math.sin(math.pi / 8)
"""Area of the regular polygon of sixteen corners in a circle of radius 1."""


def m2(pixels: np.ndarray, grid: Grid) -> np.ndarray:
    """Area in square metres of shapes in pixels, by the geodesic lengths of the sides of the middle pixel."""
    x, y = grid.xy(np.array([50.0, 51, 50]), np.array([25.0, 25, 26]))
    if grid.crs == "EPSG:4326":
        lon, lat = x, y
    else:
        from pyproj import Transformer

        lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    _, _, side = Geod(ellps="WGS84").inv(lon[[0, 0]], lat[[0, 0]], lon[1:], lat[1:])
    return shapely.area(pixels) * side[0] * side[1]


def in_metres(grid: Grid, *offsets: tuple[float, float]) -> list[tuple[float, float]]:
    """Map coordinates so many metres east and north of the grid's middle."""
    col, row = grid.width / 2, grid.height / 2
    side_x, side_y = grid.gsd_m
    down = -1 if grid.transform.e < 0 else 1
    steps = [(col + east / side_x, row + down * north / side_y) for east, north in offsets]
    x, y = grid.xy(*np.array(steps, dtype=float).T)
    return list(zip(x.tolist(), y.tolist(), strict=True))


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("direction", [0, 30, 90])
def test_a_line_has_its_length_times_its_width_and_two_half_discs(grid: Grid, direction: int) -> None:
    east, north = math.cos(math.radians(direction)) * 60, math.sin(math.radians(direction)) * 60
    line = shapely.LineString(in_metres(grid, (-east, -north), (east, north)))
    shapes = on_grid(np.array([line]), np.array([30.0]), grid)
    assert m2(shapes, grid)[0] == pytest.approx(120 * 30 + CIRCLE * 15**2, rel=0.002)
    left, top, right, bottom = shapely.bounds(shapes[0])
    assert (right - left) * grid.gsd_m[0] == pytest.approx(2 * (abs(east) + 15), rel=0.02)
    assert (bottom - top) * grid.gsd_m[1] == pytest.approx(2 * (abs(north) + 15), rel=0.02)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_point_is_a_disc(grid: Grid) -> None:
    (place,) = in_metres(grid, (0, 0))
    points = np.array([shapely.Point(place), shapely.MultiPoint([place])])
    shapes = on_grid(points, np.array([50.0, 50.0]), grid)
    np.testing.assert_allclose(m2(shapes, grid), CIRCLE * 25**2, rtol=0.002)
    assert m2(shapes, grid)[0] == pytest.approx(math.pi * 25**2, rel=0.03)
    centre = shapely.centroid(shapes[0])
    assert (centre.x, centre.y) == pytest.approx((grid.width / 2, grid.height / 2), abs=1e-6)


def test_polygons_keep_their_area_and_have_no_width() -> None:
    box = shapely.box(500_100, 5_499_100, 500_300, 5_499_200)
    shapes = on_grid(np.array([box, shapely.MultiPolygon([box])]), np.array([np.nan, 500.0]), OBLONG)
    for shape in shapes:
        assert shapely.bounds(shape).tolist() == pytest.approx([20, 40, 60, 45])
        assert shape.area * 5 * 20 == pytest.approx(box.area)


def test_what_has_no_area_is_none() -> None:
    line = shapely.LineString([(500_000, 5_499_900), (500_100, 5_499_900)])
    mixed = shapely.GeometryCollection([line, shapely.Point(500_000, 5_499_900)])
    found = np.array(
        [line, shapely.Point(500_050, 5_499_950), mixed, shapely.box(500_000, 5_499_000, 500_100, 5.4995e6)]
    )
    assert is_thin(found).tolist() == [True, True, True, False]
    shapes = on_grid(found, np.full(4, np.nan), SQUARE)
    assert shapely.is_missing(shapes).tolist() == [True, True, True, False]
    assert len(on_grid(np.empty(0, dtype=object), np.empty(0), SQUARE)) == 0


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_what_reaches_into_a_window_lies_within_its_bounds(grid: Grid) -> None:
    window = Window(40, 20, 10, 10)
    assert reached(grid, window, 0) == grid.part(window).bounds
    wide = grid.part(Window(0, 0, grid.width, grid.height))
    west, south, east, north = reached(grid, window, 40)
    side = 40 / np.array(grid.gsd_m)
    unit = np.abs([grid.transform.a, grid.transform.e])
    inner = grid.part(window).bounds
    margin = np.array([inner[0] - west, inner[1] - south, east - inner[2], north - inner[3]])
    assert (margin >= np.tile(side * unit, 2) - 1e-9).all()
    assert (margin <= np.tile((side + 1) * unit, 2) + 1e-9).all()
    assert wide.bounds == grid.bounds


def order(shapes, priority, thin) -> list[int]:
    """Numbers from the lowest to the top one."""
    number = np.arange(1, len(shapes) + 1, dtype=np.uint8)
    areas = stacked(np.array(shapes), number, np.array(priority), np.array(thin))
    assert [shapes[at - 1] for at in areas.number.tolist()] == areas.geometries.tolist()
    return areas.number.tolist()


def test_what_lies_on_top() -> None:
    large, small, stripe = shapely.box(0, 0, 9, 9), shapely.box(1, 1, 2, 2), shapely.box(0, 4, 9, 5)
    no = [False, False, False]
    assert order([small, large, stripe], [0, 0, 0], no) == [2, 3, 1]
    assert order([small, large, stripe], [0, 0, 0], [False, False, True]) == [2, 1, 3]
    assert order([small, large, stripe], [0, 1, 0], [False, False, True]) == [1, 3, 2]
    assert order([small, large, stripe], [-1, 0, 0], no) == [1, 2, 3]
    assert order([large, large], [0, 0], [False, False]) == [2, 1], "of two alike the earlier class"
    again = shapely.transform(large, lambda xy: xy * (1 + 1e-15))
    assert order([large, again], [0, 0], [False, False]) == order([again, large], [0, 0], [False, False]) == [2, 1]


@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans(), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_order_is_by_priority_then_thinness_then_size(entries: list[tuple[int, bool, int]]) -> None:
    shapes = [shapely.box(0, 0, side, 1) for _, _, side in entries]
    found = order(shapes, [one for one, _, _ in entries], [thin for _, thin, _ in entries])
    ranks = [(entries[at - 1][0], entries[at - 1][1], -entries[at - 1][2]) for at in found]
    assert ranks == sorted(ranks)


def pieces(areas: Areas) -> dict[int, float]:
    """Area of the rings of each polygon by the shoelace formula: shells and holes with their own signs."""
    rings = areas.rings()
    found: dict[int, float] = {}
    for ring, (first, after) in enumerate(zip(rings.start[:-1], rings.start[1:], strict=True)):
        x, y = rings.x[first:after], rings.y[first:after]
        assert (x[0], y[0]) == (x[-1], y[-1])
        area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
        found[int(rings.area[ring])] = found.get(int(rings.area[ring]), 0.0) + area
    return found


RING = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
PAIR = shapely.MultiPolygon([shapely.box(20, 0, 22, 2), RING])


@pytest.mark.parametrize("shapes", [[RING, shapely.box(0, 0, 3, 3)], [PAIR, RING], [RING, PAIR, PAIR]])
def test_rings_of_holes_and_of_several_parts(shapes: list[shapely.Geometry]) -> None:
    oriented = shapely.orient_polygons(np.array(shapes))
    areas = Areas(oriented, np.arange(1, len(shapes) + 1, dtype=np.uint8))
    assert pieces(areas) == pytest.approx({at: shape.area for at, shape in enumerate(shapes)})
    rings = areas.rings()
    holes = {RING: 2, PAIR: 3}
    assert np.bincount(rings.area).tolist() == [holes.get(shape, 1) for shape in shapes]
    assert (rings.start.dtype, rings.area.dtype) == (np.int64, np.int64)
    assert rings.number.tolist() == list(range(1, len(shapes) + 1))


def test_no_areas_have_no_rings() -> None:
    rings = Areas(np.empty(0, dtype=object), np.zeros(0, np.uint8)).rings()
    assert (rings.start.tolist(), len(rings.x), len(rings.area)) == ([0], 0, 0)
