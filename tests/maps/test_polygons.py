"""Outlines do not depend on how the rows are cut, and say what scipy and rasterio say of the whole."""

import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from geolabel.errors import OptionError
from geolabel.grid import Grid
from geolabel.maps import Detections, Strip, outline, simplify

SCALE = 0.004


def grid_of(height, width, step=9.7):
    return Grid("EPSG:32721", Affine(step, 0, 500_000.123, 0, -step, 9_000_000.77), width, height)


def cut(presence, probability, rows):
    height = presence.shape[1]
    for row in range(0, height, rows):
        yield Strip(row, presence[:, row : row + rows], probability[:, row : row + rows])


@st.composite
def maps(draw):
    """Presence and probability (classes, rows, width): from empty over labyrinths to nearly full."""
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 14)), draw(st.integers(1, 14)))
    noise = draw(arrays(np.uint8, shape, elements=st.integers(0, 250)))
    return noise < draw(st.sampled_from([25, 100, 150, 190, 225])), draw(
        arrays(np.uint8, shape, elements=st.integers(0, 250))
    )


@settings(max_examples=150, deadline=None)
@given(maps(), st.integers(1, 14), st.integers(1, 4))
def test_the_cut_does_not_matter(drawn, rows, min_pixels):
    presence, probability = drawn
    grid = grid_of(*presence.shape[1:])
    whole = outline(cut(presence, probability, 100), grid, scale=SCALE, min_pixels=min_pixels)
    strips = outline(cut(presence, probability, rows), grid, scale=SCALE, min_pixels=min_pixels)
    assert shapely.is_valid(strips.geometries).all()
    assert shapely.to_wkb(strips.geometries).tolist() == shapely.to_wkb(whole.geometries).tolist()
    for column in ("class_index", "pixels", "mean_probability", "max_probability"):
        np.testing.assert_array_equal(getattr(strips, column), getattr(whole, column))


@settings(max_examples=100, deadline=None)
@given(maps(), st.integers(1, 14))
def test_scipy_and_rasterio_agree(drawn, rows):
    presence, probability = drawn
    grid = grid_of(*presence.shape[1:])
    found = outline(cut(presence, probability, rows), grid, scale=SCALE)
    pixel_area = abs(grid.transform.a * grid.transform.e)
    np.testing.assert_allclose(shapely.area(found.geometries), found.pixels * pixel_area)
    assert found.pixels.sum() == presence.sum()
    for index, (mask, values) in enumerate(zip(presence, probability, strict=True)):
        mine = found.class_index == index
        labels, count = ndimage.label(mask)
        each = np.arange(1, count + 1)
        assert sorted(found.pixels[mine]) == sorted(ndimage.sum(mask, labels, each))
        expected = {
            shapely.normalize(shapely.geometry.shape(shape)).wkb: int(label)
            for shape, label in rasterio.features.shapes(labels, mask=mask, transform=grid.transform)
        }
        label = np.array([expected[polygon.wkb] for polygon in found.geometries[mine]], dtype=int)
        assert sorted(label) == each.tolist()
        np.testing.assert_array_equal(found.pixels[mine], ndimage.sum(mask, labels, label))
        np.testing.assert_allclose(
            found.mean_probability[mine], ndimage.mean(values * SCALE, labels, label), rtol=1e-12
        )
        np.testing.assert_allclose(
            found.max_probability[mine], ndimage.maximum(values * SCALE, labels, label), rtol=1e-12
        )


def test_a_table_to_sum_by_hand():
    presence = np.array([[[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]]], dtype=bool)
    probability = np.array(
        [[[10, 20, 0, 30], [40, 0, 0, 50], [60, 70, 80, 90], [0, 0, 0, 0], [0, 200, 0, 0]]], dtype=np.uint8
    )
    grid = Grid("EPSG:32721", Affine(10, 0, 0, 0, -10, 50), 4, 5)
    found = outline(cut(presence, probability, 1), grid, scale=0.01)
    assert found.pixels.tolist() == [9, 1]
    np.testing.assert_allclose(found.mean_probability, [0.5, 2.0])
    np.testing.assert_allclose(found.max_probability, [0.9, 2.0])
    u_shape = shapely.Polygon(
        [(0, 50), (20, 50), (20, 40), (10, 40), (10, 30), (30, 30), (30, 50), (40, 50), (40, 20), (0, 20)]
    )
    assert found.geometries[0].equals(u_shape)
    assert len(found.geometries[0].exterior.coords) == 11
    assert found.geometries[1].equals(shapely.box(10, 0, 20, 10))


