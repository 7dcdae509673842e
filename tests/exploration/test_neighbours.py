"""Neighbours and outliers: against scikit-learn, and what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from geolabel.errors import InputError, OptionError
from geolabel.exploration import neighbours
from geolabel.exploration.neighbours import Neighbours, nearest
from geolabel.exploration.outliers import is_outlier, outliers
from tests.exploration.planted import groups


@given(st.integers(0, 999), st.integers(2, 60), st.integers(1, 12), st.integers(1, 500))
def test_neighbours_are_scikit_learn_s_whatever_the_blocks(seed: int, tiles: int, k: int, at_once: int) -> None:
    vectors, _ = groups(seed, tiles)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_VALUES_AT_ONCE", at_once)
        found = nearest(vectors, k)
    expected = NearestNeighbors(n_neighbors=min(k, tiles - 1)).fit(vectors).kneighbors()
    assert found.distances == pytest.approx(expected[0], rel=1e-5)
    assert (found.rows == expected[1]).all()


def test_copies_lie_at_0_also_far_from_the_origin() -> None:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(20, 6)), 2, axis=0).astype(np.float32) * 1e4 + 1e6
    found = nearest(vectors, 1)
    assert (found.distances == 0).all()
    assert found.rows[:, 0].tolist() == [row ^ 1 for row in range(40)]


def test_what_has_no_neighbours() -> None:
    assert nearest(np.zeros((1, 3)), 4).rows.shape == (1, 0)
    assert np.isnan(outliers(nearest(np.zeros((1, 3)), 4))).all()
    assert not is_outlier(outliers(nearest(np.zeros((1, 3)), 4))).any()
    with pytest.raises(OptionError, match="nearest 0"):
        nearest(np.zeros((3, 3)), 0)
    with pytest.raises(InputError, match="1 of 3 vectors"):
        nearest(np.array([[0.0], [1], [np.nan]]), 1)


def test_an_outlier_by_hand() -> None:
    """On a line at 0, 1, 2 and 9, one neighbour each: 1, 1, 1 and 7 away, so the last has 7 / 1."""
    found = nearest(np.array([[0.0], [1], [2], [9]]), 1)
    assert outliers(found).tolist() == [1, 1, 1, 7]


@given(st.integers(0, 999))
def test_planted_outliers_rank_as_by_the_local_outlier_factor(seed: int) -> None:
    """Two groups, one ten times as wide as the other: strays of the dense one are nearer than members of the wide."""
    rng = np.random.default_rng(seed)
    strays = rng.normal(size=(6, 8))
    strays *= 12 / np.linalg.norm(strays, axis=1, keepdims=True)
    wide = 300 + rng.normal(0, 10, (200, 8))
    vectors = np.concatenate([rng.normal(size=(200, 8)), wide, strays])
    planted = np.arange(406) >= 400
    score = outliers(nearest(vectors, 10))
    factor = -LocalOutlierFactor(n_neighbors=10).fit(vectors).negative_outlier_factor_
    assert roc_auc_score(planted, score) > 0.99
    assert np.corrcoef(np.log(score), np.log(factor))[0, 1] > 0.9
    assert is_outlier(score)[planted].mean() > 0.8
    assert is_outlier(score)[~planted].mean() < 0.02


@given(st.integers(0, 999), st.sampled_from([2, 8, 64]))
def test_a_round_group_has_nearly_no_outliers(seed: int, size: int) -> None:
    scores = outliers(nearest(np.random.default_rng(seed).normal(size=(400, size)), 10))
    assert is_outlier(scores).mean() < 0.025


def test_copies_make_no_outliers() -> None:
    vectors, _ = groups(1, 200)
    vectors[:50] = vectors[0]
    scores = outliers(nearest(vectors, 10))
    assert np.isfinite(scores).all()
    assert not is_outlier(scores)[:50].any()
    same = outliers(Neighbours(np.array([[1], [0]]), np.zeros((2, 1), np.float32)))
    assert same.tolist() == [1, 1]
    assert not is_outlier(same).any()
