"""Baselines: better than chance, the same as scikit-learn says, the same from a file, and safe where a file lies."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from geolabel.errors import EmptyError, ModelError, OptionError
from geolabel.learn.baselines import (
    BASELINES,
    Baseline,
    BaselinePredictor,
    StatisticsFeatures,
    fit_baseline,
    from_arrays,
    load_baseline,
    network_features,
)
from geolabel.learn.baselines.baseline import standardised
from geolabel.model import BandContract, Head, ModelCard, read_model, rescaled, write_model

NAN = math.nan
LAND = Head("land", "sigmoid", ("forest", "mine"))
SKY = Head("sky", "softmax", ("clear", "haze", "cloud"))
HEADS = (LAND, SKY)
CPU = torch.device("cpu")


def planted(rows: int, seed: int, unknown: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 6) and targets (n, 5) that follow from the first four of them, with some noise; some unknown."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (rows, 6)).astype(np.float32)
    land = np.stack([features[:, 0] > 0, features[:, 0] + 2 * features[:, 1] > 2.5], axis=1)
    land ^= rng.random(land.shape) < 0.03
    sky = np.digitize(features[:, 2] + 0.3 * features[:, 3], [-0.5, 0.8])
    targets = np.concatenate([land, np.eye(3)[sky]], axis=1).astype(np.float32)
    hidden = rng.random((rows, 3)) < unknown
    targets[:, :2][hidden[:, :2]] = NAN
    targets[hidden[:, 2], 2:] = NAN
    return features * 3 + 5, targets


FEATURES, TARGETS = planted(600, 0)
TEST, TRUTH = planted(500, 1, unknown=0)


@pytest.fixture(scope="module")
def fitted() -> dict[str, Baseline]:
    return {kind: fit_baseline(kind, FEATURES, TARGETS, HEADS, seed=0, trees=60) for kind in BASELINES}


def log_loss(truth: np.ndarray, told: np.ndarray) -> float:
    told = told.clip(0.01, 0.99)
    return float(-(truth * np.log(told) + (1 - truth) * np.log(1 - told)).mean())


@pytest.mark.parametrize("kind", BASELINES)
def test_each_is_clearly_better_than_chance(kind: str, fitted: dict[str, Baseline]):
    told = fitted[kind].probabilities(TEST)
    assert told.shape == TRUTH.shape
    assert told.dtype == np.float32
    assert (told >= 0).all()
    assert (told <= 1).all()
    np.testing.assert_allclose(told[:, 2:].sum(axis=1), 1, atol=1e-5)
    for label in (0, 1):
        by_chance = float(TRUTH[:, label].mean())
        assert average_precision_score(TRUTH[:, label], told[:, label]) > by_chance + 0.3
        rate = np.full(len(TRUTH), by_chance)
        assert log_loss(TRUTH[:, label], told[:, label]) < 0.75 * log_loss(TRUTH[:, label], rate)
    right = told[:, 2:].argmax(axis=1) == TRUTH[:, 2:].argmax(axis=1)
    assert right.mean() > TRUTH[:, 2:].mean(axis=0).max() + 0.2


@pytest.mark.parametrize("kind", BASELINES)
def test_a_rare_class_is_told_as_often_as_it_is_there(kind: str):
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (3000, 3)).astype(np.float32)
    odds = 2 * features[:, 0] - 4
    present = (rng.random(3000) < 1 / (1 + np.exp(-odds))).astype(np.float32)[:, None]
    head = [Head("h", "sigmoid", ("mine",))]
    told = fit_baseline(kind, features[:1500], present[:1500], head, seed=0, trees=60).probabilities(features[1500:])
    # 5 %; weights that make classes equal, taken at their word, would say about 25 %
    assert abs(told.mean() - present[1500:].mean()) < 0.02


@pytest.mark.parametrize("kind", BASELINES)
def test_the_same_from_a_file(kind: str, fitted: dict[str, Baseline], tmp_path: Path):
    write_model(tmp_path / "m.safetensors", card(kind), fitted[kind].to_arrays())
    _, arrays = read_model(tmp_path / "m.safetensors")
    again = from_arrays(kind, HEADS, arrays)
    np.testing.assert_allclose(again.probabilities(TEST), fitted[kind].probabilities(TEST), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_seed_gives_the_same_arrays(kind: str, fitted: dict[str, Baseline]):
    again = fit_baseline(kind, FEATURES, TARGETS, HEADS, seed=0, trees=60).to_arrays()
    for name, values in fitted[kind].to_arrays().items():
        np.testing.assert_array_equal(again[name], values)


# what scikit-learn says


def known_of(column: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.isfinite(TARGETS[:, column])
    return rows, TARGETS[rows, column].astype(int)


def rows_of(baseline: Baseline, features: np.ndarray) -> np.ndarray:
    return standardised(features, baseline.mean, baseline.factor)


def test_knn_is_that_of_scikit_learn(fitted: dict[str, Baseline]):
    own = fitted["knn"]
    told = own.probabilities(TEST)
    for column, label in ((0, None), (1, None), (2, TARGETS[:, 2:].argmax(axis=1))):
        rows, labels = known_of(column)
        model = KNeighborsClassifier(15).fit(rows_of(own, FEATURES[rows]), labels if label is None else label[rows])
        wanted = model.predict_proba(rows_of(own, TEST))
        found = told[:, [column]] if label is None else told[:, 2:]
        np.testing.assert_allclose(found, wanted[:, 1:] if label is None else wanted, atol=1e-6)


def test_logistic_regression_is_that_of_scikit_learn_at_the_real_frequencies(fitted: dict[str, Baseline]):
    own = fitted["logistic"]
    told = own.probabilities(TEST)
    for column in (0, 1):
        rows, labels = known_of(column)
        model = LogisticRegression(class_weight="balanced").fit(rows_of(own, FEATURES[rows]), labels)
        told_of_equals = model.predict_proba(rows_of(own, TEST)) * np.bincount(labels)
        np.testing.assert_allclose(told[:, column], told_of_equals[:, 1] / told_of_equals.sum(axis=1), atol=2e-3)
    rows = np.isfinite(TARGETS[:, 2])
    labels = TARGETS[rows, 2:].argmax(axis=1)
    model = LogisticRegression(class_weight="balanced").fit(rows_of(own, FEATURES[rows]), labels)
    told_of_equals = model.predict_proba(rows_of(own, TEST)) * np.bincount(labels)
    wanted = told_of_equals / told_of_equals.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(told[:, 2:], wanted, atol=2e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_perceptron_is_that_of_scikit_learn(fitted: dict[str, Baseline]):
    own = fitted["mlp"]
    for column, width in ((1, 1), (2, 3)):
        rows, labels = known_of(column)
        labels = labels if width == 1 else TARGETS[rows, 2:].argmax(axis=1)
        model = MLPClassifier((64,), alpha=0.3, random_state=0).fit(rows_of(own, FEATURES[rows]), labels)
        wanted = model.predict_proba(rows_of(own, TEST))[:, -width:]
        np.testing.assert_allclose(own.probabilities(TEST)[:, column : column + width], wanted, atol=1e-3)


def test_a_machine_s_log_odds_are_a_line_in_scikit_learn_s_distances(fitted: dict[str, Baseline]):
    own = fitted["svm"]
    rows, labels = known_of(1)
    model = SVC(gamma=1 / 6, class_weight="balanced").fit(rows_of(own, FEATURES[rows]), labels)
    distance = model.decision_function(rows_of(own, TEST))
    told = own.probabilities(TEST)[:, 1].astype(np.float64)
    clear = (told > 0.001) & (told < 0.999)
    odds = np.log(told / (1 - told))[clear]
    slope, shift = np.polyfit(distance[clear], odds, 1)
    assert slope > 0.5
    np.testing.assert_allclose(odds, slope * distance[clear] + shift, atol=0.01)


def shares_by_hand(tree: DecisionTreeClassifier, seen: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The share of presence among the training rows that end in the same leaf as each row asked for."""
    leaf = tree.apply(seen)
    return np.array([labels[leaf == place].mean() for place in tree.apply(asked)])