def test_a_hole_that_touches_the_shell_at_a_corner_across_a_seam():
    presence = np.array([[[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 0]]], dtype=bool)
    for rows in (1, 2, 3):
        (ring,) = outline(cut(presence, presence.astype(np.uint8), rows), grid_of(3, 4)).geometries
        assert ring.is_valid
        assert len(ring.interiors) == 1


def test_float_probabilities():
    rng = np.random.default_rng(0)
    presence, probability = rng.random((3, 40, 30)) < 0.6, rng.random((3, 40, 30)).astype(np.float32)
    found = outline(cut(presence, probability, 7), grid_of(40, 30))
    whole = outline(cut(presence, probability, 40), grid_of(40, 30))
    np.testing.assert_allclose(found.mean_probability, whole.mean_probability, rtol=1e-12)
    np.testing.assert_array_equal(found.max_probability, whole.max_probability)


def test_sorted_by_class_then_row_then_column():
    rng = np.random.default_rng(1)
    presence = rng.random((2, 50, 50)) < 0.4
    found = outline(cut(presence, presence.astype(np.uint8), 8), grid_of(50, 50))
    west, _, _, north = shapely.bounds(found.geometries).T
    order = np.lexsort([west, -north, found.class_index])
    np.testing.assert_array_equal(order, np.arange(len(found)))


def test_nothing_found():
    nothing = np.zeros((2, 6, 5), dtype=bool)
    assert len(outline(cut(nothing, nothing.astype(np.uint8), 4), grid_of(6, 5))) == 0


@pytest.mark.parametrize("rows", [[(0, 4)], [(0, 4), (5, 1)], [(4, 2)], [(0, 4), (4, 3)], []])
def test_strips_that_do_not_fit(rows):
    strips = [Strip(row, np.ones((1, n, 5), dtype=bool), np.ones((1, n, 5), np.uint8)) for row, n in rows]
    with pytest.raises(ValueError, match="row"):
        outline(strips, grid_of(6, 5))


def test_a_strip_checks_itself():
    with pytest.raises(ValueError, match=r"\(1, 2, 3\).*\(1, 2, 4\)"):
        Strip(0, np.ones((1, 2, 3), dtype=bool), np.ones((1, 2, 4)))
    with pytest.raises(ValueError, match="classes, rows, width"):
        Strip(0, np.ones((2, 3), dtype=bool), np.ones((2, 3)))
    with pytest.raises(ValueError, match="different lengths"):
        Detections(np.empty(2, object), np.zeros(1, np.int32), np.zeros(2), np.zeros(2), np.zeros(2))


def blobs(seed, side=120):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), 3)
    presence = np.stack([smooth > 0, smooth <= 0])
    return outline(cut(presence, presence.astype(np.uint8), 32), grid_of(side, side, step=10.0), min_pixels=4)


@pytest.mark.parametrize("seed", range(3))
def test_simplified_polygons_of_a_class_do_not_overlap(seed):
    found = blobs(seed)
    calm = simplify(found, 15.0)
    assert shapely.is_valid(calm.geometries).all()
    assert set(shapely.get_type_id(calm.geometries)) == {shapely.GeometryType.POLYGON}
    assert (
        shapely.get_num_coordinates(calm.geometries).sum() < 0.7 * shapely.get_num_coordinates(found.geometries).sum()
    )
    assert calm.pixels is found.pixels
    for index in (0, 1):
        mine = calm.geometries[calm.class_index == index]
        assert shapely.area(shapely.union_all(mine)) == pytest.approx(shapely.area(mine).sum(), rel=1e-9)


def test_simplify_of_nothing_and_by_nothing():
    found = blobs(0)
    assert shapely.equals(simplify(found, 0.0).geometries, found.geometries).all()
    nothing = np.zeros((1, 3, 3), dtype=bool)
    assert len(simplify(outline(cut(nothing, nothing.astype(np.uint8), 3), grid_of(3, 3)), 5.0)) == 0
    with pytest.raises(OptionError, match="-1"):
        simplify(found, -1)
