"""Ensembles: what is planted between labels and members is found, and judged only on tiles it was not fitted on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score

from geolabel.errors import ModelError, OptionError
from geolabel.learn.ensemble import (
    COMBINATIONS,
    ENSEMBLE,
    EnsemblePredictor,
    ensemble_settings,
    fit_combination,
    member_probabilities,
    out_of_fold,
)
from geolabel.learn.ensemble.combination import from_arrays, log_odds
from geolabel.learn.ensemble.fit import ridge
from geolabel.model import BandContract, Head, ModelCard, exclusive, read_model, rescaled, write_model

NAN = math.nan
SKY = (slice(0, 3),)


def told(truth: np.ndarray, skill: float, rng: np.random.Generator) -> np.ndarray:
    """Probabilities of a member that sees a class with some noise; skill 0: it sees nothing."""
    return 1 / (1 + np.exp(-(skill * (2 * truth - 1) + rng.normal(0, 1, truth.shape))))


def ap(truth: np.ndarray, probability: np.ndarray) -> float:
    known = np.isfinite(truth)
    return float(average_precision_score(truth[known], probability[known]))


def correlated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers (1, n, 3) and targets: class 2 cannot be seen, but comes, nine times of ten, with 0 and without 1."""
    rng = np.random.default_rng(seed)
    seen = rng.random((rows, 2)) < [0.5, 0.4]
    hidden = (seen[:, 0] & ~seen[:, 1]) ^ (rng.random(rows) < 0.1)
    truth = np.column_stack([seen, hidden]).astype(np.float64)
    answers = told(truth, 2.0, rng)
    answers[:, 2] = told(truth[:, 2], 0.0, rng)
    return answers[None], truth


@pytest.mark.parametrize("kind", ["ridge", "chain"])
def test_a_label_that_cannot_be_seen_is_told_by_its_company(kind: str):
    answers, truth = correlated(600, 0)
    test_answers, test_truth = correlated(600, 1)
    combination = fit_combination(kind, answers, truth, (), None, 0)
    found = combination.apply(test_answers)
    plain = fit_combination("mean", answers, truth, (), None, 0).apply(test_answers)
    assert ap(test_truth[:, 2], plain[:, 2]) < 0.45  # by chance .34
    assert ap(test_truth[:, 2], found[:, 2]) > ap(test_truth[:, 2], plain[:, 2]) + 0.3
    for label in (0, 1):
        assert ap(test_truth[:, label], found[:, label]) > ap(test_truth[:, label], plain[:, label]) - 0.01
    # and it is known before the test is looked at
    expected = out_of_fold(kind, answers, truth, (), None, 0)
    assert ap(truth[:, 2], expected[:, 2]) == pytest.approx(ap(test_truth[:, 2], found[:, 2]), abs=0.07)


def test_a_chain_goes_from_the_frequent_to_the_rare_and_hears_only_what_came_before():
    answers, truth = correlated(600, 0)
    truth = truth[:, ::-1]  # the rare one first
    chain = fit_combination("chain", answers[..., ::-1], truth, (), None, 0)
    assert list(chain.order) == list(np.argsort(-truth.mean(axis=0))) == [2, 1, 0]
    heard = chain.weight[:, 3:]
    np.testing.assert_allclose(np.tril(heard), 0, atol=1e-6)
    assert (np.abs(heard[[0, 0, 1], [1, 2, 2]]) > 0.05).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_best_member_of_each_label_is_picked(seed: int):
    rng = np.random.default_rng(seed)
    truth = (rng.random((400, 2)) < 0.3).astype(float)
    one, other = told(truth, 1.0, rng), told(truth, 1.0, rng)
    one[:, 0], other[:, 1] = told(truth[:, 0], 3.0, rng), told(truth[:, 1], 3.0, rng)
    answers = np.stack([one, other])
    best = fit_combination("best", answers[:, :200], truth[:200], (), None, 0)
    np.testing.assert_array_equal(best.weight, [[1, 0], [0, 1]])
    found = best.apply(answers[:, 200:])
    np.testing.assert_allclose(found, np.column_stack([one[200:, 0], other[200:, 1]]), atol=1e-6)
    for member in answers:
        assert sum(ap(truth[200:, at], found[:, at]) - ap(truth[200:, at], member[200:, at]) for at in (0, 1)) > 0.1


