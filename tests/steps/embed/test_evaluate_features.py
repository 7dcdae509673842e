"""What an embedding must beat: pixels, colours and principal components, against numpy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from geolabel.learn.chips import Chips
from geolabel.learn.statistics import statistics
from geolabel.model import BandContract
from geolabel.steps.embed.evaluation.features import colour_features, pixel_features, principal_features

BANDS = (BandContract("red", 0.5, 10.0, 0.0, 1.0), BandContract("nir", 2.0, 0.0, 0.0, 1.0))
TRAIN = np.arange(8)


def chips(count: int = 12, height: int = 16, width: int = 20) -> Chips:
    rng = np.random.default_rng(0)
    return Chips(rng.integers(0, 200, (count, 2, height, width)).astype("uint8"), np.ones((count, height, width), bool))


def test_pixels_of_small_chips_are_standardised_by_band():
    seen = chips()
    physical = seen.pixels * np.array([0.5, 2.0]).reshape(1, 2, 1, 1) + np.array([10.0, 0.0]).reshape(1, 2, 1, 1)
    mean, deviation = (by(physical[TRAIN], axis=(0, 2, 3), keepdims=True) for by in (np.mean, np.std))
    found = pixel_features(seen, BANDS, TRAIN)
    assert found.dtype == np.float32
    assert found == pytest.approx(((physical - mean) / deviation).reshape(12, -1), abs=1e-5)


def test_larger_chips_are_reduced_by_the_mean_of_what_is_valid():
    seen = chips(height=48, width=96)
    seen.valid[0, :2, :4] = False  # a whole cell
    seen.valid[1, 0, :4] = False  # half of one
    cells = seen.pixels.reshape(12, 2, 24, 2, 24, 4).astype(float)
    means = cells.mean(axis=(3, 5))
    means[1, :, 0, 0] = cells[1, :, 0, 1, 0].mean(axis=1)
    means[0, :, 0, 0] = np.nan
    standard = (means - np.nanmean(means[TRAIN], axis=(0, 2, 3), keepdims=True)) / np.nanstd(
        means[TRAIN], axis=(0, 2, 3), keepdims=True
    )
    found = pixel_features(seen, BANDS, TRAIN).reshape(12, 2, 24, 24)
    assert found == pytest.approx(np.nan_to_num(standard), abs=1e-4)
    assert (found[0, :, 0, 0] == 0).all()


def test_odd_sides_are_cut_into_cells_that_are_whole_pixels():
    seen = chips(height=25, width=30)
    constant = Chips(np.full_like(seen.pixels, 7), seen.valid)
    assert pixel_features(seen, BANDS, TRAIN).shape == (12, 2 * 24 * 24)
    assert (pixel_features(constant, BANDS, TRAIN) == 0).all()


def test_colours_are_statistics_standardised_as_training_chips_are():
    seen = chips()
    scale, offset = (np.array(values, np.float32).reshape(2, 1, 1) for values in ((0.5, 2.0), (10.0, 0.0)))
    told = statistics(seen.pixels.astype(np.float32) * scale + offset, seen.valid)
    found = colour_features(seen, BANDS, TRAIN)
    wanted = (told - told[TRAIN].mean(axis=0)) / told[TRAIN].std(axis=0)
    assert found == pytest.approx(wanted, abs=2e-3)


def test_chips_without_a_valid_pixel_are_as_the_mean():
    seen = chips()
    seen.valid[:] = False
    for found in (pixel_features(seen, BANDS, TRAIN), colour_features(seen, BANDS, TRAIN)):
        assert (found == 0).all()


def test_principal_components_are_fitted_on_training_rows():
    features = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    found = principal_features(features, 3, np.arange(25), 0)
    wanted = PCA(3).fit(features[:25]).transform(features)
    assert found == pytest.approx(wanted, abs=1e-4)
    assert principal_features(features, 64, np.arange(4), 0).shape == (40, 4)
