"""Pieces of a tile: all of its valid pixels, none twice, along what can be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

from geolabel.learn.explain import superpixels
from tests.learn.explain.planted import card_of, noise


@given(bands=st.integers(1, 13), count=st.integers(2, 90), cut=st.integers(0, 24), seed=st.integers(0, 99))
def test_valid_pixels_are_numbered_without_gaps_and_no_others(bands, count, cut, seed):
    pixels, valid = noise(24, bands, seed)
    valid[:cut] = False
    found = superpixels(card_of(bands=bands), pixels, valid, count)
    assert np.array_equal(found >= 0, valid)
    assert np.array_equal(np.unique(found[valid]), np.arange(found.max() + 1))
    assert np.array_equal(found, superpixels(card_of(bands=bands), pixels, valid, count))


def test_pieces_end_where_something_else_begins():
    row, col = np.indices((64, 64))
    planted = (row >= 30) + 2 * (col >= 27)
    pixels, valid = noise(64, 3)
    pixels += (200 * planted).astype("uint16")
    found = superpixels(card_of(bands=3), pixels, valid, 60)
    assert all(label(found == one)[1] == 1 for one in range(found.max() + 1)), "each hangs together"

    def astray(pieces: np.ndarray) -> float:
        """Share of pixels that are of another kind than most of their piece."""
        counts = np.array([np.bincount(planted[pieces == one], minlength=4) for one in range(pieces.max() + 1)])
        return 1 - counts.max(axis=1).sum() / counts.sum()

    assert astray(found) < 0.01
    assert astray(row // 8 * 8 + col // 8) > 0.05


def test_how_values_are_stored_does_not_matter():
    pixels, valid = noise(48, 4)
    card = card_of(bands=4)
    plain = replace(card, bands=tuple(replace(band, scale=1.0, offset=0.0) for band in card.bands))
    physical = pixels * 0.1 - 5.0
    assert np.array_equal(superpixels(card, pixels, valid, 40), superpixels(plain, physical, valid, 40))


def test_a_tile_without_structure_is_cut_all_the_same():
    valid = np.ones((32, 32), bool)
    found = superpixels(card_of(), np.full((2, 32, 32), 7, "uint8"), valid, 16)
    assert 9 <= found.max() + 1 <= 25