@pytest.mark.parametrize("kind", ["mean", "ridge", "chain"])
def test_several_members_are_better_than_each(kind: str):
    rng = np.random.default_rng(0)
    truth = (rng.random((1200, 2)) < 0.3).astype(float)
    answers = np.stack([told(truth, 1.0, rng) for _ in range(4)])
    found = fit_combination(kind, answers[:, :600], truth[:600], (), None, 0).apply(answers[:, 600:])
    for label in (0, 1):
        alone = max(ap(truth[600:, label], member[600:, label]) for member in answers)
        assert ap(truth[600:, label], found[:, label]) > alone + 0.05


# what each of them is


@given(st.integers(0, 99), st.sampled_from([0.01, 1.0, 300.0]), st.integers(3, 40), st.integers(1, 12))
def test_ridge_is_that_of_scikit_learn(seed: int, penalty: float, rows: int, columns: int):
    rng = np.random.default_rng(seed)
    answers, wanted = rng.random((rows, columns)), (rng.random(rows) < 0.4).astype(float)
    weight, intercept = ridge(answers, wanted, np.array([penalty, 7.0]))
    for at, alpha in enumerate((penalty, 7.0)):
        model = Ridge(alpha=alpha).fit(answers, wanted)
        np.testing.assert_allclose(weight[at], model.coef_, atol=1e-8)
        assert intercept[at] == pytest.approx(model.intercept_, abs=1e-8)


def test_ridge_is_the_formula():
    rng = np.random.default_rng(0)
    p, y = rng.normal(0, 1, (30, 4)), rng.normal(0, 1, 30)
    p, y = p - p.mean(axis=0), y - y.mean()
    wanted = np.linalg.inv(p.T @ p + 3 * np.eye(4)) @ p.T @ y
    np.testing.assert_allclose(ridge(p, y, np.array([3.0]))[0][0], wanted, atol=1e-10)


def test_the_stack_is_a_ridge_of_one_of_the_penalties_clipped():
    answers, truth = correlated(200, 3)
    found = fit_combination("ridge", answers, truth, (), None, 0).apply(answers)
    for label in range(3):
        possible = [
            Ridge(alpha=alpha).fit(answers[0], truth[:, label]).predict(answers[0]).clip(0, 1)
            for alpha in 10.0 ** np.arange(-2, 4.5, 0.5)
        ]
        assert min(np.abs(found[:, label] - one).max() for one in possible) < 1e-5


def test_noise_is_given_a_large_penalty_and_structure_a_small_one():
    rng = np.random.default_rng(0)
    truth = (rng.random((150, 2)) < 0.5).astype(float)
    answers = rng.random((20, 150, 2))
    answers[0, :, 0] = told(truth[:, 0], 3.0, rng)
    weight = fit_combination("ridge", answers, truth, (), None, 0).weight
    assert np.abs(weight[1]).sum() < 0.1  # nobody sees class 1
    assert weight[0, 0] > 0.5


def test_a_link_of_the_chain_is_a_logistic_regression_on_log_odds():
    answers, truth = correlated(300, 5)
    chain = fit_combination("chain", answers, truth, (), None, 0)
    first = int(chain.order[0])
    model = LogisticRegression(C=0.1, max_iter=1000).fit(log_odds(answers[0]), truth[:, first])
    wanted = model.predict_proba(log_odds(answers[0]))[:, 1]
    np.testing.assert_allclose(chain.apply(answers)[:, first], wanted, atol=1e-3)
    assert list(chain.order) == list(np.argsort(-truth.mean(axis=0)))


def test_the_mean_by_hand_over_those_who_know():
    answers = np.array([[[0.2, 0.4]], [[0.6, NAN]], [[0.1, NAN]]])
    mean = fit_combination("mean", answers, np.ones((1, 2)), (), None, 0)
    np.testing.assert_allclose(mean.apply(answers), [[0.3, 0.4]], atol=1e-6)


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_exclusive_classes_sum_to_one(kind: str):
    rng = np.random.default_rng(0)
    truth = np.eye(3)[rng.integers(0, 3, 200)]
    answers = rng.dirichlet([1, 1, 1], (2, 200)) + truth
    answers /= answers.sum(axis=2, keepdims=True)
    found = fit_combination(kind, answers, truth, SKY, None, 0).apply(answers)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found >= 0).all()
    assert (found.argmax(axis=1) == truth.argmax(axis=1)).mean() > 0.8


