"""Confusion of exclusive groups against scikit-learn, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from geolabel.scoring.confusion import confusion
from geolabel.scoring.multilabel import score


@given(st.integers(0, 9_999), st.integers(1, 50), st.integers(2, 4))
def test_scikit_learn_s(seed: int, tiles: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(classes, size=(2, tiles))
    found = confusion(np.eye(classes)[truth], guess, [str(number) for number in range(classes)])
    labels = list(range(classes))
    assert np.array_equal(found.matrix, metrics.confusion_matrix(truth, guess, labels=labels))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, guess))
    expected = metrics.precision_recall_fscore_support(truth, guess, labels=labels, zero_division=np.nan)
    given_ = [[one.precision for one in found.classes], [one.recall for one in found.classes]]
    assert np.array(given_) == pytest.approx(np.array(expected[:2]), nan_ok=True)
    assert [one.tiles for one in found.classes] == expected[3].tolist()


def test_what_is_unknown_or_no_choice_is_left_out() -> None:
    targets = np.array([[1, 0], [np.nan, np.nan], [1, np.nan], [0, 0], [1, 1], [0, 1]])
    found = confusion(targets, np.array([0, 0, 0, 1, 1, 0]), ["clear", "haze"])
    assert found.matrix == ((1, 0), (1, 0))
    assert (found.tiles, found.left_out, found.accuracy) == (2, 4, 0.5)
    assert (found.classes[0].precision, found.classes[1].recall) == (0.5, 0.0)
    assert math.isnan(found.classes[1].precision)


def test_part_of_the_scores_by_what_was_detected() -> None:
    targets = np.array([[1, 0, 1], [0, 1, 1]], dtype=np.float32)
    probabilities = np.array([[0.45, 0.55, 0.1], [0.2, 0.8, 0.9]], dtype=np.float32)
    likeliest = score(targets, probabilities, "abc", [0.5] * 3, exclusive=[slice(0, 2)])
    assert likeliest.confusions[0].matrix == ((0, 1), (0, 1))
    detected = np.array([[1, 0, 0], [0, 1, 1]], dtype=bool)
    told = score(targets, probabilities, "abc", [0.5] * 3, detected, exclusive=[slice(0, 2)])
    assert told.confusions[0].matrix == ((1, 0), (0, 1))
    assert told.confusions[0].names == ("a", "b")
