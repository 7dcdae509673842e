"""Bootstrap intervals against resampling by hand with scikit-learn, and against what is known of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import binom, bootstrap
from sklearn import metrics

from geolabel.scoring.intervals import MEASURES, Answers, differences, intervals
from geolabel.scoring.multilabel import score


def world(seed: int, tiles: int, classes: int = 3, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((tiles, classes)) < 0.3).astype(np.float32)
    found = 1 / (1 + np.exp(1 - skill * targets - rng.normal(size=targets.shape)))
    targets[rng.random(targets.shape) < 0.1] = np.nan
    return targets, np.where(np.isnan(found), 0.5, found).astype(np.float32)


def test_the_middle_is_the_score() -> None:
    targets, found = world(0, 300)
    targets[:, 2] = 0  # a class without presence has no part in the means
    scores = score(targets, found, "abc", [0.4, 0.9999, 0.5])
    for one in intervals(targets, Answers.at(found, [0.4, 0.9999, 0.5]), "abc", resamples=20):
        got = [getattr(each, one.measure) for each in scores.classes]
        assert [each.value for each in one.classes] == pytest.approx(got, nan_ok=True)
        averages = {"average_precision": scores.macro_average_precision, "auc": scores.macro_auc}
        macro = averages.get(one.measure) or getattr(scores.macro, one.measure)
        assert one.macro.value == pytest.approx(macro)
        assert one.macro.low < one.macro.value < one.macro.high
        assert one.groups == 300


@pytest.mark.parametrize("grouped", [False, True])
def test_each_resample_is_scikit_learn_s(grouped: bool) -> None:
    """The same draws, tile by tile: indices from the same generator, scored one resample at a time."""
    targets, found = world(1, 60, 1)
    targets = np.nan_to_num(targets)
    groups = np.arange(60) // (3 if grouped else 1)
    resamples, count = 40, int(groups.max()) + 1
    drawn = np.random.default_rng(7).integers(count, size=(resamples, count))
    by_hand: dict[str, list[float]] = {name: [] for name in MEASURES}
    for draw in drawn:
        rows = np.concatenate([np.flatnonzero(groups == one) for one in draw])
        truth, value = targets[rows, 0] == 1, found[rows, 0]
        guess = value >= 0.5
        by_hand["average_precision"].append(metrics.average_precision_score(truth, value))
        by_hand["auc"].append(metrics.roc_auc_score(truth, value))
        by_hand["f1"].append(metrics.f1_score(truth, guess))
        by_hand["f2"].append(metrics.fbeta_score(truth, guess, beta=2))
        by_hand["precision"].append(metrics.precision_score(truth, guess))
        by_hand["recall"].append(metrics.recall_score(truth, guess))
    names = np.array([f"block {one}" for one in groups]) if grouped else None
    answers = Answers.at(found, [0.5])
    for one in intervals(targets, answers, "a", groups=_sorted(names), resamples=resamples, seed=7):
        low, high = np.quantile(by_hand[one.measure], [0.025, 0.975])
        assert (one.classes[0].low, one.classes[0].high) == pytest.approx((low, high))


def _sorted(names: np.ndarray | None) -> np.ndarray | None:
    """Names whose order is that of the blocks."""
    return None if names is None else np.array([f"{int(name.split()[1]):03}" for name in names])


def test_recall_has_the_interval_of_a_share() -> None:
    """The recall of 200 present tiles is a share of them: the binomial's interval, and SciPy's own bootstrap."""
    hit = np.arange(200) < 140
    targets, found = np.ones((200, 1)), hit[:, None].astype(float)
    (one,) = intervals(targets, Answers.at(found, [0.5]), "a", ["recall"], resamples=2_000)
    expected = np.array(binom.interval(0.95, 200, 0.7)) / 200
    assert (one.classes[0].low, one.classes[0].high) == pytest.approx(expected, abs=0.011)
    other = bootstrap((hit,), np.mean, method="percentile", n_resamples=2_000, rng=1).confidence_interval
    assert (one.classes[0].low, one.classes[0].high) == pytest.approx(other, abs=0.011)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    truth = metrics.roc_auc_score(*(np.nan_to_num(part).ravel() for part in world(99, 40_000, 1)))
    inside = 0
    for seed in range(100):
        targets, found = world(seed, 150, 1)
        (one,) = intervals(targets, Answers.at(found, [0.5]), "a", ["auc"], resamples=200, seed=seed)
        inside += one.macro.low <= truth <= one.macro.high
    assert 86 <= inside <= 100  # with the right 95 %, less than 86 in a hundred is a chance of 1 in 2,000


def test_tiles_that_repeat_each_other_are_no_news() -> None:
    """Each tile ten times over: drawn as ten they look sure; drawn as one the interval is that of the tiles."""
    targets, found = world(3, 80, 1)
    tens, answers = np.repeat(targets, 10, axis=0), Answers.at(np.repeat(found, 10, axis=0), [0.5])

    def width(**how: object) -> float:
        (one,) = intervals(tens, answers, "a", ["auc"], **how)
        return one.macro.high - one.macro.low

    (alone,) = intervals(targets, Answers.at(found, [0.5]), "a", ["auc"])
    assert width(groups=np.repeat(np.arange(80), 10)) == pytest.approx(alone.macro.high - alone.macro.low)
    assert width() < 0.5 * width(groups=np.repeat(np.arange(80), 10))


def test_two_models_are_told_apart_on_the_same_tiles() -> None:
    targets, weak = world(4, 600, 2, skill=0.8)
    better = np.clip(weak + 0.05 * np.nan_to_num(targets), 0, 1).astype(np.float32)  # a little, on every tile
    one, other = Answers.at(better, [0.5] * 2), Answers.at(weak, [0.5] * 2)
    (paired,) = differences(targets, one, other, "ab", ["average_precision"])
    apart = [intervals(targets, model, "ab", ["average_precision"])[0].macro for model in (one, other)]
    assert paired.macro.value == pytest.approx(apart[0].value - apart[1].value)
    assert paired.macro.low > 0
    assert apart[0].low < apart[1].high  # which two intervals of their own would not tell
    (same,) = differences(targets, one, one, "ab", ["f1"])
    assert (same.macro.low, same.macro.value, same.macro.high) == (0, 0, 0)


def test_what_cannot_be_drawn_from_has_no_interval() -> None:
    targets, found = world(5, 50, 2)
    targets[:, 1] = np.nan
    answers = Answers.at(found, [0.5] * 2)
    (block,) = intervals(targets, answers, "ab", ["auc"], groups=np.zeros(50))
    assert np.isfinite(block.macro.value)
    assert np.isnan([block.macro.low, block.macro.high]).all()
    (tiles,) = intervals(targets, answers, "ab", ["auc"])
    assert np.isnan([tiles.classes[1].value, tiles.classes[1].low]).all()
    assert np.isfinite(tiles.macro.low)


def test_the_same_seed_the_same_interval() -> None:
    targets, found = world(6, 100)
    first, again, other = (
        intervals(targets, Answers.at(found, [0.5] * 3), "abc", ["f1"], resamples=50, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_ten_thousand_tiles_in_seconds() -> None:
    targets, found = world(7, 10_000, 17)
    began = time.process_time()
    intervals(targets, Answers.at(found, [0.5] * 17), "abcdefghijklmnopq", resamples=100)
    assert time.process_time() - began < 5  # a fifth of the work, in a tenth of that on an idle core
