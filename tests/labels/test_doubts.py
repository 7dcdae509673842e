"""Doubts about labels: flipped ones come out on top, and no model vouches for what it was taught."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from cleanlab.multilabel_classification import get_label_quality_scores

from geolabel.labels.doubts import forest, out_of_fold, rank_doubts, soft_minimum, without_unskilled
from geolabel.labels.questions import Question, ask
from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.tiling.split import draw_folds, spatial_blocks

COVER = complete(
    Scheme("s", (LabelClass("forest", group="cover"), LabelClass("water", group="cover"), LabelClass("mine")))
)


class Land:
    """Tiles in rows, with a cover, mines in some of them, and features that show both through noise."""

    def __init__(self, side: int = 40, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.rng, self.count = rng, side * side
        row, col = np.divmod(np.arange(self.count), side)
        self.centres_m = np.column_stack([col, row]) * 320.0
        self.blocks = spatial_blocks(self.centres_m, 1_600)
        self.fold = draw_folds(self.blocks, 5, seed).astype(np.int64)
        self.water = rng.random(self.count) < 0.3
        self.mine = rng.random(self.count) < 0.15
        signal = np.column_stack([self.water, self.mine, self.water ^ self.mine]).astype(float)
        self.features = (signal + rng.normal(0, 0.25, signal.shape)).astype(np.float32)

    def flip(self, truth: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The labels with some of them wrong, and which."""
        wrong = self.rng.choice(self.count, count, replace=False)
        given = truth.copy()
        given[wrong] = ~given[wrong]
        return given, wrong

    def questions(self, water: np.ndarray, mine: np.ndarray) -> list[Question]:
        water = water.astype(np.float32)
        shares = {"forest": 1 - water, "water": water, "mine": mine.astype(np.float32)}
        return ask(shares, np.ones(self.count, np.float32), COVER, {"mine": 0.1})


class Spy:
    """A model that remembers which tiles it was taught, by a feature that is their number."""

    taught: ClassVar[list[set[int]]] = []
    asked: ClassVar[list[set[int]]] = []

    def fit(self, features, answers):
        Spy.taught.append(set(features[:, 0].astype(int).tolist()))
        single = answers.ndim == 1
        columns = answers[:, None] if single else answers
        self.each = [np.unique(column) for column in columns.T]
        self.classes_ = self.each[0] if single else self.each
        return self

    def predict_proba(self, features):
        Spy.asked.append(set(features[:, 0].astype(int).tolist()))
        told = [np.full((len(features), len(kinds)), 1 / len(kinds)) for kinds in self.each]
        return told[0] if isinstance(self.classes_, np.ndarray) else told


@pytest.mark.parametrize("which", ["group", "class"])
def test_flipped_labels_come_out_on_top(which: str):
    land = Land()
    flipped = 60
    water, mine, wrong = land.water, land.mine, np.empty(0)
    if which == "group":
        water, wrong = land.flip(land.water, flipped)
    else:
        mine, wrong = land.flip(land.mine, flipped)
    questions = land.questions(water, mine)
    doubts = rank_doubts(questions, out_of_fold(land.features, questions, land.fold, lambda: forest(0)))
    assert len(doubts) == land.count
    found = np.isin(doubts.row[: 2 * flipped], wrong).sum()
    assert found >= 0.8 * flipped
    assert (np.diff(doubts.score) >= 0).all()
    top = int(doubts.row[0])
    if which == "class":
        assert doubts.doubted[0] == "mine"
        assert doubts.given_share[0] == mine[top]
        assert doubts.probability[0] < 0.2 if mine[top] else doubts.probability[0] > 0.8
        assert ("mine" in doubts.given[0]) == mine[top] != ("mine" in doubts.model[0])
    else:
        assert doubts.doubted[0] == ("water" if water[top] else "forest")
        assert doubts.given_share[0] == 1
        assert doubts.probability[0] < 0.2
    assert doubts.differs[0]


def test_no_answer_comes_from_a_model_that_was_taught_the_tiles_block():
    land = Land()
    Spy.taught, Spy.asked = [], []
    numbered = np.column_stack([np.arange(land.count), land.features]).astype(np.float32)
    probabilities = out_of_fold(numbered, land.questions(land.water, land.mine), land.fold, Spy)
    assert len(Spy.taught) == len(Spy.asked) == 5  # both questions are about the same tiles: one model a fold
    for taught, asked in zip(Spy.taught, Spy.asked, strict=True):
        assert not set(land.blocks[list(taught)]) & set(land.blocks[list(asked)])
    assert set.union(*Spy.asked) == set(range(land.count))
    for probability in probabilities:
        np.testing.assert_allclose(probability.sum(axis=1), 1)