def test_a_tree_s_leaves_hold_the_shares_of_the_classes_as_they_are(fitted: dict[str, Baseline]):
    own = fitted["tree"]
    rows, labels = known_of(1)
    seen, asked = rows_of(own, FEATURES[rows]), rows_of(own, TEST)
    leaf = max(2, round(len(FEATURES) ** 0.5 / 2))
    model = DecisionTreeClassifier(min_samples_leaf=leaf, class_weight="balanced", random_state=0).fit(seen, labels)
    np.testing.assert_allclose(own.probabilities(TEST)[:, 1], shares_by_hand(model, seen, labels, asked), atol=1e-6)


def test_a_forest_is_the_mean_of_its_trees(fitted: dict[str, Baseline]):
    own = fitted["rf"]
    rows, labels = known_of(1)
    seen, asked = rows_of(own, FEATURES[rows]), rows_of(own, TEST)
    model = RandomForestClassifier(60, min_samples_leaf=2, class_weight="balanced_subsample", random_state=0)
    # equal weights: since version 1.9 scikit-learn draws other rows with them than without
    model.fit(seen, labels, np.ones(len(seen)))
    wanted = np.mean([shares_by_hand(tree, seen, labels, asked) for tree in model.estimators_], axis=0)
    np.testing.assert_allclose(own.probabilities(TEST)[:, 1], wanted, atol=1e-6)


