"""The best threshold, against all thresholds there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from geolabel.scoring.multilabel import score
from geolabel.scoring.thresholds import DEFAULT, best_f1

probabilities = st.floats(0, 1, width=32) | st.sampled_from([0.25, 0.5, 0.75])
tiles = st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), probabilities), min_size=1, max_size=25)


@given(tiles)
def test_no_cut_is_better(rows: list[tuple[float, float]]) -> None:
    target, probability = np.array(rows, dtype=np.float32).T
    (threshold,) = best_f1(target[:, None], probability[:, None])
    known = ~np.isnan(target)
    truth, values = target[known] == 1, probability[known]
    if not truth.any() or truth.all():
        assert threshold == DEFAULT
        return
    best = max(f1_score(truth, values >= cut) for cut in values)
    found = score(target[:, None], probability[:, None], ["a"], [float(threshold)]).classes[0]
    assert found.f1 == pytest.approx(best)
    assert 0 <= threshold <= 1


def test_by_hand() -> None:
    targets = np.array([[1, 1], [1, 0], [0, 0], [0, 0]], dtype=np.float32)
    found = np.array([[0.9, 0.9], [0.7, 0.5], [0.3, 0.4], [0.1, 0.1]], dtype=np.float32)
    assert best_f1(targets, found) == pytest.approx([0.5, 0.7])


def test_tiles_of_one_probability_are_let_in_together() -> None:
    targets = np.array([[1], [0], [0], [1]], dtype=np.float32)
    assert best_f1(targets, np.array([[0.9], [0.9], [0.9], [0.5]], dtype=np.float32)) == pytest.approx([0.25])


def test_thresholds_next_to_each_other() -> None:
    """Two probabilities that are neighbours among 32-bit numbers are still told apart."""
    low = np.float32(0.7)
    high = np.nextafter(low, np.float32(1))
    targets = np.array([[1], [0]], dtype=np.float32)
    for pair in ([high, low], [np.nextafter(high, np.float32(1)), high]):
        found = np.array(pair, dtype=np.float32)[:, None]
        (threshold,) = best_f1(targets, found)
        assert score(targets, found, ["a"], [float(threshold)]).classes[0].f1 == 1.0
