"""Labels that say nothing, and labels that were shuffled apart from their pictures, are refused; others are not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from geolabel.errors import EmptyError, InputError
from geolabel.scoring.refuse import goes_together, refuse_constant


def world(seed: int, tiles: int, skill: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.random((tiles, 1))
    targets = (rng.random((tiles, 4)) < base * [0.2, 0.6, 1.0, 0.4]).astype(np.float32)  # classes go together
    found = 1 / (1 + np.exp(1 - skill * targets - rng.normal(size=targets.shape)))
    targets[rng.random(targets.shape) < 0.1] = np.nan
    return targets, np.where(np.isnan(found), 0.5, found).astype(np.float32)


def test_constant_classes_are_named_and_nothing_but_them_refused() -> None:
    targets = np.array([[0, 1, np.nan, 1], [0, 0, np.nan, 1], [np.nan, 1, np.nan, 1]])
    assert refuse_constant(targets, "abcd", "test") == ("a", "c", "d")
    with pytest.raises(EmptyError, match=r"test: every class .* split anew"):
        refuse_constant(targets[:, [0, 2, 3]], "acd", "test")
    with pytest.raises(EmptyError):
        refuse_constant(targets[:0], "abcd", "test")


def test_labels_beside_their_pictures_go_together() -> None:
    targets, found = world(0, 200)
    result = goes_together(targets, found, "test", expected_auc=0.95)
    known = ~np.isnan(targets)
    alone = [roc_auc_score(targets[known[:, one], one], found[known[:, one], one]) for one in range(4)]
    assert result.macro_auc == pytest.approx(np.mean(alone))
    assert result.p == pytest.approx(1 / 200)
    assert 0.5 < result.shuffled_auc < 0.7


def test_the_published_bug_is_refused() -> None:
    """Labels in one order, predictions in another: 19 of 20 such parts, for p is above .05 in as many."""
    refused = 0
    for seed in range(20):
        targets, found = world(seed, 150)
        shuffled = np.random.default_rng(100 + seed).permutation(150)
        try:
            goes_together(targets, found[shuffled], "test", expected_auc=0.9)
        except InputError as error:
            assert "test: labels and pictures do not go together" in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 17


def test_p_is_uniform_where_nothing_goes_together() -> None:
    p = []
    for seed in range(60):
        targets, found = world(seed, 60)
        p.append(goes_together(targets, found[::-1], "test").p)
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.05) < 0.15


@pytest.mark.parametrize(
    ("tiles", "expected"),
    [(150, None), (2_000, 0.58), (150, float("nan")), (4, 0.75)],
    ids=["nobody knows what to expect", "not above chance before", "no score before", "too few tiles to tell"],
)
def test_not_refused(tiles: int, expected: float | None) -> None:
    targets, found = world(1, tiles)
    targets[:2] = [[1] * 4, [0] * 4]
    assert goes_together(targets, np.ascontiguousarray(found[::-1]), "test", expected_auc=expected).p > 0.05


def test_a_weak_but_honest_model_is_not_refused() -> None:
    targets, found = world(2, 400, skill=0.5)
    result = goes_together(targets, found, "test", expected_auc=0.95)
    assert result.macro_auc < 0.7
    assert result.p < 0.05


def test_nothing_to_tell() -> None:
    assert np.isnan(goes_together(np.ones((3, 1)), np.ones((3, 1)), "test", expected_auc=0.9).p)
