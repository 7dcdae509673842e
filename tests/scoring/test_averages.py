"""Averages against scikit-learn, by hand, and with the unknown left out."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from geolabel.scoring.multilabel import Scores, detect, score
from tests.scoring.test_multilabel import world


def scores_of(targets: np.ndarray, probabilities: np.ndarray, detected: np.ndarray | None = None) -> Scores:
    classes = targets.shape[1]
    return score(targets, probabilities, [f"c{column}" for column in range(classes)], [0.5] * classes, detected)


@given(st.integers(0, 9_999), st.integers(2, 40), st.integers(2, 5))
def test_all_known_is_scikit_learn_s(seed: int, tiles: int, classes: int) -> None:
    targets, probabilities = world(seed, tiles, classes, 0.0)
    scores = scores_of(targets, probabilities)
    truth, guess = targets.astype(int), (probabilities >= 0.5).astype(int)
    one = {"average": "samples", "zero_division": 1.0}
    assert scores.samples.f1 == pytest.approx(metrics.f1_score(truth, guess, **one))
    assert scores.samples.f2 == pytest.approx(metrics.fbeta_score(truth, guess, beta=2, **one))
    assert scores.samples.jaccard == pytest.approx(metrics.jaccard_score(truth, guess, **one))
    assert scores.samples.exact_match == pytest.approx(metrics.accuracy_score(truth, guess))
    assert scores.hamming_score == pytest.approx(1 - metrics.hamming_loss(truth, guess))
    both = truth.any(axis=0) & ~truth.all(axis=0)
    for average, found, columns in (("micro", scores.micro, slice(None)), ("macro", scores.macro, both)):
        if not truth[:, columns].any() or not guess[:, columns].any():
            continue
        asked = truth[:, columns], guess[:, columns]
        how = {"average": average, "zero_division": 0.0}
        if asked[0].shape[1] == 1:  # scikit-learn takes one column for a binary problem, which has other averages
            asked, how["average"] = (asked[0][:, 0], asked[1][:, 0]), "binary"
        assert found.precision == pytest.approx(metrics.precision_score(*asked, **how))
        assert found.recall == pytest.approx(metrics.recall_score(*asked, **how))
        assert found.f1 == pytest.approx(metrics.f1_score(*asked, **how))
        assert found.f2 == pytest.approx(metrics.fbeta_score(*asked, beta=2, **how))
        assert found.jaccard == pytest.approx(metrics.jaccard_score(*asked, **how))


@given(st.integers(0, 9_999), st.integers(1, 30), st.integers(1, 5), st.sampled_from([0.2, 0.8]))
def test_a_tile_is_scored_on_what_is_known_in_it(seed: int, tiles: int, classes: int, unknown: float) -> None:
    targets, probabilities = world(seed, tiles, classes, unknown)
    found = scores_of(targets, probabilities).samples
    f2, exact = [], []
    for target, probability in zip(targets, probabilities, strict=True):
        known = ~np.isnan(target)
        if known.any():
            there, seen = set(np.flatnonzero(target == 1)), set(np.flatnonzero(known & (probability >= 0.5)))
            tp, missed, false = len(there & seen), len(there - seen), len(seen - there)
            f2.append(5 * tp / (5 * tp + 4 * missed + false) if there | seen else 1.0)
            exact.append(there == seen)
    assert found.tiles == len(f2)
    assert (found.f2, found.exact_match) == pytest.approx(
        (np.mean(f2), np.mean(exact)) if f2 else (math.nan,) * 2, nan_ok=True
    )


def test_kaggle_s_f2_by_hand() -> None:
    """3 tags, 2 of them found and 1 false one: P = R = 2/3. 1 tag, among 3 found: 5/3 / (4/3 + 1)."""
    targets = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], dtype=np.float32)
    found = np.array([[1, 1, 0, 1], [1, 1, 1, 0]], dtype=np.float32)
    assert scores_of(targets, found).samples.f2 == pytest.approx((2 / 3 + 5 / 7) / 2)


def test_both_meanings_of_hamming_score_differ() -> None:
    targets = np.array([[1, 0, 0, 0]], dtype=np.float32)
    scores = scores_of(targets, np.array([[1, 1, 0, 0]], dtype=np.float32))
    assert (scores.hamming_score, scores.samples.jaccard) == (0.75, 0.5)


def test_nothing_there_and_nothing_found_is_full_agreement_and_counted() -> None:
    scores = scores_of(np.array([[0, np.nan], [1, 0]], np.float32), np.array([[0.1, 0.9], [0.1, 0.1]], np.float32))
    assert (scores.samples.empty, scores.samples.f1, scores.samples.exact_match) == (1, 0.5, 0.5)


@given(st.integers(0, 9_999), st.integers(0, 40), st.sampled_from([0.0, 0.3]))
def test_unknown_entries_do_not_count(seed: int, tiles: int, unknown: float) -> None:
    """Whatever is predicted where nothing is known, no score changes."""
    targets, probabilities = world(seed, tiles, 3, unknown)
    other = np.where(np.isnan(targets), 1 - probabilities, probabilities).astype(np.float32)
    assert repr(scores_of(targets, probabilities)) == repr(scores_of(targets, other))


@given(st.integers(0, 9_999), st.integers(1, 40), st.sampled_from([0.0, 0.5]))
def test_every_class_number_by_its_definition(seed: int, tiles: int, unknown: float) -> None:
    targets, probabilities = world(seed, tiles, 2, unknown)
    for column, found in enumerate(scores_of(targets, probabilities).classes):
        known = ~np.isnan(targets[:, column])
        truth, guess = targets[known, column] == 1, probabilities[known, column] >= 0.5
        sensitivity = guess[truth].mean() if truth.any() else math.nan
        specificity = (~guess[~truth]).mean() if (~truth).any() else math.nan
        if truth.any() or guess.any():
            assert found.f2 == pytest.approx(metrics.fbeta_score(truth, guess, beta=2))
            assert found.jaccard == pytest.approx(metrics.jaccard_score(truth, guess))
        accuracy = (truth == guess).mean() if known.any() else math.nan
        brier = (
            metrics.brier_score_loss(truth, probabilities[known, column], pos_label=True) if known.any() else math.nan
        )
        expected = sensitivity, sensitivity, specificity, math.sqrt(sensitivity * specificity), accuracy, brier
        given_ = found.recall, found.sensitivity, found.specificity, found.g_mean, found.binary_accuracy, found.brier
        assert given_ == pytest.approx(expected, nan_ok=True)


def test_of_exclusive_classes_the_likeliest_is_found() -> None:
    probabilities = np.array([[0.4, 0.35, 0.25, 0.9], [0.1, 0.3, 0.6, 0.2]], dtype=np.float32)
    found = detect(probabilities, [0.5] * 4, [slice(0, 3)])
    assert found.tolist() == [[True, False, False, True], [False, False, True, False]]


def test_scores_are_json() -> None:
    targets, probabilities = world(1, 20, 4, 0.1)
    scores = score(targets, probabilities, list("abcd"), [0.5] * 4, exclusive=[slice(0, 2)])
    assert len(json.loads(json.dumps(asdict(scores)))["confusions"]) == 1
