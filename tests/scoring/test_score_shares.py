"""Scores of shares against scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score

from geolabel.scoring.shares import score_shares, summed_error


@given(st.integers(0, 9_999), st.integers(2, 40), st.integers(1, 4), st.sampled_from([0.0, 0.4]))
def test_scikit_learn_s_over_the_known(seed: int, tiles: int, classes: int, unknown: float) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(classes + 1), tiles)[:, :classes]
    predicted = np.clip(shares + rng.normal(0, 0.2, shares.shape), 0, 1)
    shares[rng.random(shares.shape) < unknown] = np.nan
    scores = score_shares(shares, predicted, [str(number) for number in range(classes)])
    for column, found in enumerate(scores.classes):
        known = ~np.isnan(shares[:, column])
        assert found.tiles == known.sum()
        if known.sum() > 1:
            truth, guess = shares[known, column], predicted[known, column]
            assert found.mae == pytest.approx(mean_absolute_error(truth, guess))
            assert found.r2 == pytest.approx(r2_score(truth, guess))
    told = [found.mae for found in scores.classes if found.tiles]
    assert scores.macro_mae == pytest.approx(np.mean(told) if told else np.nan, nan_ok=True)
    assert scores.tiles == (~np.isnan(shares)).all(axis=1).sum()


def test_summed_error_by_hand() -> None:
    """All wrong is 2; (.5, .5) for (.8, .2), given twice as large, is .6; all zeros miss the whole tile, 1."""
    shares = np.array([[1, 0], [0.8, 0.2], [0.3, 0.7], [np.nan, 0.4]])
    predicted = np.array([[0, 0.4], [1, 1], [0, 0], [0.6, 0.4]])
    scores = score_shares(shares, predicted, ["forest", "water"])
    assert scores.summed_error == pytest.approx((2 + 0.6 + 1) / 3)
    assert scores.tiles == 3
    assert scores.classes[1].mae == pytest.approx((0.4 + 0.8 + 0.7 + 0) / 4)


def test_shares_that_are_all_the_same_or_unknown() -> None:
    scores = score_shares(np.array([[0.1, np.nan]] * 3), np.array([[0.1, 0.2]] * 3), ["a", "b"])
    assert scores.classes[0].mae == 0
    assert np.isnan([scores.classes[0].r2, scores.classes[1].mae, scores.macro_r2, scores.summed_error]).all()
    assert scores.macro_mae == 0


@given(st.integers(0, 9_999), st.integers(1, 20), st.integers(1, 5))
def test_summed_error_is_between_0_and_2(seed: int, tiles: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = rng.dirichlet(np.full(classes, 0.3), (2, tiles))
    assert summed_error(guess * (0.1 + rng.random((tiles, 1))), truth) == pytest.approx(
        np.abs(guess - truth).sum(axis=1).mean()
    )
    assert summed_error(7 * truth, truth) == pytest.approx(0, abs=1e-12)
    assert 0 <= summed_error(guess, truth) <= 2 + 1e-12
    assert np.isnan(summed_error(guess, np.full_like(truth, np.nan)))
