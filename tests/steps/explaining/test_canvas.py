"""Tiles that overlap become one layer: the weighted mean, whatever the strips."""

from __future__ import annotations

import numpy as np
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.grid import Grid
from geolabel.steps.explaining.canvas import Canvas
from geolabel.steps.explaining.layer import canvas_on


def whole(canvas: Canvas) -> np.ndarray:
    """All that is left, one strip above the other."""
    parts = list(canvas.finished(canvas.height))
    assert [top for top, _ in parts] == list(np.cumsum([0, *(part.shape[1] for _, part in parts)])[:-1])
    return np.concatenate([part for _, part in parts], axis=1)


def test_a_table_by_hand():
    canvas = Canvas(bands=2, width=3, height=2, rows=1)
    canvas.show(0, 0, np.array([[True, True, True], [True, True, False]]))
    canvas.add(0, 0, np.ones((2, 2), np.float32), {0: np.full((2, 2), 4, np.float32)})
    canvas.add(0, 1, np.full((2, 2), 3, np.float32), {})  # seen, and nothing found: 0
    found = whole(canvas)
    assert np.array_equal(found[0], [[4, 1, 0], [4, 1, np.nan]], equal_nan=True)  # (1 · 4 + 3 · 0) / 4
    assert np.array_equal(found[1], [[0, 0, 0], [0, 0, np.nan]], equal_nan=True)  # nobody spoke of it


def test_what_lies_beyond_the_layer_is_left_out():
    canvas = Canvas(bands=1, width=2, height=2, rows=16)
    canvas.show(0, 0, np.ones((2, 2), dtype=bool))
    canvas.add(1, 1, np.ones((4, 4), np.float32), {0: np.full((4, 4), 7, np.float32)})
    assert np.array_equal(whole(canvas)[0], [[np.nan, np.nan], [np.nan, 7]], equal_nan=True)


@given(st.integers(1, 20), st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_strips_and_flushes_do_not_matter(rows: int, seed: int, tiles: int):
    rng = np.random.default_rng(seed)
    height, width, side = 17, 11, 5
    canvas = Canvas(1, width, height, rows)
    sums, weights, shown = np.zeros((height, width)), np.zeros((height, width)), rng.random((height, width)) < 0.8
    got: list[np.ndarray] = []
    for row in range(height):
        canvas.show(row, 0, shown[row : row + 1])
    for row in np.sort(rng.integers(0, height - side + 1, tiles)).tolist():
        col = int(rng.integers(0, width - side + 1))
        weight, values = rng.random((2, side, side)).astype(np.float32) + 0.1
        got += [part for _, part in canvas.finished(row)]
        canvas.add(row, col, weight, {0: values})
        sums[row : row + side, col : col + side] += weight * values
        weights[row : row + side, col : col + side] += weight
    got += [part for _, part in canvas.finished(height)]
    wanted = np.where(shown & (weights > 0), sums / np.maximum(weights, 1e-9), np.nan)
    found = np.concatenate(got, axis=1)[0]
    assert found.shape == (height, width)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_it_holds_no_more_than_what_is_under_way():
    canvas = Canvas(bands=1, width=8, height=100_000, rows=16)
    for row in range(0, 100_000 - 24, 12):
        list(canvas.finished(row))
        canvas.add(row, 0, np.ones((24, 8), np.float32), {})
        assert len(canvas._strips) <= 3


def test_bytes_go_by_the_bands_that_are_spoken_of():
    """Of 88 bands, 29,952 px wide, a class found in two: what is given out at once, and what is held."""
    canvas = canvas_on(Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 29_952, 48), 88)
    assert canvas.rows == 16
    assert canvas_on(Grid("EPSG:32631", Affine.identity(), 9_000, 5_000), 1).rows == 512
    assert canvas_on(Grid("EPSG:32631", Affine.identity(), 9_000, 5_000), 8).rows == 64
    for col in range(0, 29_952, 48):
        values = np.ones((48, 48), np.float32)
        canvas.add(0, col, values, {3: values, 60: values})
        canvas.show(0, col, values > 0)
    held = sum(
        strip.weights.nbytes + strip.shown.nbytes + sum(one.nbytes for one in strip.sums.values())
        for strip in canvas._strips.values()
    )
    assert held == 48 * 29_952 * (4 + 1 + 2 * 4)
