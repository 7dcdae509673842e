"""Calibration: what it must never change, what it must mend, and what it refuses to read."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, log_loss

from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Isotonic, Temperature
from geolabel.scoring.multilabel import score

GROUP = slice(0, 3)


def overconfident(seed: int, tiles: int, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Three exclusive and two independent classes, drawn from their logits; probabilities are of logits × factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(tiles, 5)) * 1.5 - [0, 0, 0, 1, 0]
    chances = np.hstack([softmax(logits[:, GROUP], axis=1), expit(logits[:, 3:])])
    chosen = (rng.random((tiles, 1)) > np.cumsum(chances[:, GROUP], axis=1)).sum(axis=1).clip(0, 2)
    targets = np.hstack([np.eye(3)[chosen], rng.random((tiles, 2)) < chances[:, 3:]]).astype(np.float32)
    found = np.hstack([softmax(factor * logits[:, GROUP], axis=1), expit(factor * logits[:, 3:])])
    targets[rng.random(tiles) < 0.1, GROUP] = np.nan
    targets[:, 3:][rng.random((tiles, 2)) < 0.1] = np.nan
    return targets, found.astype(np.float32)


def losses(targets: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Negative log-likelihood of the group, and of each independent class."""
    known = ~np.isnan(targets[:, 0])
    given_ = probabilities[known, GROUP].astype(np.float64)[targets[known, GROUP] == 1]
    found = [float(-np.log(given_).mean())]
    for column in (3, 4):
        known = ~np.isnan(targets[:, column])
        value = probabilities[known, column].astype(np.float64)
        found.append(float(log_loss(targets[known, column], np.stack([1 - value, value], 1), labels=[0, 1])))
    return found


def test_temperature_finds_the_factor() -> None:
    targets, found = overconfident(0, 20_000)
    maps = Calibration.fit(targets, found, [GROUP], "temperature").maps
    assert maps[0] == maps[1] == maps[2]
    assert [one.temperature for one in maps] == pytest.approx([3.0] * 5, rel=0.08)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_fresh_tiles_are_told_better(method: str) -> None:
    targets, found = overconfident(1, 3_000)
    calibration = Calibration.fit(targets, found, [GROUP], method)
    fresh, given_ = overconfident(2, 3_000)
    done = calibration.apply(given_)
    assert (done.dtype, done.shape) == (np.float32, given_.shape)
    assert all(after < 0.8 * before for after, before in zip(losses(fresh, done), losses(fresh, given_), strict=True))
    before, after = (score(fresh, value, "abcde", [0.5] * 5).classes for value in (given_, done))
    assert all(new.ece < 0.5 * old.ece for new, old in zip(after, before, strict=True))
    assert done[:, GROUP].sum(axis=1) == pytest.approx(1, abs=1e-5)


@given(st.integers(0, 9_999), st.integers(1, 120), st.sampled_from([0.3, 1.0, 5.0]))
def test_fitted_tiles_are_never_told_worse(seed: int, tiles: int, factor: float) -> None:
    targets, found = overconfident(seed, tiles, factor)
    targets[0] = [1, 0, 0, 1, 1]
    known = np.clip(found, 1e-30, np.nextafter(np.float32(1), np.float32(0)))
    for method in ("temperature", "isotonic"):
        done = Calibration.fit(targets, found, [GROUP], method).apply(found)
        pairs = zip(losses(targets, done), losses(targets, known), strict=True)
        assert all(after <= before + 1e-6 for after, before in pairs)
        assert 0 < done.min() <= done.max() < 1


@given(st.integers(0, 9_999), st.sampled_from(["temperature", "isotonic"]))
def test_the_order_of_independent_tiles_stays(seed: int, method: str) -> None:
    targets, found = overconfident(seed, 200, 2.0)
    done = Calibration.fit(targets, found, [GROUP], method).apply(found)
    for column in (3, 4):
        order = np.argsort(found[:, column])
        apart, risen = np.diff(found[order, column]) > 1e-4, np.diff(done[order, column])
        assert (risen >= 0).all()
        assert (risen[apart] > 0).all()  # nearer ones an isotonic calibration may make equal, as 32-bit numbers go
        known = ~np.isnan(targets[:, column])
        if method == "temperature":
            truth = targets[known, column]
            before, after = (average_precision_score(truth, values[known, column]) for values in (found, done))
            assert after == pytest.approx(before, abs=1e-9)


@given(st.floats(0.5, 20), st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20))
def test_a_temperature_never_turns_two_answers_round(temperature: float, values: list[float]) -> None:
    given_ = np.sort(np.array(values, dtype=np.float32))[:, None]
    done = Calibration("temperature", (Temperature(temperature),)).apply(given_)
    assert (np.diff(done[:, 0]) >= 0).all()
    assert np.isfinite(np.log(done)).all()
    assert np.isfinite(np.log1p(-done)).all()


def test_temperatures_by_hand() -> None:
    """Odds of 9 to the power ½ are 3; shares .8, .2 with roots in the ratio 2 : 1."""
    halved = Temperature(2.0)
    assert halved.apply(np.array([0.9, 0.5, 0.1])) == pytest.approx([0.75, 0.5, 0.25])
    assert halved.apply_group(np.array([[0.8, 0.2]])) == pytest.approx(np.array([[2 / 3, 1 / 3]]))


def test_isotonic_is_scikit_learn_s_between_its_limits() -> None:
    targets, found = overconfident(4, 500)
    known = ~np.isnan(targets[:, 4])
    present, probability = targets[known, 4] == 1, found[known, 4].astype(np.float64)
    done = Isotonic.fit(present, probability).apply(probability)
    expected = IsotonicRegression(y_min=0, y_max=1).fit_transform(probability, present)
    assert done == pytest.approx(expected, abs=2e-3 + 1 / (known.sum() + 2))
    assert min(done.min(), 1 - done.max()) >= 0.999 / (known.sum() + 2)


