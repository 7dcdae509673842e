"""Pixel ↔ map arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geolabel.errors import CRSError, OptionError
from geolabel.grid import Grid, Window

GEOD = Geod(ellps="WGS84")
sizes = st.integers(1, 5_000)
steps = st.floats(1e-4, 1e3) | st.floats(-1e3, -1e-4)
corners = st.floats(-1e6, 1e7)


@st.composite
def grids(draw) -> Grid:
    transform = Affine(draw(steps), 0.0, draw(corners), 0.0, draw(steps), draw(corners))
    return Grid("EPSG:32631", transform, draw(sizes), draw(sizes))


@given(grids(), st.floats(-10, 6_000), st.floats(-10, 6_000))
def test_col_row_is_the_inverse_of_xy(grid: Grid, col: float, row: float) -> None:
    x, y = grid.xy(np.array([col]), np.array([row]))
    back_col, back_row = grid.col_row(x, y)
    lost = 1e7 * np.finfo(float).eps / min(abs(grid.transform.a), abs(grid.transform.e))
    np.testing.assert_allclose([back_col[0], back_row[0]], [col, row], atol=4 * lost + 1e-9)


@given(grids(), st.data())
def test_a_part_has_the_same_pixels(grid: Grid, data) -> None:
    col = data.draw(st.integers(0, grid.width - 1))
    row = data.draw(st.integers(0, grid.height - 1))
    window = Window(col, row, data.draw(st.integers(1, grid.width - col)), data.draw(st.integers(1, grid.height - row)))
    part = grid.part(window)
    assert (part.crs, part.width, part.height) == (grid.crs, window.width, window.height)
    edge = np.array([0.0, window.width]), np.array([0.0, window.height])
    np.testing.assert_allclose(part.xy(*edge), grid.xy(edge[0] + col, edge[1] + row), rtol=1e-12, atol=1e-6)


def test_bounds_and_boxes_by_hand() -> None:
    north_up = Grid("EPSG:32631", Affine(10, 0, 100, 0, -20, 1_000), 4, 3)
    south_up = Grid("EPSG:32631", Affine(10, 0, 100, 0, 20, 940), 4, 3)
    assert north_up.bounds == south_up.bounds == (100.0, 940.0, 140.0, 1_000.0)
    ones = np.array([1])
    assert north_up.boxes(ones, ones, ones, 2 * ones)[0].bounds == (110.0, 940.0, 120.0, 980.0)
    assert south_up.boxes(ones, ones, ones, 2 * ones)[0].bounds == (110.0, 960.0, 120.0, 1_000.0)


@pytest.mark.parametrize("rotated", [Affine(10, 1, 0, 0, -10, 0), Affine(10, 0, 0, 1, -10, 0)])
def test_a_rotated_transform_is_refused_with_the_remedy(rotated: Affine) -> None:
    with pytest.raises(CRSError, match=r"rotated; straighten it first: gdalwarp"):
        Grid("EPSG:32631", rotated, 4, 3)


def test_pixels_without_size_and_grids_without_pixels_are_refused() -> None:
    with pytest.raises(CRSError, match=r"pixels have no size; .*gdal_edit\.py"):
        Grid("EPSG:32631", Affine(10, 0, 0, 0, 0, 0), 4, 3)
    with pytest.raises(CRSError, match=r"at least one pixel, got 0 × 3"):
        Grid("EPSG:32631", Affine(10, 0, 0, 0, -10, 0), 0, 3)
    with pytest.raises(OptionError, match=r"at least one pixel, got 4 × 0"):
        Window(0, 0, 4, 0)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32631", Affine(10, 0, 420_000, 0, -10, 5_500_000)),
        ("EPSG:32722", Affine(30, 0, 619_395, 0, -30, 9_589_795)),
        ("EPSG:4326", Affine(0.001, 0, 25.0, 0, -0.001, 60.1)),
        ("EPSG:3857", Affine(10, 0, 2_800_000, 0, -10, 8_400_000)),
        ("EPSG:2263", Affine(10, 0, 980_000, 0, -20, 200_000)),  # feet
    ],
)
def test_gsd_is_the_geodesic_step_at_the_centre(crs: str, transform: Affine) -> None:
    grid = Grid(crs, transform, 200, 100)
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*(transform @ (100, 50)))
    east, south = (to_degrees.transform(*(transform @ point)) for point in ((101, 50), (100, 51)))
    expected = GEOD.inv(lon, lat, *east)[2], GEOD.inv(lon, lat, *south)[2]
    assert grid.gsd_m == pytest.approx(expected, rel=1e-6)


def test_gsd_in_known_places() -> None:
    # one degree of longitude at 60° N is 55 800 m, of latitude 111 412 m (published tables of WGS 84)
    degrees = Grid("EPSG:4326", Affine(0.001, 0, 24.95, 0, -0.001, 60.05), 100, 100)
    assert degrees.gsd_m == pytest.approx((55.800, 111.412), rel=2e-4)
    # UTM shrinks by .9996 on its central meridian: ten metres of the map are 10.004 m of ground
    assert Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 2, 2).gsd_m == pytest.approx(
        (10 / 0.9996, 10 / 0.9996), rel=1e-5
    )
    # web Mercator stretches by 1 / cos(latitude): at 60° ten metres of the map are about five
    mercator = Grid("EPSG:3857", Affine(10, 0, 2_777_000, 0, -10, 8_399_738), 2, 2)
    assert mercator.gsd_m == pytest.approx((5.0, 5.0), rel=5e-3)
