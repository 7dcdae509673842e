"""Intersection over union and accuracy of pixels, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

from geolabel.scoring.iou import pixel_scores


def test_a_table_one_can_sum_by_hand():
    #     forest forest forest water water mine
    truth = np.array([0, 0, 0, 1, 1, 2])
    chosen = np.array([0, 0, 1, 1, 0, 2])
    scores = pixel_scores(truth, chosen, 4)
    assert scores.matrix.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert scores.iou[:3] == pytest.approx([2 / 4, 1 / 3, 1])
    assert np.isnan(scores.iou[3])
    assert scores.recall[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    assert scores.mean_iou == pytest.approx((2 / 4 + 1 / 3 + 1) / 3)
    assert scores.accuracy == pytest.approx(4 / 6)


def test_a_class_that_is_only_found_has_an_iou_of_0_and_is_not_averaged():
    scores = pixel_scores(np.array([0, 0, 1]), np.array([0, 2, 1]), 3)
    assert scores.iou.tolist() == [0.5, 1, 0]
    assert scores.mean_iou == pytest.approx(0.75)


def test_without_pixels_there_is_no_score():
    scores = pixel_scores(np.zeros(0, int), np.zeros(0, int), 2)
    assert np.isnan([scores.mean_iou, scores.accuracy, *scores.iou]).all()


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 200))
def test_scores_are_scikit_learns(seed, classes, count):
    rng = np.random.default_rng(seed)
    truth, chosen = rng.integers(0, classes, (2, count))
    weights = rng.uniform(0.1, 50, count)
    scores = pixel_scores(truth, chosen, classes, weights)
    there = np.unique(truth)
    told = {"labels": there, "average": None, "sample_weight": weights, "zero_division": 0}
    assert scores.iou[there] == pytest.approx(jaccard_score(truth, chosen, **told))
    assert scores.recall[there] == pytest.approx(recall_score(truth, chosen, **told))
    assert scores.mean_iou == pytest.approx(jaccard_score(truth, chosen, **{**told, "average": "macro"}))
    assert scores.accuracy == pytest.approx(accuracy_score(truth, chosen, sample_weight=weights))


@given(st.integers(0, 1000))
def test_a_pixel_of_weight_3_counts_as_three(seed):
    rng = np.random.default_rng(seed)
    truth, chosen = rng.integers(0, 3, (2, 20))
    times = rng.integers(1, 5, 20)
    weighted = pixel_scores(truth, chosen, 3, times)
    assert np.array_equal(weighted.matrix, pixel_scores(truth.repeat(times), chosen.repeat(times), 3).matrix)
