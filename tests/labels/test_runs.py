"""Scan lines over areas: against areas of geometry, where what lies on top is worked out by GEOS."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.labels.areas import Areas
from geolabel.labels.exact import exact_tally
from geolabel.labels.runs import Runs, runs_of_areas, side_by_side, stacked_runs
from geolabel.labels.tally import Tally, tally

ONE_TILE = tuple(np.array([value]) for value in (0, 0, 64, 64))


def star(rng: np.random.Generator, corners: int = 12) -> shapely.Polygon:
    """A crooked outline, sometimes with a hole."""
    centre, radius = rng.uniform(-5, 69, 2), rng.uniform(3, 30)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    length = radius * rng.uniform(0.4, 1, corners)
    shell = centre + np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    polygon = shapely.make_valid(shapely.Polygon(shell), method="structure")
    if rng.random() < 0.5:
        polygon = polygon.difference(shapely.Point(centre).buffer(radius * 0.2))
    return polygon


def areas_of(rng: np.random.Generator, count: int, classes: int) -> Areas:
    shapes = np.array([star(rng) for _ in range(count)], dtype=object)
    kept = shapely.area(shapes) > 0
    return Areas(shapes[kept], rng.integers(1, classes + 1, count).astype(np.uint8)[kept])


def along_lines(areas: Areas, per_row: int, rows: tuple[int, int] = (0, 64)) -> Tally:
    runs = runs_of_areas(areas.rings(), rows[0], rows[1] - rows[0], (0, 64), per_row)
    return tally([runs], ONE_TILE, rows, 4, per_row)


def test_a_rectangle_is_exact_between_its_sides() -> None:
    areas = Areas(np.array([shapely.box(1.25, 2, 7.5, 4)]), np.array([3], np.uint8))
    runs = runs_of_areas(areas.rings(), 0, 6, (0, 10), 1)
    assert (runs.end - runs.begin).tolist() == [0, 0, 2, 2, 0, 0]
    np.testing.assert_allclose(runs.x, [1.25, 7.5, 1.25, 7.5], atol=1e-5)
    assert runs.number.tolist() == [3, 0, 3, 0]


def test_what_lies_on_top_and_what_shows_through_a_hole() -> None:
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
    areas = Areas(np.array([shapely.box(2, 0, 8, 10), ring]), np.array([1, 2], np.uint8))
    line = runs_of_areas(areas.rings(), 5, 1, (0, 10), 1)
    np.testing.assert_allclose(line.x, [0, 4, 6, 10], atol=1e-5)
    assert line.number.tolist() == [2, 1, 2, 0]


def test_nothing_gives_empty_lines() -> None:
    nothing = Areas(np.empty(0, dtype=object), np.zeros(0, np.uint8))
    runs = runs_of_areas(nothing.rings(), 0, 5, (0, 10), 2)
    assert len(runs.begin) == 10
    assert len(runs.x) == 0
    assert along_lines(nothing, 1).merged[0, 0] == pytest.approx(64 * 64)


@given(st.integers(0, 99_999), st.integers(1, 25))
@settings(deadline=None)
def test_lines_agree_with_geometry(seed: int, count: int) -> None:
    areas = areas_of(np.random.default_rng(seed), count, 4)
    expected = np.zeros(6)
    free = shapely.box(0, 0, 64, 64)
    for shape, number in zip(areas.geometries[::-1], areas.number[::-1], strict=True):  # from the top
        expected[number] += free.intersection(shape).area
        free = free.difference(shape)
    expected[0] = free.area
    found = along_lines(areas, 16).merged[0]
    np.testing.assert_allclose(found, expected, atol=0.0025 * 64 * 64)
    assert found.sum() == pytest.approx(64 * 64)
    exact = exact_tally([areas], ONE_TILE, (0, 64), 4).merged[0]
    np.testing.assert_allclose(exact, expected, atol=1e-6 * 64 * 64)


@given(st.integers(0, 99_999))
@settings(deadline=None)
def test_denser_lines_err_less(seed: int) -> None:
    areas = areas_of(np.random.default_rng(seed), 6, 4)
    truth = exact_tally([areas], ONE_TILE, (0, 64), 4).merged
    error = [np.abs(along_lines(areas, per_row).merged - truth).max() for per_row in (1, 64)]
    assert error[1] <= error[0] + 0.05
    assert error[1] < 1.0  # of 4,096 px


@given(st.integers(0, 99_999), st.integers(1, 63))
@settings(deadline=None)
def test_bands_put_together_are_the_whole(seed: int, cut: int) -> None:
    areas = areas_of(np.random.default_rng(seed), 8, 4)
    whole = along_lines(areas, 2).merged
    parts = along_lines(areas, 2, (0, cut)).merged + along_lines(areas, 2, (cut, 64)).merged
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    pieces = [runs_of_areas(areas.rings(), top, high, (0, 64), 2) for top, high in ((0, cut), (cut, 64 - cut))]
    joined: Runs = stacked_runs(pieces)
    np.testing.assert_allclose(tally([joined], ONE_TILE, (0, 64), 4, 2).merged, whole, atol=1e-9)


def test_a_partition_leaves_nothing_out() -> None:
    points = shapely.multipoints(np.random.default_rng(2).uniform(0, 64, (40, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(0, 0, 64, 64)))
    found = along_lines(Areas(cells, np.ones(len(cells), np.uint8)), 1).merged[0]
    assert found[1] == pytest.approx(64 * 64, rel=1e-5)


def test_exact_areas_of_earlier_sources_win() -> None:
    one = Areas(np.array([shapely.box(0, 0, 32, 64)]), np.array([1], np.uint8))
    other = Areas(np.array([shapely.box(16, 0, 48, 64)]), np.array([2], np.uint8))
    found = exact_tally([one, other], ONE_TILE, (0, 64), 4)
    np.testing.assert_allclose(found.merged[0], np.array([16, 32, 16, 0, 0, 0]) * 64)
    np.testing.assert_allclose(found.speaker[0], np.array([32, 16]) * 64)
    np.testing.assert_allclose(found.by_source[0, 1], np.array([32, 0, 32, 0, 0, 0]) * 64)


def test_exact_areas_where_many_tiles_meet_one_area() -> None:
    disc = shapely.Point(32, 32).buffer(30, quad_segs=400)
    col, row = (axis.ravel() for axis in np.meshgrid(np.arange(0, 64, 4), np.arange(0, 64, 4)))
    size = np.full(len(col), 4)
    found = exact_tally([Areas(np.array([disc]), np.array([1], np.uint8))], (col, row, size, size), (0, 64), 1)
    expected = [shapely.box(x, y, x + 4, y + 4).intersection(disc).area for x, y in zip(col, row, strict=True)]
    np.testing.assert_allclose(found.merged[:, 1], expected, atol=1e-9)


@given(st.integers(0, 99_999), st.integers(1, 12))
@settings(deadline=None)
def test_cells_and_geometry_agree_wherever_tiles_lie(seed: int, count: int) -> None:
    """Two ways to the same areas: trapezia in the cells between all edges of tiles, and GEOS tile by tile."""
    rng = np.random.default_rng(seed)
    areas = areas_of(rng, count, 4)
    tiles = rng.integers(0, 40, 9), rng.integers(0, 40, 9), rng.integers(1, 24, 9), rng.integers(1, 24, 9)
    found = exact_tally([areas], tiles, (0, 64), 4).merged
    free = shapely.box(0, 0, 64, 64)
    expected = np.zeros((9, 6))
    boxes = shapely.box(tiles[0], tiles[1], tiles[0] + tiles[2], tiles[1] + tiles[3])
    for shape, number in zip(areas.geometries[::-1], areas.number[::-1], strict=True):  # from the top
        expected[:, number] += shapely.area(shapely.intersection(boxes, free.intersection(shape)))
        free = free.difference(shape)
    expected[:, 0] = shapely.area(boxes) - expected.sum(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(st.integers(0, 9_999), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_pieces_side_by_side_say_what_they_say_each(seed: int, widths: list[int]) -> None:
    """Runs that change with chance, in pieces whose lines may begin late or have nothing at all."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum([0, *widths])
    truth = rng.integers(0, 3, (5, edges[-1])) * rng.integers(0, 2, (5, 1))
    pieces = []
    for left, right in pairwise(edges):
        part = np.column_stack([np.zeros(5, int), truth[:, left:right]])
        line, at = np.nonzero(np.diff(part, axis=1))
        counts = np.bincount(line, minlength=5)
        end = np.cumsum(counts)
        pieces.append(Runs(end - counts, end, (left + at).astype(float), truth[line, left + at].astype(np.uint8)))
    found = side_by_side(pieces, edges[:-1].tolist())
    for row in range(5):
        x = found.x[found.begin[row] : found.end[row]]
        number = found.number[found.begin[row] : found.end[row]]
        assert (np.diff(x) > 0).all()
        at = np.searchsorted(x, np.arange(edges[-1]) + 0.5) - 1
        assert np.where(at >= 0, np.append(number, 0)[at], 0).tolist() == truth[row].tolist()