def test_trees_and_depth_are_what_was_asked_for():
    head = [Head("h", "sigmoid", ("forest",))]
    arrays = fit_baseline("rf", FEATURES, TARGETS[:, :1], head, seed=0, trees=11, depth=1).to_arrays()
    assert len(arrays["start"]) == 11
    assert len(arrays["feature"]) <= 33  # a root and two leaves each


# labels that are missing, or tell nothing


@pytest.mark.parametrize("kind", BASELINES)
def test_a_class_that_does_not_vary_has_the_probability_of_the_rule_of_succession(kind: str):
    targets = TARGETS.copy()
    targets[:, 0] = NAN
    targets[:8, 0] = 1  # always there, of 8
    targets[:, 1] = NAN  # never known
    targets[:, 2:] = NAN
    targets[:4, 2:] = [0, 1, 0]  # one of the group, of 4
    told = fit_baseline(kind, FEATURES, targets, HEADS, seed=0).probabilities(TEST[:2])
    np.testing.assert_allclose(told, [[9 / 10, 0.5, 1 / 7, 5 / 7, 1 / 7]] * 2, atol=1e-6)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_class_missing_from_its_group_has_probability_0(kind: str):
    targets = TARGETS[:, 2:].copy()
    targets[targets[:, 1] == 1] = NAN  # haze is never seen
    fit = fit_baseline(kind, FEATURES, targets, [SKY], seed=0, trees=20)
    told = fit.probabilities(TEST)
    assert (told[:, 1] == 0).all()
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    others = TRUTH[:, 3] == 0
    assert ((told[:, 2] > 0.5) == (TRUTH[:, 4] == 1))[others].mean() > 0.85
    np.testing.assert_array_equal(from_arrays(kind, [SKY], fit.to_arrays()).probabilities(TEST), told)


def test_a_group_of_which_none_is_there_is_unknown():
    targets = TARGETS[:, 2:].copy()
    none = targets.copy()
    unknown = np.isnan(targets).any(axis=1)
    none[unknown] = 0
    fits = [fit_baseline("knn", FEATURES, wanted, [SKY], seed=0) for wanted in (targets, none)]
    np.testing.assert_array_equal(fits[0].probabilities(TEST), fits[1].probabilities(TEST))


@pytest.mark.parametrize("kind", BASELINES)
def test_an_unknown_label_is_not_absence(kind: str):
    head, rng = [Head("h", "sigmoid", ("forest",))], np.random.default_rng(0)
    hidden = (TARGETS[:, 0] == 1) & (rng.random(len(TARGETS)) < 0.9)
    masked = np.where(hidden, NAN, TARGETS[:, 0])[:, None]
    as_absent = np.where(hidden, 0, TARGETS[:, 0])[:, None]
    masked_, as_absent_ = (
        fit_baseline(kind, FEATURES, wanted, head, seed=0, trees=40).probabilities(TEST)[:, 0]
        for wanted in (masked, as_absent)
    )
    rows = TRUTH[:, 0] == 1
    assert masked_[rows].mean() > 2 * as_absent_[rows].mean()


@pytest.mark.parametrize("kind", BASELINES)
def test_a_row_of_weight_0_is_not_there(kind: str):
    weights = np.ones(len(FEATURES), np.float32)
    weights[::3] = 0
    spoilt = FEATURES.copy()
    spoilt[::3] = 1e9
    rows = weights > 0
    one = fit_baseline(kind, spoilt, TARGETS, HEADS, 0, weights, trees=10)
    other = fit_baseline(kind, FEATURES[rows], TARGETS[rows], HEADS, 0, trees=10)
    np.testing.assert_array_equal(one.probabilities(TEST), other.probabilities(TEST))