def test_a_group_of_which_nothing_is_left_is_shared_out_as_the_members_do():
    answers = np.array([[[0.5, 0.3, 0.2]], [[0.7, 0.1, 0.2]]])
    combination = fit_combination("ridge", answers, np.full((1, 3), NAN), SKY, None, 0)
    low = replace(combination, weight=np.zeros_like(combination.weight), intercept=np.full(3, -1, np.float32))
    np.testing.assert_allclose(low.apply(answers), [[0.6, 0.2, 0.2]], atol=1e-6)


# labels and members that are missing


@pytest.mark.parametrize("kind", ["best", "ridge"])
def test_what_is_unknown_of_one_label_is_as_if_not_there(kind: str):
    answers, truth = correlated(300, 0)
    answers = np.concatenate([answers, answers[:, ::-1]])
    hidden = truth.copy()
    hidden[200:, 2] = NAN
    one = fit_combination(kind, answers, hidden, (), np.arange(300) % 60, 0)
    other = fit_combination(kind, answers, truth, (), np.arange(300) % 60, 0)
    np.testing.assert_array_equal(one.weight[:2], other.weight[:2])
    answers[:, 200:] = 0.5  # and what a member says there does not matter to it
    changed = fit_combination(kind, answers, hidden, (), np.arange(300) % 60, 0)
    np.testing.assert_array_equal(changed.weight[2], one.weight[2])
    assert not np.array_equal(fit_combination("ridge", answers, truth, (), None, 0).weight[2], one.weight[2])


@pytest.mark.parametrize("kind", ["ridge", "chain"])
def test_unknown_is_not_absent(kind: str):
    answers, truth = correlated(600, 0)
    rng = np.random.default_rng(0)
    lost = (truth[:, 2] == 1) & (rng.random(600) < 0.8)
    masked, as_absent = truth.copy(), truth.copy()
    masked[lost, 2], as_absent[lost, 2] = NAN, 0
    rows = truth[:, 2] == 1
    right, wrong = (
        fit_combination(kind, answers, wanted, (), None, 0).apply(answers)[rows, 2].mean()
        for wanted in (masked, as_absent)
    )
    assert right > 1.3 * wrong


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_a_class_that_does_not_vary_keeps_the_mean(kind: str):
    rng = np.random.default_rng(0)
    truth = (rng.random((100, 3)) < 0.5).astype(float)
    truth[:, 1] = 0
    truth[:, 2] = NAN
    truth[0, 2] = 1  # one is too few to learn from
    answers = told(np.zeros((2, 100, 3)), 0.0, rng)
    found = fit_combination(kind, answers, truth, (), None, 0).apply(answers)
    middle = answers.mean(axis=0)
    if kind == "chain":
        odds = np.log(answers / (1 - answers)).mean(axis=0)
        middle = 1 / (1 + np.exp(-odds))
    np.testing.assert_allclose(found[:, 1:], middle[:, 1:], atol=1e-5)


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_a_member_that_does_not_know_a_class_is_not_asked(kind: str):
    rng = np.random.default_rng(0)
    truth = (rng.random((300, 2)) < 0.5).astype(float)
    answers = np.stack([told(truth, 1.0, rng), told(truth, 2.0, rng)])
    answers[1, :, 1] = NAN
    found = fit_combination(kind, answers, truth, (), None, 0).apply(answers)
    assert np.isfinite(found).all()
    assert ap(truth[:, 1], found[:, 1]) > ap(truth[:, 1], answers[0, :, 1]) - 0.02
    if kind in ("mean", "best"):
        np.testing.assert_allclose(found[:, 1], answers[0, :, 1], atol=1e-6)
    answers[0, :, 1] = NAN
    with pytest.raises(ModelError, match="known to none of the ensemble's members"):
        fit_combination(kind, answers, truth, (), None, 0)


@pytest.mark.parametrize("kind", COMBINATIONS)
@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_hardly_any_tiles_are_no_reason_to_stop(kind: str, rows: int):
    answers, truth = correlated(20, 0)
    answers, truth = answers[:, :rows], truth[:rows]
    assert fit_combination(kind, answers, truth, (), None, 0).apply(answers).shape == (rows, 3)
    assert np.isfinite(out_of_fold(kind, answers, truth, (), None, 0)).all()


def test_a_way_nobody_knows_is_refused():
    with pytest.raises(OptionError, match="--combine vote: no such way; choose one of mean, best, ridge, chain"):
        fit_combination("vote", np.ones((1, 1, 1)), np.ones((1, 1)), (), None, 0)


