"""Centres, boxes and planes, wherever on Earth."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel.alerts import overlap, place

LON, LAT = st.floats(-180, 180), st.floats(-80, 80)


def squares(points) -> np.ndarray:
    x, y = np.array(points).T
    return shapely.box(x - 0.001, y - 0.001, x + 0.001, y + 0.001)


@given(points=st.lists(st.tuples(LON, LAT), min_size=1, max_size=6))
def test_boxes_hold_every_alert(points) -> None:
    found = place.boxes(squares(points), place.WGS84)
    assert len(found) in (1, 2)
    for west, south, east, north in found:
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
    for lon, lat in points:
        at = [(lon + turn, lat) for turn in (-360, 0, 360)]
        assert any(w <= x <= e and s <= y <= n for x, y in at for w, s, e, n in found)


@pytest.mark.parametrize(
    ("lons", "expected"),
    [
        ([10, 12], [(9.989, 12.011)]),
        ([179, -179], [(178.989, 180), (-180, -178.989)]),
        ([179, 181], [(178.989, 180), (-180, -178.989)]),
        ([-170, -100], [(-170.011, -99.989)]),
    ],
)
def test_boxes_go_the_short_way(lons, expected) -> None:
    found = [(west, east) for west, _, east, _ in place.boxes(squares([(lon, 0.0) for lon in lons]), place.WGS84)]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@given(lon=LON, lat=LAT)
def test_a_centre_is_where_it_is(lon, lat) -> None:
    ((x, y),) = place.centres(squares([(lon, lat)]), place.WGS84)
    assert np.hypot((x - lon + 180) % 360 - 180, y - lat) < 1e-9
    # 0.002° × 0.002° on the ellipsoid: at the equator 221.1 × 222.6 m
    (area,) = place.hectares(squares([(lon, 0.0)]), place.WGS84, place.plane(squares([(lon, 0.0)]), place.WGS84))
    assert area == pytest.approx(4.924, abs=0.002)


@given(corners=st.integers(3, 3000), seed=st.integers(0, 2**32 - 1))
def test_parts_are_small_and_make_up_the_whole(corners: int, seed: int) -> None:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.random.default_rng(seed).uniform(0.7, 1, corners)
    star = shapely.Polygon(np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]))
    triangle = shapely.Polygon([(5, 5), (6, 5), (5, 6)])
    parts, owner = overlap.in_small_parts(np.array([star, triangle], dtype=object))
    assert shapely.get_num_coordinates(parts).max() <= 500
    for at, whole in enumerate((star, triangle)):
        mine = parts[owner == at]
        assert shapely.area(mine).sum() == pytest.approx(whole.area)
        assert shapely.union_all(mine).symmetric_difference(whole).area < 1e-9
