"""Curves against scikit-learn's, before and after they are thinned; reliability by hand and against scikit-learn."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score, roc_curve

from geolabel.scoring.curves import POINTS, curves
from geolabel.scoring.reliability import reliability


def one_class(tiles: int, prevalence: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = (rng.random(tiles) < prevalence).astype(np.float32)
    return target, (1 / (1 + np.exp(1 - rng.normal(size=tiles) - target))).astype(np.float32)


@given(st.integers(0, 9_999), st.integers(4, 60))
def test_every_point_is_on_scikit_learn_s_curve(seed: int, tiles: int) -> None:
    target, probability = one_class(tiles, 0.4, seed)
    probability = probability.round(1)
    target[:2] = 0, 1
    (found,) = curves(target[:, None], probability[:, None], ["a"])
    precision, recall, threshold = precision_recall_curve(target, probability)
    allowed = {tuple(row) for row in np.round(np.stack([recall[:-1], precision[:-1], threshold], 1), 6).tolist()}
    got = found.precision_recall
    assert set(zip(got.recall, got.precision, np.round(got.threshold, 6), strict=True)) <= allowed
    false, true, _ = roc_curve(target, probability, drop_intermediate=False)
    points = list(zip(found.roc.false_positive_rate, found.roc.true_positive_rate, strict=True))
    assert set(points) <= set(zip(np.round(false, 6), np.round(true, 6), strict=True))
    assert auc(*zip(*points, strict=True)) == pytest.approx(
        roc_auc_score(target, probability), abs=1e-5
    )  # no corner lacks
    assert (found.roc.false_positive_rate[0], found.roc.threshold[0]) == (0, np.inf)


@pytest.mark.parametrize("prevalence", [0.5, 0.01])
def test_thinned_curves_keep_their_shape(prevalence: float) -> None:
    target, probability = one_class(20_000, prevalence)
    (found,) = curves(target[:, None], probability[:, None], ["a"])
    roc, line = found.roc, found.precision_recall
    for values in (*asdict(roc).values(), *asdict(line).values()):
        assert 50 < len(values) <= POINTS
    area = auc(roc.false_positive_rate, roc.true_positive_rate)
    assert area == pytest.approx(roc_auc_score(target, probability), abs=0.003)
    assert (roc.false_positive_rate[-1], roc.true_positive_rate[-1], line.recall[-1]) == (1, 1, 1)
    precision, recall, _ = precision_recall_curve(target, probability)
    assert auc(line.recall, line.precision) == pytest.approx(auc(recall, precision), abs=0.01)
    assert len(json.dumps(asdict(found))) < 20_000


def test_a_class_without_presence_has_no_curves() -> None:
    targets = np.array([[0, 1, np.nan], [0, 0, 1], [np.nan, 1, 1]], dtype=np.float32)
    assert [found.name for found in curves(targets, np.full((3, 3), 0.5, np.float32), "abc")] == ["b"]


@pytest.mark.parametrize("equal", ["width", "mass"])
def test_bins_are_scikit_learn_s(equal: str) -> None:
    rng = np.random.default_rng(3)
    probability = rng.random(1_500)
    target = (rng.random(1_500) < probability**2).astype(float)
    found = reliability(target, probability, equal)
    strategy = {"width": "uniform", "mass": "quantile"}[equal]
    share, mean = calibration_curve(target, probability, n_bins=15, strategy=strategy)
    assert found.share == pytest.approx(share, abs=0.011)  # quantiles may put a tile of 100 into the next bin
    assert found.probability == pytest.approx(mean, abs=0.001)
    assert sum(found.tiles) == 1_500
    if equal == "mass":
        assert set(found.tiles) == {100}


def test_calibration_error_by_hand() -> None:
    """Two tiles at .1, none present; two at .9, one present; one unknown: (2 × .1 + 2 × .4) / 4."""
    found = reliability(np.array([0, 0, 1, 0, np.nan]), np.array([0.1, 0.1, 0.9, 0.9, 1.0]))
    assert (found.tiles, found.share) == ((2, 2), (0.0, 0.5))
    assert found.error == pytest.approx(0.25)
    assert np.isnan(reliability(np.array([np.nan]), np.array([0.5])).error)


def test_tiles_of_one_probability_stay_in_one_bin_of_equal_mass() -> None:
    found = reliability(np.tile([0.0, 1.0], 50), np.full(100, 0.3), "mass")
    assert (found.tiles, found.share) == ((100,), (0.5,))