# judged on what it has not seen


@pytest.mark.parametrize("kind", ["best", "ridge", "chain"])
def test_out_of_fold_sees_through_noise(kind: str):
    rng = np.random.default_rng(0)
    truth = (rng.random((80, 1)) < 0.5).astype(float)
    answers = rng.random((40, 80, 1))  # forty members that know nothing
    fooled = fit_combination(kind, answers, truth, (), None, 0).apply(answers)
    honest = out_of_fold(kind, answers, truth, (), None, 0)
    assert ap(truth[:, 0], honest[:, 0]) < 0.62
    assert ap(truth[:, 0], fooled[:, 0]) > ap(truth[:, 0], honest[:, 0]) + 0.1


def test_tiles_of_one_group_do_not_tell_of_each_other():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    truth = (rng.random(30) < 0.5).astype(float)[groups][:, None]
    place = rng.random((25, 30, 1))[:, groups]  # members know the place, not the class
    answers = place + rng.normal(0, 0.01, place.shape)
    leaky = out_of_fold("ridge", answers, truth, (), None, 0)
    honest = out_of_fold("ridge", answers, truth, (), groups, 0)
    assert ap(truth[:, 0], leaky[:, 0]) > 0.95
    assert ap(truth[:, 0], honest[:, 0]) < 0.7


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_the_same_seed_gives_the_same(kind: str):
    answers, truth = correlated(100, 0)
    one, other = (out_of_fold(kind, answers, truth, (), None, 3) for _ in range(2))
    np.testing.assert_array_equal(one, other)


# as a model


