"""Tiles as little pictures in one stretch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.steps.exploring.pictures import area_weights, painter_of


@given(st.integers(1, 60), st.integers(1, 60))
def test_cells_share_all_pixels_evenly(length: int, side: int) -> None:
    weights = area_weights(length, side)
    assert weights.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert weights.sum(axis=0) == pytest.approx(side / length, abs=1e-5)


def test_reduced_pictures_are_means_of_blocks() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 12, 8), dtype=np.uint8)
    valid = np.ones((5, 12, 8), bool)
    painter = painter_of(np.array([0, 255], np.uint8).repeat(300).reshape(2, 3, 10, 10), np.ones((2, 10, 10), bool),
                         ("red", "green", "blue"), "uint8")  # fmt: skip
    shown = painter.pictures(pixels, valid, 4)
    blocks = pixels.reshape(5, 3, 4, 3, 4, 2).mean(axis=(3, 5)).transpose(0, 2, 3, 1)
    assert np.abs(shown - blocks).max() <= 0.51


def test_small_tiles_are_enlarged_pixel_by_pixel() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2) * 20
    valid = np.ones((1, 2, 2), bool)
    painter = painter_of(np.full((1, 3, 2, 2), 255, np.uint8), valid, ("red", "green", "blue"), "uint8")
    shown = painter.pictures(pixels, valid, 6)
    assert np.array_equal(shown[0], pixels[0].transpose(1, 2, 0).repeat(3, axis=0).repeat(3, axis=1))


def test_nodata_is_white_and_does_not_dim_its_neighbours() -> None:
    pixels = np.full((1, 3, 4, 4), 100, np.uint8)
    pixels[:, :, :, 2:] = 0
    valid = np.ones((1, 4, 4), bool)
    valid[:, :, 1:] = False
    painter = painter_of(np.full((1, 3, 4, 4), 200, np.uint8), np.ones((1, 4, 4), bool), "abc", "uint8")
    shown = painter.pictures(pixels, valid, 2)
    assert shown[0, :, :, 0].tolist() == [[128, 255], [128, 255]]  # half of the left cells is seen, none of the right


def test_all_tiles_have_one_stretch_and_true_colour_keeps_its_tint() -> None:
    rng = np.random.default_rng(1)
    physical = rng.uniform(0.02, 0.3, (8, 4, 16, 16)).astype(np.float32)
    physical[:, 0] *= 2
    names = ("nir", "red", "green", "blue")
    valid = np.ones((8, 16, 16), bool)
    painter = painter_of(physical, valid, names, "float32")
    assert painter.bands == (1, 2, 3)
    assert len(set(painter.stretch.low)) == len(set(painter.stretch.high)) == 1
    false = painter_of(physical[:, :3], valid, names[:3], "float32")
    assert false.caption.startswith("false colour")
    assert len(set(false.stretch.high)) == 3
    grey = painter_of(physical[:, :1], valid, ("height",), "float32").pictures(physical[:, :1], valid, 8)
    assert (grey == grey[..., :1]).all()


def test_physical_values_that_are_no_numbers_are_not_seen() -> None:
    physical = np.ones((1, 3, 4, 4), np.float32)
    physical[0, 1, 0, 0] = np.nan
    valid = np.ones((1, 4, 4), bool)
    painter = painter_of(physical, valid, "abc", "float32")
    shown = painter.pictures(physical, valid, 4)
    assert shown[0, 0, 0].tolist() == [255, 255, 255]