def test_few_tiles_change_nothing() -> None:
    rng = np.random.default_rng(0)
    targets = np.zeros((200, 4), np.float32)
    targets[:9, 0] = 1  # 9 with, 191 without
    targets[:10, 1] = 1
    targets[:, 2] = 1
    targets[:9, 2:] = [0, 1]  # a group: 191 of one class, 9 of the other
    found = rng.random((200, 4)).astype(np.float32).clip(0.01, 0.99)
    for method in ("temperature", "isotonic"):
        calibration = Calibration.fit(targets, found, [slice(2, 4)], method)
        assert [one is None for one in calibration.maps] == [True, False, True, True]
        assert np.array_equal(calibration.apply(found)[:, [0, 2, 3]], found[:, [0, 2, 3]])


def test_tiles_without_an_error_do_not_make_answers_certain() -> None:
    targets = np.repeat(np.array([[0.0], [1.0]], np.float32), 20, axis=0)
    found = np.where(targets == 1, 0.7, 0.3).astype(np.float32)
    done = Calibration.fit(targets, found, (), "temperature").apply(found)
    assert (done.min(), done.max()) == pytest.approx((9 / 58, 49 / 58), abs=1e-3)  # odds of 7 to 3, squared
    done = Calibration.fit(targets, found, (), "isotonic").apply(found)
    assert (done.min(), done.max()) == pytest.approx((1 / 42, 41 / 42), abs=2e-3)


def test_what_is_sure_and_right_already_stays_as_it_is() -> None:
    """Twenty tiles allow no more than 1/22 from certain; the answers were nearer, and none was wrong."""
    targets = np.repeat(np.array([[0, 1, 0], [1, 0, 1]], np.float32), 10, axis=0)
    found = np.clip(targets, 1e-4, 1 - 1e-4)
    assert Calibration.fit(targets, found, [slice(0, 2)], "isotonic").maps == (None, None, None)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_json_and_back(method: str) -> None:
    targets, found = overconfident(5, 300)
    targets[:, 3] = np.nan
    calibration = Calibration.fit(targets, found, [GROUP], method)
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again == calibration
    assert again.maps[3] is None
    assert np.array_equal(again.apply(found), calibration.apply(found))


DAMAGE = [
    lambda value: value.pop("method"),
    lambda value: value.update(method="platt"),
    lambda value: value.update(method=None),
    lambda value: value.update(maps=None),
    lambda value: value.update(maps={"temperature": 1}),
    lambda value: value["maps"].__setitem__(0, {}),
    lambda value: value["maps"].__setitem__(3, {"temperature": "warm"}),
    lambda value: value["maps"].__setitem__(3, {"temperature": -1}),
    lambda value: value["maps"].__setitem__(3, {"temperature": float("nan")}),
    lambda value: value["maps"].__setitem__(0, {"temperature": 17.0}),  # not that of the rest of its group
    lambda value: value.pop("exclusive"),
    lambda value: value.update(exclusive=[[0, 9]]),
    lambda value: value.update(exclusive=[[0, 2], [1, 3]]),
    lambda value: value.update(exclusive=[[0.5, 2]]),
    lambda value: value.update(exclusive=[0]),
]
KNOTS = [
    {"given": [0.0, 1.0], "calibrated": [0.1]},
    {"given": [0.0], "calibrated": [0.1]},
    {"given": [0.0, 0.0, 1.0], "calibrated": [0.1, 0.2, 0.3]},
    {"given": [0.0, 1.0], "calibrated": [0.4, 0.1]},
    {"given": [0.0, 1.0], "calibrated": [0.0, 0.1]},
    {"given": [0.0, 1.0], "calibrated": [0.1, float("nan")]},
    {"given": [0.2, 1.0], "calibrated": [0.1, 0.2]},
    {"given": None, "calibrated": [0.1, 0.2]},
    {"given": [0.0, 1.0]},
    "damaged",
]


@pytest.mark.parametrize("number", range(len(DAMAGE)))
def test_damaged_temperatures_are_not_read(number: int) -> None:
    whole = Calibration("temperature", (Temperature(2.0),) * 3 + (None, Temperature(1.5)), ((0, 3),)).to_json()
    damaged = copy.deepcopy(whole)
    DAMAGE[number](damaged)
    assert Calibration.from_json(whole).to_json() == whole
    with pytest.raises((ValueError, KeyError, TypeError)):
        Calibration.from_json(damaged)


@pytest.mark.parametrize("number", range(len(KNOTS)))
def test_damaged_knots_are_not_read(number: int) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Calibration.from_json({"method": "isotonic", "maps": [KNOTS[number]], "exclusive": []})


@pytest.mark.parametrize("value", [None, [], "calibration", 3])
def test_what_is_no_calibration_at_all(value: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Calibration.from_json(value)


def test_other_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="1 classes"):
        Calibration("temperature", (Temperature(2.0),)).apply(np.full((2, 2), 0.5, np.float32))


@given(st.integers(0, 9_999), st.floats(0.5, 20))
def test_of_exclusive_classes_the_likeliest_stays_so(seed: int, temperature: float) -> None:
    _, found = overconfident(seed, 50, 1.0)
    done = Calibration("temperature", (Temperature(temperature),) * 3 + (None, None), ((0, 3),)).apply(found)
    assert np.array_equal(done[:, GROUP].argsort(axis=1), found[:, GROUP].argsort(axis=1))
    assert np.array_equal(done[:, 3:], found[:, 3:])
