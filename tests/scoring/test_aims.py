"""Thresholds for an aim, against all thresholds there are, and steady ones on fresh tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score, precision_score, recall_score

from geolabel.errors import OptionError
from geolabel.scoring.thresholds import DEFAULT, Aim, best_f1, choose

probabilities = st.floats(0, 1, width=32) | st.sampled_from([0.25, 0.5, 0.75])
tiles = st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), probabilities), min_size=1, max_size=25)


@given(tiles, st.sampled_from(["f1", "f2", "precision=.8", "precision=1", "recall=.6", "recall=1"]))
def test_no_threshold_serves_the_aim_better(rows: list[tuple[float, float]], text: str) -> None:
    target, probability = np.array(rows, dtype=np.float32).T
    aim = Aim.parse(text)
    (threshold,), (missed,) = choose(target[:, None], probability[:, None], aim)
    known = ~np.isnan(target)
    truth, values = target[known] == 1, probability[known]
    if not truth.any() or truth.all():
        assert threshold == DEFAULT
        return

    def merit(cut: float) -> tuple[bool, float, float]:
        """Whether the level is reached; what is to be highest then; and what, of equals."""
        guess = values >= np.float32(cut)
        precision, recall = precision_score(truth, guess, zero_division=0), recall_score(truth, guess)
        if aim.kind == "precision":
            reached = bool(precision >= aim.level)
            return (True, recall, precision) if reached else (False, precision, recall)
        if aim.kind == "recall":
            return bool(recall >= aim.level), precision, recall
        return True, fbeta_score(truth, guess, beta=int(aim.kind[1])), 0.0

    best = max(merit(cut) for cut in values)
    assert merit(threshold) == pytest.approx(best)
    assert missed == (not best[0])
    assert 0 <= threshold <= 1


def test_by_hand() -> None:
    """+ .9, − .8, + .6, + .4, − .2: of precision ≥ .7 all three present; of recall ≥ .6 at P = 3/4, not at 2/3."""
    targets = np.array([[1], [0], [1], [1], [0]], dtype=np.float32)
    found = np.array([[0.9], [0.8], [0.6], [0.4], [0.2]], dtype=np.float32)
    for text, threshold in (("precision=.7", 0.3), ("precision=.9", 0.85), ("recall=.6", 0.3), ("recall=.3", 0.85)):
        thresholds, missed = choose(targets, found, Aim.parse(text))
        assert thresholds == pytest.approx([threshold])
        assert not missed.any()


@pytest.mark.parametrize("text", ["recall=.4", "precision=.9"])
def test_of_equally_precise_thresholds_the_one_that_finds_more(text: str) -> None:
    """− + − +: half is right after two tiles and after four."""
    found = np.array([[0.9], [0.7], [0.5], [0.3]], dtype=np.float32)
    thresholds, _ = choose(np.array([[0], [1], [0], [1]], np.float32), found, Aim.parse(text))
    assert thresholds == pytest.approx([0.15])


def test_classes_that_miss_the_precision_are_named_and_get_the_highest_there_is() -> None:
    targets = np.array([[0, 1, 1], [1, 0, 1], [1, 0, 1], [0, 0, 1]], dtype=np.float32)
    found = np.repeat(np.array([[0.9], [0.7], [0.5], [0.1]], dtype=np.float32), 3, axis=1)
    thresholds, missed = choose(targets, found, Aim("precision", 0.9))
    assert thresholds == pytest.approx([0.3, 0.8, DEFAULT])  # 2 of 3; 1 of 1; present everywhere, and all it finds
    assert missed.tolist() == [True, False, False]


@pytest.mark.parametrize(
    "text", ["f3", "", "precision", "precision=0", "recall=1.1", "recall=nan", "recall=x", "f1=.5"]
)
def test_what_is_no_aim(text: str) -> None:
    with pytest.raises(OptionError, match=r"give "):
        Aim.parse(text)


@pytest.mark.parametrize("text", ["f1", "f2", "precision=0.9", "recall=1"])
def test_aims_are_written_as_they_are_read(text: str) -> None:
    assert str(Aim.parse(f" {text.upper()} ")) == text


def fresh_f(seed: int, tiles: int, prevalence: float, shift: float, stretch: float, beta: int) -> tuple[float, float]:
    """Mean F that plain and steady thresholds of `tiles` tiles lose on fresh ones, over many classes."""
    rng = np.random.default_rng(seed)

    def draw(count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
        target = (rng.random((count, classes)) < prevalence).astype(np.float32)
        logits = stretch * (rng.normal(size=target.shape) + shift * target - shift / 2) - 1
        return target, (1 / (1 + np.exp(-logits))).astype(np.float32)

    truth, found = draw(100_000, 1)
    order = np.argsort(-found[:, 0])
    hits = np.cumsum(truth[order, 0])
    fresh = (1 + beta**2) * hits / (np.arange(1, len(hits) + 1) + beta**2 * hits[-1])
    targets, probabilities = draw(tiles, 150)
    losses = []
    for steady in (False, True):
        thresholds, _ = choose(targets, probabilities, Aim(f"f{beta}"), steady=steady)
        let_in = np.searchsorted(-found[order, 0], -thresholds, side="right")
        losses.append(float(fresh.max() - fresh[np.maximum(let_in - 1, 0)].mean()))
    return losses[0], losses[1]


@pytest.mark.parametrize("stretch", [1.0, 4.0], ids=["calibrated", "overconfident"])
@pytest.mark.parametrize("beta", [1, 2])
@pytest.mark.parametrize(("tiles", "prevalence"), [(100, 0.1), (400, 0.05), (400, 0.3)])
def test_steady_thresholds_lose_less_on_fresh_tiles(tiles: int, prevalence: float, beta: int, stretch: float) -> None:
    plain, steady = fresh_f(1, tiles, prevalence, 2.0, stretch, beta)
    assert steady < 0.9 * plain


def test_steady_thresholds_are_the_same_each_time_and_refused_for_levels() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((80, 2)) < 0.3).astype(np.float32)
    found = (0.3 * targets + 0.7 * rng.random((80, 2))).astype(np.float32)
    first, again, other = (choose(targets, found, steady=True, seed=seed)[0] for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()
    assert first.tolist() != best_f1(targets, found).tolist()
    with pytest.raises(OptionError, match="steady"):
        choose(targets, found, Aim("recall", 0.9), steady=True)
