"""Seeds, holes and maps of classes: what is kept is what scipy and rasterio say of the whole."""

import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from geolabel.grid import Grid
from geolabel.maps import ClassStrip, Strip, outline, outline_classes, patches

GRID_STEP = 10


def grid_of(height, width):
    return Grid("EPSG:32721", Affine(GRID_STEP, 0, 500_000, 0, -GRID_STEP, 9_000_000), width, height)


def cut(presence, probability, rows=5):
    for row in range(0, presence.shape[1], rows):
        yield Strip(row, presence[:, row : row + rows], probability[:, row : row + rows])


def rows_of(number, rows=5):
    for row in range(0, len(number), rows):
        yield ClassStrip(row, number[None, row : row + rows])


def outlined(strips, grid, **choices):
    (found,) = outline_classes(strips, grid, **choices)
    return found


levels = arrays(np.uint8, st.tuples(st.integers(1, 16), st.integers(1, 16)), elements=st.integers(0, 250))


@settings(max_examples=100)
@given(levels, st.integers(60, 200), st.integers(0, 50))
def test_a_patch_stays_where_it_reaches_the_seed(level, grow, more):
    presence = level >= grow
    found = outline(cut(presence[None], level[None]), grid_of(*level.shape), seeds=[grow + more])
    labels, count = ndimage.label(presence)
    seeded = [one for one in range(1, count + 1) if level[labels == one].max() >= grow + more]
    assert sorted(found.pixels) == sorted((labels == one).sum() for one in seeded)
    assert sorted(found.max_probability) == sorted(level[labels == one].max() for one in seeded)


def test_each_class_has_its_own_seed():
    level = np.array([[[10, 20, 0, 10]], [[10, 20, 0, 10]]], dtype=np.uint8)
    found = outline([Strip(0, level > 0, level)], grid_of(1, 4), seeds=[20, 5])
    assert found.class_index.tolist() == [0, 1, 1]
    assert found.pixels.tolist() == [2, 2, 1]


@settings(max_examples=150)
@given(levels, st.sampled_from([60, 100, 140, 190]), st.integers(2, 30))
def test_filled_holes_are_the_small_ones(level, least, fill):
    """By hand with rasterio: polygons without small interiors, and without those that lie in them."""
    presence = level >= least
    grid = grid_of(*level.shape)
    found = outline(cut(presence[None], level[None]), grid, fill_pixels=fill)
    whole = outline(cut(presence[None], level[None]), grid)
    area = fill * GRID_STEP**2
    kept = [
        shapely.Polygon(one.exterior, [ring for ring in one.interiors if shapely.Polygon(ring).area >= area])
        for one in whole.geometries
    ]
    outer = [
        at
        for at, one in enumerate(kept)
        if not any(shapely.covers(other, one) for place, other in enumerate(kept) if place != at)
    ]
    assert shapely.is_valid(found.geometries).all()
    assert shapely.to_wkb(found.geometries).tolist() == [shapely.normalize(kept[at]).wkb for at in outer]
    for at, one in enumerate(outer):
        within = [place for place, other in enumerate(kept) if shapely.covers(kept[one], other)]
        assert found.pixels[at] == whole.pixels[within].sum()
        assert found.max_probability[at] == whole.max_probability[within].max()
        mean = np.average(whole.mean_probability[within], weights=whole.pixels[within])
        assert found.mean_probability[at] == pytest.approx(mean)


@settings(max_examples=150)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3)), st.integers(1, 14)
)
def test_classes_as_rasterio_has_them(number, rows):
    grid = grid_of(*number.shape)
    found = outlined(rows_of(number, rows), grid)
    expected = {
        (shapely.normalize(shapely.geometry.shape(shape)).wkb, int(value) - 1)
        for shape, value in rasterio.features.shapes(number, mask=number > 0, transform=grid.transform)
    }
    assert set(zip(shapely.to_wkb(found.geometries), found.class_index.tolist(), strict=True)) == expected
    assert np.bincount(found.class_index + 1, found.pixels, minlength=4)[1:].tolist() == [
        (number == value).sum() for value in (1, 2, 3)
    ]
    assert np.isnan(found.mean_probability).all()


def test_a_filled_hole_takes_all_classes_in_it():
    number = np.array(
        [
            [1, 1, 1, 1, 1, 0],
            [1, 2, 2, 2, 1, 0],
            [1, 2, 1, 2, 1, 3],
            [1, 2, 2, 2, 1, 3],
            [1, 1, 1, 1, 1, 0],
        ],
        dtype=np.uint8,
    )
    assert outlined(rows_of(number, 2), grid_of(5, 6)).pixels.tolist() == [16, 1, 8, 2]
    assert outlined(rows_of(number, 2), grid_of(5, 6), fill_pixels=9).pixels.tolist() == [16, 1, 8, 2]
    found = outlined(rows_of(number, 2), grid_of(5, 6), fill_pixels=10)
    assert found.pixels.tolist() == [17, 2]  # the island counts, what was of another class does not
    assert found.geometries[0].equals(shapely.box(500_000, 9_000_000 - 50, 500_050, 9_000_000))


def test_maps_of_several_dates_are_each_as_if_alone():
    rng = np.random.default_rng(3)
    number = rng.integers(0, 3, (3, 30, 20), dtype=np.uint8)
    number[1] = 0
    each = outline_classes((ClassStrip(row, number[:, row : row + 7]) for row in range(0, 30, 7)), grid_of(30, 20))
    assert [len(found) for found in each] == [len(outlined(rows_of(one), grid_of(30, 20))) for one in number]
    for found, one in zip(each, number, strict=True):
        alone = outlined(rows_of(one), grid_of(30, 20))
        assert shapely.to_wkb(found.geometries).tolist() == shapely.to_wkb(alone.geometries).tolist()


def test_what_ends_is_outlined_on_the_way(monkeypatch):
    """As if the map were so large that runs are let go of again and again."""
    rng = np.random.default_rng(5)
    number = (ndimage.gaussian_filter(rng.standard_normal((200, 90)), 2) > 0.03).astype(np.uint8)
    number[20, :] = 2
    whole = outlined(rows_of(number, 200), grid_of(200, 90), min_pixels=3, fill_pixels=20)
    monkeypatch.setattr(patches, "_LEAST", 10)
    for rows in (1, 7):
        found = outlined(rows_of(number, rows), grid_of(200, 90), min_pixels=3, fill_pixels=20)
        assert shapely.to_wkb(found.geometries).tolist() == shapely.to_wkb(whole.geometries).tolist()
        np.testing.assert_array_equal(found.pixels, whole.pixels)


def test_south_up_rasters_too():
    number = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.uint8)
    up = Grid("EPSG:32721", Affine(GRID_STEP, 0, 0, 0, GRID_STEP, 0), 3, 3)
    (found,) = outlined(rows_of(number), up).geometries
    assert found.is_valid
    assert found.area == 7 * GRID_STEP**2
    assert found.normalize().equals_exact(found, 0)


def test_a_strip_of_classes_checks_itself():
    with pytest.raises(ValueError, match=r"\(maps, rows, width\), got \(2, 3\)"):
        ClassStrip(0, np.ones((2, 3), np.uint8))
