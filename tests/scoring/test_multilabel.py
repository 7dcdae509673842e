"""Scores against scikit-learn, each class over its known tiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from geolabel.scoring.multilabel import score


def world(seed: int, tiles: int, classes: int, unknown: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((tiles, classes)) < rng.random(classes)).astype(np.float32)
    targets[rng.random((tiles, classes)) < unknown] = np.nan
    probabilities = np.round(rng.random((tiles, classes)), 1).astype(np.float32)  # with ties
    return targets, probabilities


@given(st.integers(0, 9_999), st.integers(1, 40), st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.9]))
def test_every_number_is_scikit_learn_s(seed: int, tiles: int, classes: int, unknown: float) -> None:
    targets, probabilities = world(seed, tiles, classes, unknown)
    thresholds = [0.1 * (1 + column * 2) for column in range(classes)]
    scores = score(targets, probabilities, [f"c{column}" for column in range(classes)], thresholds)
    both = []
    for column, found in enumerate(scores.classes):
        known = ~np.isnan(targets[:, column])
        truth, probability = targets[known, column] == 1, probabilities[known, column]
        guess = probability >= np.float32(thresholds[column])
        assert (found.name, found.tiles, found.positives) == (f"c{column}", known.sum(), truth.sum())
        assert (found.tp + found.fp, found.tp + found.fn) == (guess.sum(), truth.sum())
        assert found.tp + found.fp + found.tn + found.fn == found.tiles
        if guess.any():
            assert found.precision == pytest.approx(metrics.precision_score(truth, guess))
        else:
            assert math.isnan(found.precision)
        if truth.any():
            assert found.recall == pytest.approx(metrics.recall_score(truth, guess))
        if truth.any() or guess.any():
            assert found.f1 == pytest.approx(metrics.f1_score(truth, guess))
        if truth.any() and not truth.all():
            assert found.auc == pytest.approx(metrics.roc_auc_score(truth, probability))
            assert found.average_precision == pytest.approx(metrics.average_precision_score(truth, probability))
            both.append((found.average_precision, found.f1, found.auc))
        else:
            assert math.isnan(found.auc)
            assert math.isnan(found.average_precision)
    means = scores.macro_average_precision, scores.macro_f1, scores.macro_auc
    if both:
        assert means == pytest.approx(np.mean(both, axis=0))
    else:
        assert all(math.isnan(mean) for mean in means)


def test_by_hand() -> None:
    targets = np.array([[1], [0], [1], [0], [np.nan]], dtype=np.float32)
    probabilities = np.array([[0.9], [0.8], [0.7], [0.1], [1.0]], dtype=np.float32)
    (found,) = score(targets, probabilities, ["mine"], [0.75]).classes
    assert (found.tp, found.fp, found.tn, found.fn) == (1, 1, 1, 1)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert found.auc == pytest.approx(3 / 4)


def test_nothing_known_is_no_score() -> None:
    scores = score(np.full((3, 1), np.nan, np.float32), np.zeros((3, 1), np.float32), ["a"], [0.5])
    assert scores.classes[0].tiles == 0
    assert math.isnan(scores.macro_f1)
