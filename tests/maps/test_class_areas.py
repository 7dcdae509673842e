"""Outlines of a map of classes are a partition of it: areas add up, class by class, however the rows are cut."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from geolabel.grid import Grid
from geolabel.maps import ClassStrip, outline_classes

_CLASSES = 4
_NUMBERS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(0, _CLASSES))


@settings(max_examples=80)
@given(_NUMBERS, st.integers(1, 24), st.sampled_from([(10.0, -10.0), (0.5, 0.25), (30.0, -20.0)]))
def test_areas_add_up_class_by_class(number: np.ndarray, rows: int, pixel: tuple[float, float]) -> None:
    height, width = number.shape
    grid = Grid("EPSG:32719", Affine(pixel[0], 0, 4e5, 0, pixel[1], 8.6e6), width, height)
    strips = [ClassStrip(row, number[None, row : row + rows]) for row in range(0, height, rows)]
    (found,) = outline_classes(strips, grid)
    pixel_area = abs(pixel[0] * pixel[1])
    areas = shapely.area(found.geometries)
    for value in range(1, _CLASSES + 1):
        mine = found.class_index == value - 1
        assert found.pixels[mine].sum() == (number == value).sum()
        np.testing.assert_allclose(areas[mine].sum(), (number == value).sum() * pixel_area, rtol=1e-12)
    assert shapely.is_valid(found.geometries).all()
    if len(found.geometries):  # nothing is covered twice: holes hold what lies in them
        union = shapely.union_all(found.geometries)
        np.testing.assert_allclose(union.area, (number > 0).sum() * pixel_area, rtol=1e-9)
