"""Tile by tile: each answer is the predictor's on the tile cut out."""

import numpy as np
import pytest

from geolabel.learn import windows
from geolabel.learn.windows import Windows
from tests.learn.networks import card


class Told:
    """Answers with sums that can be calculated by hand, and remembers how many tiles it was given at once."""

    card = card("small-cnn", (5, 4))

    def __init__(self):
        self.counts = []

    def __call__(self, pixels, valid):
        self.counts.append(len(pixels))
        first, last = pixels[:, 0, 0, 0], pixels[:, -1, -1, -1]
        return np.stack([first, last, valid.sum((1, 2)), pixels[:, 0].sum((1, 2)), first * 0], axis=1).astype("float32")


@pytest.mark.parametrize("at_once", [1, 500, 1 << 22])
def test_tiles_are_cut_where_they_lie(monkeypatch, at_once):
    monkeypatch.setattr(windows, "_AT_ONCE_BYTES", at_once)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 1000, (4, 20, 30)).astype("uint16")
    valid = rng.random((20, 30)) < 0.7
    rows, cols = np.array([0, 16, 3, 3, 7]), np.array([0, 25, 9, 10, 2])
    predictor = Told()
    found = Windows(predictor)(pixels, valid, rows, cols)
    for answer, row, col in zip(found, rows, cols, strict=True):
        tile, seen = pixels[:, row : row + 4, col : col + 5], valid[row : row + 4, col : col + 5]
        assert answer.tolist() == [tile[0, 0, 0], tile[-1, -1, -1], seen.sum(), tile[0].sum(), 0]
    assert predictor.counts == {1: [1] * 5, 500: [3, 2], 1 << 22: [5]}[at_once]


def test_no_tiles_no_answers():
    nowhere = np.zeros(0, np.int64)
    found = Windows(Told())(np.zeros((4, 4, 5), "uint16"), np.ones((4, 5), bool), nowhere, nowhere)
    assert found.shape == (0, 5)