def test_what_is_unknown_is_neither_taught_nor_judged():
    land = Land()
    mine = land.mine.astype(np.float32)
    unknown = np.flatnonzero(land.rng.random(land.count) < 0.4)
    mine[unknown] = np.nan
    (question,) = ask({"mine": mine}, np.ones(land.count, np.float32), COVER, {"mine": 0.1})
    assert (question.given[unknown] == -1).all()
    Spy.taught, Spy.asked = [], []
    numbered = np.column_stack([np.arange(land.count), land.features]).astype(np.float32)
    (probability,) = out_of_fold(numbered, [question], land.fold, Spy)
    assert not set.union(*Spy.taught, *Spy.asked) & set(unknown.tolist())
    assert np.isnan(probability[unknown]).all()
    doubts = rank_doubts([question], [probability])
    assert not set(doubts.row.tolist()) & set(unknown.tolist())
    assert len(doubts) == land.count - len(unknown)


def test_tiles_without_pixels_are_left_out():
    land = Land()
    land.features[:100] = np.nan
    questions = land.questions(land.water, land.mine)
    doubts = rank_doubts(questions, out_of_fold(land.features, questions, land.fold, lambda: forest(0)))
    assert doubts.row.min() == 100


def test_a_class_that_stands_in_one_fold_only_is_not_judged_there():
    land = Land()
    mine = (land.fold == 2) & land.mine
    (question,) = ask({"mine": mine.astype(np.float32)}, np.ones(land.count, np.float32), COVER, {"mine": 0.1})
    (probability,) = out_of_fold(land.features, [question], land.fold, lambda: forest(0))
    assert np.isnan(probability[land.fold == 2]).all()
    assert np.isfinite(probability[land.fold != 2]).all()


def test_a_class_that_the_model_cannot_tell_is_named_and_left_out():
    land = Land()
    noise = land.rng.random(land.count) < 0.1
    names = Scheme("s", (LabelClass("mine"), LabelClass("noise")))
    shares = {"mine": land.mine.astype(np.float32), "noise": noise.astype(np.float32)}
    questions = ask(shares, np.ones(land.count, np.float32), names, {"mine": 0.1, "noise": 0.1})
    probabilities = out_of_fold(land.features, questions, land.fold, lambda: forest(0))
    kept, lost = without_unskilled(questions, probabilities)
    assert list(lost) == ["noise"]
    assert lost["noise"] == pytest.approx(0.5, abs=0.1)
    assert np.isfinite(probabilities[1]).all()
    assert np.isnan(kept[1]).all()
    assert set(rank_doubts(questions, kept).doubted) == {"mine"}


def test_the_same_input_gives_the_same_doubts():
    land = Land(20)
    questions = land.questions(land.water, land.mine)
    once, again = (
        rank_doubts(questions, out_of_fold(land.features, questions, land.fold, lambda: forest(3))) for _ in range(2)
    )
    assert once.row.tolist() == again.row.tolist()
    assert once.score.tolist() == again.score.tolist()


def test_the_score_over_several_labels_is_cleanlabs():
    rng = np.random.default_rng(0)
    labels, probability = rng.random((50, 4)) < 0.5, rng.random((50, 4))
    expected = get_label_quality_scores(
        [np.flatnonzero(row).tolist() for row in labels],
        probability,
        aggregator_kwargs={"method": "softmin", "temperature": 0.1},
    )
    of_each = np.where(labels, probability, 1 - probability)
    np.testing.assert_allclose(soft_minimum(of_each), expected)
    wider = np.column_stack([of_each, np.full(50, np.nan)])
    np.testing.assert_allclose(soft_minimum(wider), expected)


def test_questions_to_be_answered_by_hand():
    shares = {
        "forest": np.array([0.9, 0.4, 0.1, np.nan, 0.2, 0.5] * 10, np.float32),
        "water": np.array([0.1, 0.4, 0.7, np.nan, 0.1, 0.0] * 10, np.float32),
        "mine": np.array([0.0, 0.2, np.nan, 0.05, 0.1, 0.0] * 10, np.float32),
    }
    known = np.array([1, 1, 1, 0.2, 1, 0.6] * 10, np.float32)
    group, mine = ask(shares, known, COVER, {"mine": 0.1})
    assert group.kinds == ("forest", "water", "")
    # mixed; unknown; mostly none of the group, which the index does not say where there are several groups
    assert group.given[:6].tolist() == [0, -1, 1, -1, -1, 0]
    assert mine.kinds == ("", "mine")
    assert mine.given[:6].tolist() == [0, 1, -1, 0, 1, 0]
    alone = Scheme("s", COVER.classes[:2])
    (group,) = ask({name: shares[name] for name in ("forest", "water")}, known, alone, {})
    assert group.given[:6].tolist() == [0, -1, 1, -1, 2, 0]
    np.testing.assert_allclose(group.share[[0, 2, 4]], [0.9, 0.7, 0.7])


def test_nothing_is_asked_where_all_labels_say_the_same():
    shares = {"mine": np.zeros(100, np.float32)}
    assert ask(shares, np.ones(100, np.float32), COVER, {"mine": 0.1}) == []
