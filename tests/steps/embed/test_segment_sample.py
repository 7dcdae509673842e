"""Labelled pixels are drawn fairly, and from whole rasters as from one piece."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import raster
from geolabel.errors import EmptyError
from geolabel.steps.embed.segmentation import blocks as segment_blocks
from geolabel.steps.embed.segmentation.sample import allot, draw_pixels


@dataclass
class Numbers:
    """Labels as an array."""

    all: np.ndarray

    def numbers(self, window):
        return self.all[window.row_off :, window.col_off :][: window.height, : window.width]


@contextmanager
def opened(write_raster, valid: np.ndarray):
    pixels = np.where(valid, 100, 0).astype(np.uint8)
    with raster.open_raster(raster.describe(write_raster("region.tif", pixels[None], nodata=0))) as reader:
        yield reader


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=8), st.integers(1, 50_000))
def test_classes_get_by_their_roots_and_never_more_than_they_have(counts, total):
    counts = np.array(counts)
    given_ = allot(counts, total)
    assert (given_ >= 1).all()
    assert (given_ <= counts).all()
    assert given_.sum() <= total + len(counts)
    # one number times the roots, rounded down, is what classes get that could give more
    open_ = (given_ < counts) & (given_ > 1)
    if open_.any():
        roots = np.sqrt(counts[open_])
        assert (given_[open_] / roots).max() < ((given_[open_] + 1) / roots).min() + 1e-9
    if (given_ < counts).any():
        assert given_.sum() >= total - len(counts) + 1


def test_a_draw_one_can_sum_by_hand():
    assert allot(np.array([100, 10_000, 4]), 220).tolist() == [19, 196, 3]
    assert allot(np.array([9, 9]), 100).tolist() == [9, 9]


def test_pixels_stand_for_all_that_are_labelled_and_valid(write_raster, monkeypatch):
    monkeypatch.setattr(segment_blocks, "_PIECE_PX", 30)
    monkeypatch.setattr(segment_blocks, "_CORE_PX", 16)
    rng = np.random.default_rng(0)
    numbers = rng.choice([0, 2, 5], (70, 80), p=[0.3, 0.65, 0.05]).astype(np.uint8)
    valid = rng.random((70, 80)) < 0.9
    with opened(write_raster, valid) as reader:
        sample = draw_pixels(Numbers(numbers), reader, 500, 7)
        again = draw_pixels(Numbers(numbers), reader, 500, 7)
    assert sample.numbers.tolist() == [2, 5]
    assert np.array_equal(sample.row, again.row)
    assert np.array_equal(sample.col, again.col)
    assert len(np.unique(sample.row * 80 + sample.col)) == len(sample.row)
    assert valid[sample.row, sample.col].all()
    assert np.array_equal(numbers[sample.row, sample.col], sample.numbers[sample.truth])
    there = [((numbers == one) & valid).sum() for one in (2, 5)]
    assert sample.labelled.tolist() == there
    assert np.bincount(sample.truth, sample.weight) == pytest.approx(there)
    assert np.bincount(sample.truth).tolist() == allot(np.array(there), 500).tolist()


def test_every_pixel_has_the_same_chance(write_raster, monkeypatch):
    monkeypatch.setattr(segment_blocks, "_PIECE_PX", 7)
    monkeypatch.setattr(segment_blocks, "_CORE_PX", 3)
    times = np.zeros((10, 12))
    with opened(write_raster, np.ones((10, 12), bool)) as reader:
        for seed in range(300):
            sample = draw_pixels(Numbers(np.ones((10, 12), np.uint8)), reader, 30, seed)
            times[sample.row, sample.col] += 1
    # 300 draws of a quarter: 75 each, with a deviation of 7.5
    assert times.mean() == 75
    assert times.min() > 75 - 4 * 7.5
    assert times.max() < 75 + 4 * 7.5


def test_without_labelled_pixels_there_is_nothing_to_draw(write_raster):
    valid = np.zeros((8, 8), bool)
    valid[0] = True
    numbers = np.ones((8, 8), np.uint8)
    numbers[0] = 0
    with opened(write_raster, valid) as reader, pytest.raises(EmptyError, match="no valid pixel"):
        draw_pixels(Numbers(numbers), reader, 10, 0)
