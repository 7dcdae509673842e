"""Average precision and AUC of weighted tiles, against tiles that are repeated and scikit-learn's weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from geolabel.scoring.ranking import auc, average_precision, rank

rows = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(rows)
def test_a_weight_is_a_repetition(given_rows: list[tuple[float, float, int]]) -> None:
    target, probability, weight = np.array(given_rows).T
    sums = rank(target, probability).sums(np.stack([weight, np.ones(len(weight))], axis=1))
    for column, times in enumerate((weight.astype(int), np.ones(len(weight), int))):
        known = ~np.isnan(target)
        truth, values = np.repeat(target[known], times[known]), np.repeat(probability[known], times[known])
        if not truth.any() or truth.all():
            assert np.isnan(auc(*sums)[column])
            continue
        assert auc(*sums)[column] == pytest.approx(metrics.roc_auc_score(truth, values))
        assert average_precision(*sums)[column] == pytest.approx(metrics.average_precision_score(truth, values))


@given(st.integers(0, 9_999), st.integers(2, 60))
def test_scikit_learn_s_weights(seed: int, tiles: int) -> None:
    rng = np.random.default_rng(seed)
    target, probability, weight = rng.random(tiles) < 0.3, rng.random(tiles).round(1), rng.random(tiles) + 0.1
    if not target.any() or target.all():
        return
    hits, misses = rank(target.astype(float), probability).sums(weight[:, None])
    expected = metrics.average_precision_score(target, probability, sample_weight=weight)
    assert average_precision(hits, misses) == pytest.approx([expected])
    assert auc(hits, misses) == pytest.approx([metrics.roc_auc_score(target, probability, sample_weight=weight)])


def test_runs_by_hand() -> None:
    """.9 +, .8 − and .7 − together, .5 + and − of one probability; the unknown is nowhere."""
    ranked = rank(np.array([0, 1, 1, 0, 0, np.nan]), np.array([0.8, 0.9, 0.5, 0.7, 0.5, 0.6]))
    hits, misses = ranked.sums()
    assert (hits[:, 0].tolist(), misses[:, 0].tolist()) == ([1, 0, 1], [0, 2, 1])
    assert ranked.least == pytest.approx([0.9, 0.7, 0.5])
    assert ranked.below == pytest.approx([0.8, 0.5, 0.0])
    assert average_precision(hits, misses) == pytest.approx([0.5 * 1 + 0.5 * 2 / 5])
    assert auc(hits, misses) == pytest.approx([(3 + 0.5) / 6])