@pytest.mark.parametrize("kind", BASELINES)
def test_weights_turn_a_contradiction(kind: str):
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (400, 2)).astype(np.float32)
    truth = (features[:, 0] > 0).astype(np.float32)
    targets = np.concatenate([truth, 1 - truth])[:, None]  # each row twice, with both labels
    weights = np.repeat([4.0, 1.0], 400)
    head = [Head("h", "sigmoid", ("a",))]
    told = fit_baseline(kind, np.tile(features, (2, 1)), targets, head, 0, weights, trees=40).probabilities(features)
    assert ((told[:, 0] > 0.5) == (truth == 1)).mean() > 0.9


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize("present", [1, 2])
def test_the_only_chip_of_a_class_is_no_reason_to_stop(kind: str, present: int):
    targets = np.zeros((40, 1), np.float32)
    targets[:present] = 1
    told = fit_baseline(kind, FEATURES[:40], targets, [Head("h", "sigmoid", ("a",))], 0, trees=5).probabilities(TEST)
    assert np.isfinite(told).all()


@pytest.mark.parametrize("kind", BASELINES)
def test_features_that_are_no_numbers_count_as_the_mean(kind: str, fitted: dict[str, Baseline]):
    odd = TEST[:4].copy()
    odd[0], odd[1, 2], odd[2, 0] = NAN, np.inf, -3e38
    told = fitted[kind].probabilities(odd)
    assert np.isfinite(told).all()
    mean = np.where(np.isfinite(odd), odd, fitted[kind].mean)
    np.testing.assert_allclose(told, fitted[kind].probabilities(mean), atol=1e-5)


def test_a_feature_that_never_varied_says_nothing():
    features = np.concatenate([FEATURES, np.full((len(FEATURES), 1), 0.1, np.float32)], axis=1)
    fit = fit_baseline("logistic", features, TARGETS, HEADS, seed=0)
    asked = np.concatenate([TEST, np.full((len(TEST), 1), 5, np.float32)], axis=1)
    plain = fit_baseline("logistic", FEATURES, TARGETS, HEADS, seed=0)
    np.testing.assert_allclose(fit.probabilities(asked), plain.probabilities(TEST), atol=1e-4)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(OptionError, match="--model xgb: no such baseline; choose one of knn, svm"):
        fit_baseline("xgb", FEATURES, TARGETS, HEADS, 0)
    with pytest.raises(EmptyError, match="no chips to train the rf on"):
        fit_baseline("rf", FEATURES[:0], TARGETS[:0], HEADS, 0)
    with pytest.raises(EmptyError, match="no chips"):
        fit_baseline("rf", FEATURES, TARGETS, HEADS, 0, np.zeros(len(FEATURES)))
    with pytest.raises(OptionError, match="sample weights must be numbers of at least 0"):
        fit_baseline("rf", FEATURES, TARGETS, HEADS, 0, np.full(len(FEATURES), -1.0))


def test_other_features_than_in_training_are_refused(fitted: dict[str, Baseline]):
    with pytest.raises(ModelError, match=r"trained on 6 features, got \(500, 5\)"):
        fitted["rf"].probabilities(TEST[:, :5])


# files that lie


def cut(values: np.ndarray) -> np.ndarray:
    return values[:-1]


def other_type(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64)


def no_number(values: np.ndarray) -> np.ndarray:
    spoilt = values.copy()
    spoilt.flat[0] = NAN
    return spoilt


@pytest.mark.parametrize("kind", BASELINES)
def test_arrays_that_do_not_fit_are_refused(kind: str, fitted: dict[str, Baseline]):
    arrays = fitted[kind].to_arrays()
    for name, values in arrays.items():
        spoilt = [{key: value for key, value in arrays.items() if key != name}]
        spoilt += [arrays | {name: change(values)} for change in (cut, other_type)]
        if values.dtype.kind == "f":
            spoilt.append(arrays | {name: no_number(values)})
        for one in spoilt:
            with pytest.raises(ModelError, match="the model's arrays are damaged: .*train or copy the model again"):
                from_arrays(kind, HEADS, one)


