"""Calmer outlines: what was a partition stays one, and nothing but outlines changes."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from geolabel.errors import OptionError
from geolabel.grid import Grid
from geolabel.maps import ClassStrip, Detections, Strip, outline, outline_classes, simplify, smooth
from geolabel.maps.borders import noded


def grid_of(number, step=10.0):
    height, width = number.shape
    return Grid("EPSG:32721", Affine(step, 0, 500_000.1, 0, -step, 9_000_000.7), width, height)


def outlined(number):
    (found,) = outline_classes([ClassStrip(0, number[None])], grid_of(number))
    return found


def cut(presence):
    for row in range(0, presence.shape[1], 30):
        rows = presence[:, row : row + 30]
        yield Strip(row, rows, rows.astype(np.uint8))


def blobs(seed, side=90):
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.standard_normal((side, side)), 2.5) for _ in range(4)]
    return (np.argmax(fields, axis=0) + 1).astype(np.uint8)


numbers = arrays(np.uint8, st.tuples(st.integers(2, 12), st.integers(2, 12)), elements=st.integers(1, 3))


@given(numbers)
def test_noded_polygons_are_a_coverage_of_the_same_places(number):
    found = outlined(number).geometries
    same = noded(found)
    assert shapely.equals(same, found).all()
    assert shapely.coverage_is_valid(same)


@pytest.mark.parametrize("seed", range(3))
def test_simplified_classes_share_their_borders(seed):
    number = blobs(seed)
    found = outlined(number)
    assert not found.overlap
    calm = simplify(found, 25.0)
    before, after = (shapely.get_num_coordinates(one.geometries).sum() for one in (found, calm))
    assert after < 0.5 * before
    assert shapely.coverage_is_valid(calm.geometries)
    union = shapely.coverage_union_all(calm.geometries)
    assert shapely.area(union) == pytest.approx(shapely.area(calm.geometries).sum(), rel=1e-9)
    assert shapely.get_num_interior_rings(union) == 0  # no gap
    assert calm.pixels is found.pixels


def test_classes_that_exclude_each_other_are_simplified_together():
    number = blobs(1)
    presence = np.stack([number == value for value in (1, 2, 3, 4)])
    strips = cut(presence)
    found = outline(strips, grid_of(number))
    assert not found.overlap
    expected = simplify(outlined(number), 20.0)
    assert shapely.equals(simplify(found, 20.0).geometries, expected.geometries).all()


def test_classes_that_overlap_are_simplified_each_by_itself():
    field = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((80, 80)), 3)
    presence = np.stack([field > 0, field > 0.05])
    found = outline([Strip(0, presence, presence.astype(np.uint8))], grid_of(field))
    assert found.overlap
    calm = simplify(found, 20.0)
    for index in (0, 1):
        mine = found.class_index == index
        expected = shapely.coverage_simplify(found.geometries[mine], 20.0)
        assert shapely.equals(calm.geometries[mine], expected).all()


@settings(max_examples=100)
@given(numbers, st.integers(1, 3))
def test_smoothed_classes_share_their_borders(number, rounds):
    found = outlined(number)
    round_ = smooth(found, rounds)
    assert shapely.coverage_is_valid(round_.geometries)
    assert shapely.is_valid(round_.geometries).all()
    union = shapely.coverage_union_all(round_.geometries)
    assert shapely.area(union) == pytest.approx(shapely.area(round_.geometries).sum(), rel=1e-9)
    assert shapely.get_num_interior_rings(union) == 0  # no gap
    assert round_.pixels is found.pixels


@settings(max_examples=60)
@given(arrays(np.bool_, st.tuples(st.integers(1, 16), st.integers(1, 16))), st.integers(1, 3))
def test_smoothed_polygons_stay_valid(presence, rounds):
    found = outline([Strip(0, presence[None], presence[None].astype(np.uint8))], grid_of(presence))
    round_ = smooth(found, rounds)
    assert shapely.is_valid(round_.geometries).all()
    assert shapely.area(shapely.union_all(round_.geometries)) == pytest.approx(shapely.area(round_.geometries).sum())
    assert (shapely.get_num_interior_rings(round_.geometries) == shapely.get_num_interior_rings(found.geometries)).all()


@pytest.mark.parametrize("seed", range(2))
def test_simplified_and_smoothed(seed):
    number = blobs(seed)
    done = smooth(simplify(outlined(number), 20.0), 2)
    assert shapely.is_valid(done.geometries).all()
    assert shapely.coverage_is_valid(done.geometries)


def chaikin(ring):
    """A round of Chaikin's algorithm on an open ring, as the paper has it."""
    after = np.roll(ring, -1, axis=0)
    return np.stack([0.75 * ring + 0.25 * after, 0.25 * ring + 0.75 * after], axis=1).reshape(-1, 2)


def test_a_square_is_cut_as_in_the_paper():
    square = np.array([(0.0, 0.0), (0, 8), (8, 8), (8, 0)])
    one = Detections(shapely.polygons([square]), *(np.zeros(1, int) for _ in range(2)), np.zeros(1), np.zeros(1))
    ring = chaikin(square)
    assert smooth(one, 1).geometries[0].equals(shapely.Polygon(ring))
    assert smooth(one, 1).geometries[0].area == 64 - 4 * 2


def test_a_small_step_in_a_long_border_is_cut_by_its_own_length():
    steps = shapely.Polygon([(0, 0), (100, 0), (100, 10), (50, 10), (50, 9), (0, 9)])
    one = Detections(np.array([steps]), *(np.zeros(1, int) for _ in range(2)), np.zeros(1), np.zeros(1))
    (found,) = smooth(one, 1).geometries
    assert found.contains(shapely.Point(49, 8.99))
    assert {(49.75, 9.0), (50.0, 9.25), (50.0, 9.75), (50.25, 10.0)} <= set(found.exterior.coords)


def test_large_corners_are_not_cut_farther_than_asked():
    one = Detections(np.array([shapely.box(0, 0, 100, 60)]), *(np.zeros(1, int) for _ in range(2)), *np.zeros((2, 1)))
    assert smooth(one, 1, longest=8.0).geometries[0].area == 100 * 60 - 4 * 2


def test_a_corner_with_a_hole_in_it_stays():
    number = np.ones((40, 40), np.uint8)
    number[2, 2] = 0
    (found,) = smooth(outlined(number), 2).geometries
    assert found.is_valid
    assert found.exterior.covers(shapely.Point(500_000.1, 9_000_000.7))


def test_no_rounds_and_nothing():
    found = outlined(blobs(0, side=20))
    assert smooth(found, 0) is found
    nothing = outlined(np.zeros((3, 3), np.uint8))
    assert len(smooth(nothing, 2)) == len(simplify(nothing, 5.0)) == 0
    with pytest.raises(OptionError, match="-1"):
        smooth(found, -1)
