"""Numbers of tiles' pixels: against the same, tile by tile and pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.labels import pixel_stats as module
from geolabel.labels.pixel_stats import pixel_stats, stat_names


def by_hand(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Of one tile (bands, height, width)."""
    bands = [band[valid].astype(np.float64) for band in pixels]
    means = [seen.mean() for seen in bands]
    numbers = []
    for band, seen, mean in zip(pixels.astype(np.float64), bands, means, strict=True):
        ordered = np.sort(seen)
        edges = [
            abs(band[row, col] - band[row + down, col + right])
            for row in range(band.shape[0])
            for col in range(band.shape[1])
            for down, right in ((0, 1), (1, 0))
            if row + down < band.shape[0] and col + right < band.shape[1]
            if valid[row, col] and valid[row + down, col + right]
        ]
        quantiles = [ordered[int(np.rint(part * (len(ordered) - 1)))] for part in (0.1, 0.5, 0.9)]
        numbers += [mean, seen.std(), *quantiles, np.mean(edges) if edges else 0.0]
        numbers.append(mean / sum(np.abs(means)) if any(means) else 0.0)
    return np.array(numbers)


@given(st.integers(0, 9_999), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.floats(0, 1))
def test_each_tile_by_hand(seed: int, bands: int, height: int, width: int, share: float):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 3_000, (5, bands, height, width)).astype(np.uint16)
    valid = rng.random((5, height, width)) < share
    found = pixel_stats(pixels, valid)
    assert found.shape == (5, len(stat_names([str(band) for band in range(bands)])))
    for tile in range(5):
        if valid[tile].any():
            np.testing.assert_allclose(found[tile], by_hand(pixels[tile], valid[tile]), rtol=1e-4, atol=0.02)
        else:
            assert np.isnan(found[tile]).all()


def test_what_is_not_valid_does_not_count(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    pixels = rng.normal(0, 1, (9, 2, 40, 40)).astype(np.float32)  # more pixels than are ranked
    valid = rng.random((9, 40, 40)) < 0.7
    spoiled = np.where(valid[:, None], pixels, np.nan)
    before = spoiled.copy()
    whole = pixel_stats(pixels, valid)
    np.testing.assert_array_equal(pixel_stats(spoiled, valid), whole)
    np.testing.assert_array_equal(spoiled, before)
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 1)
    np.testing.assert_array_equal(pixel_stats(pixels, valid), whole)
    seen = np.where(valid, pixels[:, 0], np.nan)
    np.testing.assert_allclose(whole[:, 3], np.nanmedian(seen, axis=(1, 2)), atol=0.15)


def test_no_tiles():
    assert pixel_stats(np.zeros((0, 3, 8, 8), np.uint8), np.zeros((0, 8, 8), bool)).shape == (0, 21)
