"""Colour and texture statistics against a literal transcription, by hand, and by law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.learn.statistics import feature_names, statistics


def by_loops(chip: np.ndarray, seen: np.ndarray) -> list[float]:
    """The docstring of `statistics`, word by word, of one chip (bands, h, w)."""
    bands, height, width = chip.shape
    found = []
    for band in chip.astype(np.float64):
        values = band[seen]
        found += [values.mean(), values.std(), *np.percentile(values, [2, 10, 25, 50, 75, 90, 98])]
        steps = [
            np.hypot(band[row, col + 1] - band[row, col], band[row + 1, col] - band[row, col])
            for row in range(height - 1)
            for col in range(width - 1)
            if seen[row, col] and seen[row, col + 1] and seen[row + 1, col]
        ]
        found += [np.mean(steps), np.std(steps)] if steps else [np.nan, np.nan]
        for reach in (1, 4):
            local = []
            for row, col in np.argwhere(seen):
                window = np.s_[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1]
                local.append(band[window][seen[window]].std())
            found.append(np.mean(local))
    for a in range(bands):
        for b in range(a + 1, bands):
            one, other = chip[a][seen].astype(np.float64), chip[b][seen].astype(np.float64)
            size = np.abs(one) + np.abs(other)
            ratio = np.divide(one - other, size, out=np.zeros_like(size), where=size > 0)
            found += [ratio.mean(), ratio.std()]
    return found


@pytest.mark.parametrize("shape", [(3, 3, 14, 11), (2, 1, 2, 3), (2, 2, 1, 5), (5, 4, 33, 40)])
def test_as_the_words_say(shape: tuple[int, int, int, int]):
    rng = np.random.default_rng(7)
    pixels = rng.normal(0.2, 0.1, shape).astype(np.float32)
    seen = rng.random((shape[0], *shape[2:])) > 0.3
    seen[:, 0, 0] = True
    wanted = [by_loops(chip, mask) for chip, mask in zip(pixels, seen, strict=True)]
    np.testing.assert_allclose(statistics(pixels, seen), wanted, rtol=2e-4, atol=2e-5)


def test_by_hand():
    chip = np.array([[[[0, 4], [3, 4]]], [[[1, 1], [1, 1]]]], np.float32)  # two chips of one band
    table = dict(zip(feature_names(["red"]), statistics(chip, np.ones((2, 2, 2), bool)).T.tolist(), strict=True))
    assert table["mean red"] == [2.75, 1]
    assert table["std red"] == pytest.approx([np.sqrt(2.6875), 0])
    assert table["p50 red"] == [3.5, 1]
    assert table["gradient mean red"] == [5, 0]  # 4 to the right, 3 down
    assert table["gradient std red"] == [0, 0]
    assert table["texture 3 px red"] == pytest.approx([np.sqrt(2.6875), 0], abs=1e-6)


def test_a_normalised_difference_by_hand():
    chip = np.array([0.1, 0.4, 0.0], np.float32).reshape(1, 3, 1, 1)
    names = feature_names(["red", "nir", "dark"])
    found = dict(zip(names, statistics(chip, np.ones((1, 1, 1), bool))[0].tolist(), strict=True))
    assert found["(red - nir) / sum, mean"] == pytest.approx(-0.6)
    assert found["(red - dark) / sum, mean"] == 1
    assert found["(red - nir) / sum, std"] == 0


@given(st.integers(0, 99), st.sampled_from([np.nan, np.inf, -1e30, 0.0]))
def test_what_is_not_valid_does_not_count(seed: int, garbage: float):
    rng = np.random.default_rng(seed)
    pixels = rng.random((4, 2, 7, 9)).astype(np.float32)
    seen = rng.random((4, 7, 9)) > 0.5
    spoilt = np.where(seen[:, None], pixels, garbage).astype(np.float32)
    np.testing.assert_array_equal(statistics(spoilt, seen), statistics(pixels, seen))


def test_a_pixel_that_is_no_number_in_one_band_is_not_valid():
    pixels = np.random.default_rng(0).random((1, 2, 6, 6)).astype(np.float32)
    seen = np.ones((1, 6, 6), bool)
    holed, less = pixels.copy(), seen.copy()
    holed[0, 1, 2, 3], less[0, 2, 3] = np.nan, False
    np.testing.assert_array_equal(statistics(holed, seen), statistics(pixels, less))


@given(st.integers(0, 99))
def test_up_and_down_are_the_same_and_light_is_a_factor(seed: int):
    rng = np.random.default_rng(seed)
    pixels = rng.random((3, 2, 8, 12)).astype(np.float32) + 0.1
    seen = rng.random((3, 8, 12)) > 0.2
    found = statistics(pixels, seen)
    turned = statistics(pixels.transpose(0, 1, 3, 2), seen.transpose(0, 2, 1))
    np.testing.assert_allclose(turned, found, rtol=1e-3, atol=1e-5)
    own = 2 * 13
    bright = statistics(pixels * 2, seen)
    np.testing.assert_allclose(bright[:, :own], 2 * found[:, :own], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(bright[:, own:], found[:, own:], rtol=1e-3, atol=1e-5)


def test_rough_ground_has_more_texture_than_smooth_ground_of_the_same_colours():
    rng = np.random.default_rng(1)
    rough = rng.random((1, 1, 32, 32)).astype(np.float32)
    smooth = np.sort(rough.ravel()).reshape(rough.shape)
    seen = np.ones((2, 32, 32), bool)
    names = feature_names(["red"])
    found = statistics(np.concatenate([rough, smooth]), seen)
    for name in ("mean red", "p90 red", "std red"):
        assert found[0, names.index(name)] == pytest.approx(found[1, names.index(name)], rel=1e-4)
    for name in ("gradient mean red", "texture 3 px red", "texture 9 px red"):
        assert found[0, names.index(name)] > 1.3 * found[1, names.index(name)]


def test_nothing_valid_and_no_chips():
    names = feature_names(["a", "b", "c"])
    assert np.isnan(statistics(np.ones((2, 3, 5, 5), np.float32), np.zeros((2, 5, 5), bool))).all()
    assert statistics(np.ones((0, 3, 5, 5), np.float32), np.zeros((0, 5, 5), bool)).shape == (0, len(names))


@pytest.mark.parametrize(("bands", "pairs"), [(1, 0), (2, 1), (16, 120), (17, 16), (64, 63)])
def test_a_name_for_each_number(bands: int, pairs: int):
    names = feature_names([f"b{at}" for at in range(bands)])
    assert len(set(names)) == len(names) == bands * 13 + pairs * 2
    assert statistics(np.ones((1, bands, 3, 3), np.float32), np.ones((1, 3, 3), bool)).shape == (1, len(names))


def test_percentiles_of_a_large_chip_are_nearly_those_of_all_its_pixels():
    pixels = np.random.default_rng(2).random((1, 1, 224, 224)).astype(np.float32)
    found = statistics(pixels, np.ones((1, 224, 224), bool))[0]
    np.testing.assert_allclose(found[2:9], np.percentile(pixels, [2, 10, 25, 50, 75, 90, 98]), atol=0.03)


def test_a_small_deviation_far_from_zero_is_not_lost():
    rng = np.random.default_rng(3)
    pixels = (10_000 + rng.normal(0, 1, (2, 1, 64, 64))).astype(np.float32)
    found = dict(zip(feature_names(["b"]), statistics(pixels, np.ones((2, 64, 64), bool)).T, strict=True))
    np.testing.assert_allclose(found["std b"], pixels.std(axis=(1, 2, 3), dtype=np.float64), rtol=1e-3)
    assert (np.abs(found["texture 9 px b"] - 1) < 0.05).all()
