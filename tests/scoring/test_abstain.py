"""What is left undecided: as much as asked for, around the threshold, and the scores of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.scoring.abstain import band, selective_scores
from geolabel.scoring.multilabel import score


def inside(found: np.ndarray, bands: np.ndarray) -> np.ndarray:
    low, high = bands.astype(np.float32).T
    return (found >= low) & (found < high)


@given(st.integers(0, 9_999), st.integers(0, 300), st.floats(0, 0.99), st.floats(0.004, 0.996))
def test_about_the_share_asked_for_around_the_threshold(seed: int, tiles: int, share: float, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    targets = np.where(rng.random((tiles, 1)) < 0.2, np.nan, 0.0).astype(np.float32)
    found = rng.random((tiles, 1)).astype(np.float32)
    bands = band(targets, found, [threshold], share)
    low, high = bands[0]
    assert 0 <= low <= threshold <= high <= 1
    known = ~np.isnan(targets)
    above = found[known] >= np.float32(threshold)
    left = inside(found, bands)[known]
    for side in (above, ~above):
        assert left[side].sum() == pytest.approx(share * side.sum(), abs=2)
    distance = np.abs(found[known] - threshold)
    for side in (above, ~above):  # the nearest first
        assert max(distance[side & left], default=0) <= min(distance[side & ~left], default=1) + 1e-6


def test_by_hand() -> None:
    targets = np.zeros((8, 1), np.float32)
    found = np.array([[0.1], [0.2], [0.3], [0.4], [0.6], [0.7], [0.8], [0.9]], dtype=np.float32)
    assert band(targets, found, [0.5], 0.5) == pytest.approx(np.array([[0.25, 0.75]]))
    assert band(targets, found, [0.5], 0.0).tolist() == [[0.5, 0.5]]


def test_the_few_tiles_of_a_rare_class_are_not_all_given_up() -> None:
    rng = np.random.default_rng(0)
    found = np.append(rng.uniform(0, 0.4, 990), rng.uniform(0.6, 1, 10)).astype(np.float32)[:, None]
    bands = band(np.zeros_like(found), found, [0.5], 0.1)
    assert inside(found, bands)[990:].sum() == 1
    assert inside(found, bands).mean() == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_no_share(share: float) -> None:
    with pytest.raises(OptionError, match=r"give \.1"):
        band(np.zeros((1, 1)), np.zeros((1, 1)), [0.5], share)


def test_scores_of_the_decided_are_those_without_the_others() -> None:
    rng = np.random.default_rng(1)
    targets = (rng.random((400, 2)) < 0.4).astype(np.float32)
    targets[:40, 0] = np.nan
    found = (0.3 * targets + 0.7 * rng.random((400, 2))).astype(np.float32)
    found = np.where(np.isnan(found), 0.5, found).astype(np.float32)
    thresholds = [0.5, 0.5]
    bands = band(targets, found, thresholds, 0.25)
    selective = selective_scores(targets, found, "ab", thresholds, inside(found, bands))
    assert selective.coverage == pytest.approx((0.75, 0.75), abs=0.01)
    whole = score(targets, found, "ab", thresholds)
    for column in range(2):
        low, high = bands[column]
        keep = (found[:, column] < low) | (found[:, column] >= high)
        alone = score(targets[keep, column, None], found[keep, column, None], "ab"[column], [0.5]).classes[0]
        assert selective.scores.classes[column] == alone
        assert alone.f1 > whole.classes[column].f1  # noise here is worst at the threshold