@pytest.mark.parametrize("lie", ["cycle", "out", "feature", "leaf", "part", "start"])
def test_a_forest_that_leads_astray_is_refused(lie: str, fitted: dict[str, Baseline]):
    arrays = {name: values.copy() for name, values in fitted["rf"].to_arrays().items()}
    branch, leaf = np.flatnonzero(arrays["feature"] >= 0)[3], np.flatnonzero(arrays["feature"] < 0)[3]
    match lie:
        case "cycle":
            arrays["left"][branch] = branch
        case "out":
            arrays["right"][branch] = len(arrays["feature"])
        case "feature":
            arrays["feature"][branch] = 6
        case "leaf":
            arrays["left"][leaf] = len(arrays["value"])
        case "part":
            arrays["part"][0] = 3
        case "start":
            arrays["start"][1] = 0
    with pytest.raises(ModelError, match="damaged"):
        from_arrays("rf", HEADS, arrays)


@given(data=st.data())
def test_no_integer_crashes_or_hangs_it(data: st.DataObject, fitted: dict[str, Baseline]):
    kind = data.draw(st.sampled_from(["rf", "tree", "knn"]))
    arrays = {name: values.copy() for name, values in fitted[kind].to_arrays().items()}
    name = data.draw(st.sampled_from([name for name, values in arrays.items() if values.dtype.kind == "i"]))
    at = data.draw(st.integers(0, arrays[name].size - 1))
    info = np.iinfo(arrays[name].dtype)
    near = st.integers(-3, 3).map(lambda step: int(arrays[name].flat[at]) + step)
    arrays[name].flat[at] = data.draw(
        st.one_of(near, st.sampled_from([info.min, info.max])).filter(lambda value: info.min <= value <= info.max)
    )
    try:
        told = from_arrays(kind, HEADS, arrays).probabilities(TEST[:50])
    except ModelError:
        return
    assert np.isfinite(told).all()
    assert (told >= 0).all()
    assert (told <= 1 + 1e-5).all()


def test_a_kind_nobody_knows_and_a_group_of_one_are_refused(fitted: dict[str, Baseline]):
    arrays = fitted["logistic"].to_arrays()
    with pytest.raises(ModelError, match="'xgb' is none of knn"):
        from_arrays("xgb", HEADS, arrays)
    constant = arrays["constant"].copy()
    constant[2:4] = 0
    with pytest.raises(ModelError, match="constant leaves one class of a group"):
        from_arrays("logistic", HEADS, arrays | {"constant": constant})
    constant[2:] = [0.5, 1.5, 0]
    with pytest.raises(ModelError, match="constant holds values beyond 0–1"):
        from_arrays("logistic", HEADS, arrays | {"constant": constant})


# chips in, probabilities out


def card(kind: str, features: str = "colour") -> ModelCard:
    names = (*LAND.classes, *SKY.classes)
    return ModelCard(
        architecture=kind,
        heads=HEADS,
        scheme={},
        bands=(BandContract("red", 1e-4, 0.0, 0.1, 0.02), BandContract("nir", 1e-4, -0.1, 0.3, 0.05)),
        dtype="uint16",
        gsd_m=10.0,
        tile_px=(16, 16),
        presence=dict.fromkeys(names, 0.1),
        thresholds=dict.fromkeys(names, 0.5),
        settings={"features": features},
    )