@dataclass(frozen=True, slots=True)
class Member:
    """A model that looks at the mean of each band."""

    card: ModelCard
    matrix: np.ndarray
    """(bands, classes)."""

    def __call__(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        scale = np.array([[band.scale] for band in self.card.bands])
        offset = np.array([band.offset for band in self.card.bands])
        physical = (pixels.reshape(*pixels.shape[:2], -1) * scale).mean(axis=2) + offset
        return (1 / (1 + np.exp(-physical @ self.matrix))).astype(np.float32)

    def with_card(self, card: ModelCard) -> Member:
        return replace(self, card=card)

    def weights(self) -> dict[str, Any]:
        return {"matrix": self.matrix}


BANDS = {
    name: BandContract(name, scale, offset, 0.0, 1.0)
    for name, scale, offset in (("red", 0.1, -5), ("nir", 0.2, -9), ("swir", 0.3, 1))
}


def card(bands: list[str], classes: list[str], **changes: Any) -> ModelCard:
    return replace(
        ModelCard(
            architecture="stub",
            heads=(Head("h", "sigmoid", tuple(classes)),),
            scheme={},
            bands=tuple(BANDS[name] for name in bands),
            dtype="uint8",
            gsd_m=10.0,
            tile_px=(4, 4),
            presence=dict.fromkeys(classes, 0.1),
            thresholds=dict.fromkeys(classes, 0.5),
        ),
        **changes,
    )


def member(bands: list[str], classes: list[str], seed: int) -> Member:
    matrix = np.random.default_rng(seed).normal(0, 1, (len(bands), len(classes))).astype(np.float32)
    return Member(card(bands, classes), matrix)


MEMBERS = (member(["swir", "red"], ["mine", "forest"], 0), member(["nir"], ["forest", "town"], 1))
RNG = np.random.default_rng(0)
PIXELS, VALID = RNG.integers(0, 100, (60, 3, 4, 4)), np.ones((60, 4, 4), bool)


def ensemble(kind: str) -> EnsemblePredictor:
    contract = card(["red", "nir", "swir"], ["forest", "mine", "town"], architecture=ENSEMBLE)
    contract = replace(contract, settings=ensemble_settings(MEMBERS, kind))
    answers = member_probabilities(contract, MEMBERS, PIXELS, VALID)
    truth = (np.random.default_rng(1).random((60, 3)) < 0.5).astype(np.float32)
    return EnsemblePredictor(contract, MEMBERS, fit_combination(kind, answers, truth, (), None, 0))


def test_members_see_their_bands_and_speak_of_their_classes():
    own = ensemble("mean")
    one, other = MEMBERS[0](PIXELS[:, [2, 0]], VALID), MEMBERS[1](PIXELS[:, [1]], VALID)
    wanted = np.stack([(one[:, 1] + other[:, 0]) / 2, one[:, 0], other[:, 1]], axis=1)
    np.testing.assert_allclose(own(PIXELS, VALID), wanted, atol=1e-6)


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_one_file_gives_the_same_again(kind: str, tmp_path: Path):
    own = ensemble(kind)
    write_model(tmp_path / "m.safetensors", own.card, own.weights())
    contract, weights = read_model(tmp_path / "m.safetensors")
    again = EnsemblePredictor.restore(contract, weights, lambda told, arrays: Member(told, arrays["matrix"]))
    np.testing.assert_allclose(again(PIXELS, VALID), own(PIXELS, VALID), rtol=0, atol=1e-6)
    assert [one.card for one in again.members] == [one.card for one in MEMBERS]


def test_scale_and_offset_reach_the_members_by_the_name_of_the_band():
    own = ensemble("best")
    scale, offset = [np.array([getattr(BANDS[name], what) for name in BANDS]) for what in ("scale", "offset")]
    physical = PIXELS * scale[:, None, None] + offset[:, None, None]
    other = own.with_card(rescaled(own.card, [1.0] * 3, [0.0] * 3))
    np.testing.assert_allclose(other(physical, VALID), own(PIXELS, VALID), atol=1e-5)
    assert own.members == MEMBERS
    # and from a file whose card was changed
    again = EnsemblePredictor.restore(other.card, own.weights(), lambda told, arrays: Member(told, arrays["matrix"]))
    np.testing.assert_allclose(again(physical, VALID), own(PIXELS, VALID), atol=1e-5)


def test_members_that_do_not_fit_are_refused():
    own = ensemble("mean")
    with pytest.raises(ModelError, match="an ensemble needs members"):
        replace(own, members=())
    with pytest.raises(ModelError, match="no member knows mine"):
        replace(own, members=MEMBERS[1:])
    with pytest.raises(ModelError, match="member 0 has bands that the ensemble lacks: swir"):
        replace(own, card=replace(own.card, bands=own.card.bands[:2]))
    with pytest.raises(ModelError, match="member 1 has classes that the ensemble lacks: town"):
        replace(own, card=card(["red", "nir", "swir"], ["forest", "mine"]))
    with pytest.raises(ModelError, match=r"member 0 sees tiles of \(4, 4\) px, the ensemble of \(8, 8\) px"):
        replace(own, card=replace(own.card, tile_px=(8, 8)))


@pytest.mark.parametrize("kind", COMBINATIONS)
def test_arrays_that_do_not_fit_are_refused(kind: str):
    arrays = fit_combination(kind, np.full((2, 9, 3), 0.5), np.ones((9, 3)), (), None, 0).to_arrays()
    from_arrays(kind, arrays, (), 2, 3)
    for spoilt in (
        arrays | {"weight": arrays["weight"][:, :-1]},
        arrays | {"weight": arrays["weight"] * NAN},
        arrays | {"order": np.array([0, 0, 1], np.int32)},
        arrays | {"order": np.array([0, 1, 9], np.int32)},
        {name: values for name, values in arrays.items() if name != "intercept"},
    ):
        with pytest.raises(ModelError, match="the model's arrays are damaged"):
            from_arrays(kind, spoilt, (), 2, 3)
    with pytest.raises(ModelError, match="the combination 'vote' is none of mean, best, ridge, chain"):
        from_arrays("vote", arrays, (), 2, 3)


def test_cards_that_are_damaged_are_refused():
    own = ensemble("mean")
    told = own.card.settings["members"]
    for settings in ({}, {"members": 7}, {"members": [{}], "combination": "mean"}, {"members": told}):
        with pytest.raises(ModelError, match="the contracts of the ensemble's members are damaged"):
            EnsemblePredictor.restore(replace(own.card, settings=settings), own.weights(), lambda *_: MEMBERS[0])
    nested = [told[0] | {"architecture": ENSEMBLE}, told[1]]
    settings = {"members": nested, "combination": "mean"}
    with pytest.raises(ModelError, match="member 0 is an ensemble itself"):
        EnsemblePredictor.restore(replace(own.card, settings=settings), own.weights(), lambda *_: MEMBERS[0])


def test_which_classes_exclude_each_other():
    heads = (Head("a", "sigmoid", ("x", "y")), Head("b", "softmax", ("p", "q")), Head("c", "softmax", ("r", "s", "t")))
    assert exclusive(heads) == (slice(2, 4), slice(4, 7))
