"""Outlining and burning undo each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geolabel import raster
from geolabel.grid import Grid, Window

TRANSFORMS = [Affine(10, 0, 500_000, 0, -10, 5_500_000), Affine(0.25, 0, 7, 0, 0.5, 40)]


@given(
    arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)),
    st.sampled_from(TRANSFORMS),
)
def test_burning_outlines_gives_the_same_array(labels: np.ndarray, transform: Affine) -> None:
    grid = Grid("EPSG:32631", transform, labels.shape[1], labels.shape[0])
    polygons, values = raster.polygonise(labels, grid)
    np.testing.assert_array_equal(raster.burn(polygons, values, grid), labels)
    assert shapely.is_valid(polygons).all()
    area = np.zeros(4)
    np.add.at(area, values, shapely.area(polygons))
    pixel = abs(transform.a * transform.e)
    np.testing.assert_allclose(area[1:], np.bincount(labels.ravel(), minlength=4)[1:] * pixel)


def test_patches_that_meet_at_a_corner_are_two() -> None:
    labels = np.array([[7, 0], [0, 7]], dtype=np.int32)
    polygons, values = raster.polygonise(labels, Grid("EPSG:32631", Affine(1, 0, 0, 0, -1, 2), 2, 2))
    assert sorted(shape.bounds for shape in polygons) == [(0, 1, 1, 2), (1, 0, 2, 1)]
    assert values.tolist() == [7, 7]


def test_a_hole_is_a_hole() -> None:
    labels = np.ones((3, 3), dtype=np.int32)
    labels[1, 1] = 0
    (ring,), _ = raster.polygonise(labels, Grid("EPSG:32631", Affine(1, 0, 0, 0, -1, 3), 3, 3))
    assert ring.equals(shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2))


def test_nothing_gives_nothing() -> None:
    grid = Grid("EPSG:32631", Affine(1, 0, 0, 0, -1, 3), 4, 3)
    polygons, values = raster.polygonise(np.zeros((3, 4), dtype=np.int32), grid)
    assert (len(polygons), len(values)) == (0, 0)
    np.testing.assert_array_equal(raster.burn(polygons, values, grid, fill=9), np.full((3, 4), 9))


def test_burning_takes_pixel_centres_and_the_last_lies_on_top() -> None:
    grid = Grid("EPSG:32631", Affine(1, 0, 0, 0, -1, 4), 4, 4)
    shapes = np.array([shapely.box(0, 0, 2.4, 4), shapely.box(1.6, 2, 4, 4)])
    burned = raster.burn(shapes, np.array([1, 2], dtype="uint8"), grid)
    np.testing.assert_array_equal(burned, [[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 0, 0], [1, 1, 0, 0]])
    assert burned.dtype == np.uint8


@pytest.mark.parametrize("seed", range(3))
def test_burning_agrees_with_points_in_polygons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = shapely.buffer(shapely.points(rng.random((6, 2)) * 50), rng.random(6) * 12 + 1)
    grid = Grid("EPSG:32631", Affine(1, 0, 0, 0, -1, 50), 50, 50)
    row, col = np.indices((50, 50))
    expected = np.zeros((50, 50), dtype=int)
    for value, shape in enumerate(shapes, start=1):
        expected[shapely.contains_xy(shape, col + 0.5, 50 - row - 0.5)] = value
    np.testing.assert_array_equal(raster.burn(shapes, np.arange(1, 7, dtype="uint8"), grid), expected)


def test_real_land_cover_outlined_and_burned(shared_data: Path) -> None:
    info = raster.describe(shared_data / "clc-granada" / "clc.tif")
    with rasterio.open(info.path) as dataset:
        stored = dataset.read(1)
    labels = np.where(stored == info.nodata, 0, stored).astype(np.int32)
    assert len(np.unique(labels)) > 10
    polygons, values = raster.polygonise(labels, info.place)
    np.testing.assert_array_equal(raster.burn(polygons, values, info.place), labels)
    part = Window(100, 200, 64, 48)
    burned = raster.burn(polygons, values, info.place.part(part))
    np.testing.assert_array_equal(burned, labels[200:248, 100:164])