def chips(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflectance (n, 2, 16, 16) in ten-thousandths, validity, and targets that follow from colour and roughness."""
    rng = np.random.default_rng(0)
    bright, rough = rng.random((2, rows))
    pixels = (
        2000
        + 2000 * bright[:, None, None, None]
        + (100 + 900 * rough[:, None, None, None]) * rng.normal(0, 1, (rows, 2, 16, 16))
    )
    land = np.stack([bright > 0.5, rough > 0.7], axis=1)
    sky = np.digitize(bright, [0.3, 0.6])
    valid = rng.random((rows, 16, 16)) > 0.1
    return pixels.clip(0).astype(np.uint16), valid, np.concatenate([land, np.eye(3)[sky]], axis=1).astype(np.float32)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_predictor_from_a_file(kind: str, tmp_path: Path):
    pixels, valid, targets = chips(300)
    features = StatisticsFeatures(card(kind).bands)
    baseline = fit_baseline(kind, features(pixels[:200], valid[:200]), targets[:200], HEADS, 0, trees=30)
    own = BaselinePredictor(card(kind), features, baseline)
    told = own(pixels[200:], valid[200:])
    assert average_precision_score(targets[200:, 1], told[:, 1]) > 0.8  # by chance .3: texture, not colour
    write_model(tmp_path / "m.safetensors", own.card, own.weights())
    again = load_baseline(*read_model(tmp_path / "m.safetensors"), None, CPU)
    np.testing.assert_allclose(again(pixels[200:], valid[200:]), told, rtol=0, atol=1e-6)
    assert again(pixels[:0], valid[:0]).shape == (0, 5)


def test_a_raster_with_another_scale_is_told_the_same():
    pixels, valid, targets = chips(200)
    features = StatisticsFeatures(card("rf").bands)
    own = BaselinePredictor(card("rf"), features, fit_baseline("logistic", features(pixels, valid), targets, HEADS, 0))
    physical = pixels.astype(np.float32) * 1e-4 + np.array([0, -0.1], np.float32)[:, None, None]
    other = own.with_card(rescaled(own.card, [1.0, 1.0], [0.0, 0.0]))
    assert other.card.bands[0].scale == 1
    np.testing.assert_allclose(other(physical, valid), own(pixels, valid), atol=1e-3)
    assert np.abs(own(physical, valid) - own(pixels, valid)).max() > 0.1


def test_more_chips_than_are_looked_at_at_once(monkeypatch):
    pixels, valid, _ = chips(70)
    features = StatisticsFeatures(card("rf").bands)
    whole = features(pixels, valid)
    monkeypatch.setattr("geolabel.learn.baselines.features._CHIPS_AT_ONCE", 32)
    np.testing.assert_allclose(features(pixels, valid), whole, rtol=1e-5)


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU())


def test_features_of_a_network_travel_with_the_model(tmp_path: Path, monkeypatch):
    pixels, valid, targets = chips(300)
    contract = card("rf", "tiny")
    features = network_features(network(1), contract.bands, CPU)
    seen = features(pixels, valid)
    assert seen.shape == (300, 12)
    with torch.inference_mode():
        chip = torch.from_numpy(pixels[:1].astype(np.float32)) * 1e-4 + torch.tensor([0, -0.1])[:, None, None]
        chip = (chip - torch.tensor([0.1, 0.3])[:, None, None]) / torch.tensor([0.02, 0.05])[:, None, None]
        wanted = network(1).eval()(chip * torch.from_numpy(valid[:1, None])).mean(dim=(2, 3))
    np.testing.assert_allclose(seen[:1], wanted, rtol=1e-3, atol=1e-4)
    own = BaselinePredictor(contract, features, fit_baseline("rf", seen[:200], targets[:200], HEADS, 0, trees=30))
    told = own(pixels[200:], valid[200:])
    assert average_precision_score(targets[200:, 0], told[:, 0]) > 0.9
    write_model(tmp_path / "m.safetensors", contract, own.weights())
    monkeypatch.setitem(__import__("geolabel.learn.baselines.features", fromlist=["x"])._PIXELS_AT_ONCE, "cpu", 4096)
    again = load_baseline(*read_model(tmp_path / "m.safetensors"), network(2), CPU)
    np.testing.assert_allclose(again(pixels[200:], valid[200:]), told, atol=1e-6)
    with pytest.raises(ModelError, match="the weights of the network that makes the features do not fit"):
        load_baseline(contract, own.weights(), nn.Conv2d(2, 3, 3), CPU)
    assert own.with_card(replace(contract, gsd_m=20.0)).card.gsd_m == 20


def test_a_large_set_is_thinned_for_the_svm_and_stays_true(monkeypatch, caplog):
    monkeypatch.setattr("geolabel.learn.baselines.kernels._MOST_ROWS", 200)
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (2000, 2)).astype(np.float32)
    present = (features[:, :1] + rng.normal(0, 0.5, (2000, 1)) > 1.8).astype(np.float32)  # one of twenty
    fit = fit_baseline("svm", features[:1000], present[:1000], [Head("h", "sigmoid", ("a",))], 0)
    assert len(fit.to_arrays()["points"]) <= 200
    assert abs(fit.probabilities(features[1000:]).mean() - present.mean()) < 0.03  # of those drawn it is .3
