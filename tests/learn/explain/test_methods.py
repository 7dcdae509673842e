"""Each way to explain finds what is planted, and says exactly what it says where the answer is known."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch.nn import functional

from geolabel.errors import InstallError, ModelError, OptionError
from geolabel.learn.apart import Apart
from geolabel.learn.baselines import BaselinePredictor, fit_baseline
from geolabel.learn.baselines.features import StatisticsFeatures
from geolabel.learn.explain import METHODS, Removal, Settings, check_installed, explain, methods, superpixels
from geolabel.learn.explain.gradients import integrated_gradients
from geolabel.learn.explain.odds import Odds
from geolabel.learn.explain.perturbation import Answers, lime, occlusion
from geolabel.learn.forward import build_network, make_classifier
from geolabel.learn.predictor import Calibrated
from geolabel.learn.turned import turned
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Temperature
from tests.learn.explain.planted import TWO, Linear, Plain, Present, card_of, noise
from tests.learn.networks import card, classifier, tiles

CPU = torch.device("cpu")


def within(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Share of what speaks for the class that lies inside."""
    for_it = relevance.clip(0)
    return float(for_it[inside].sum() / for_it.sum())


def square(side: int = 64) -> np.ndarray:
    inside = np.zeros((side, side), bool)
    inside[16:40, 24:48] = True
    return inside


@pytest.mark.parametrize("method", ["occlusion", "lime"])
def test_the_one_square_that_counts_is_found(monkeypatch, method):
    monkeypatch.setattr(methods, "_WINDOWS", 16)
    pixels, valid = noise()
    pixels[:, square()] += 150
    relevance = explain(Present(card_of(), square()), pixels, valid, [0], method, Settings())[0]
    assert within(relevance, square()) >= 0.9
    assert within(np.random.default_rng(0).random((64, 64)), square()) < 0.2


def test_occlusion_of_a_linear_model_is_the_mean_of_the_sums_in_its_windows():
    rng = np.random.default_rng(1)
    pixels, valid = noise(24)
    model = Linear(card_of(side=24), rng.normal(0, 1e-3, (2, 24, 24)))
    found = occlusion(Odds(model), Removal.of(model.card, pixels, valid), [0], window=6)[0]
    part = (model.weight * model.away(pixels)).sum(axis=0)
    total, count = np.zeros((24, 24)), np.zeros((24, 24))
    for row in range(0, 19, 3):
        for col in range(0, 19, 3):
            window = slice(row, row + 6), slice(col, col + 6)
            total[window] += part[window].sum()
            count[window] += 1
    assert found == pytest.approx(total / count, abs=1e-4)


def test_lime_of_a_linear_model_is_the_sum_in_its_superpixels():
    rng = np.random.default_rng(1)
    pixels, valid = noise(32)
    valid[:8] = False
    model = Linear(card_of(side=32), rng.normal(0, 1e-3, (2, 32, 32)))
    removal = Removal.of(model.card, pixels, valid)
    found = np.where(valid, lime(Odds(model), removal, [0], samples=400, pieces=20, seed=0)[0], 0)
    pieces = superpixels(model.card, pixels, valid, 20)
    part = (model.weight * model.away(pixels)).sum(axis=0)
    sums = np.bincount(pieces[valid], part[valid])
    assert found == pytest.approx(np.where(valid, sums[pieces], 0), abs=0.01 * np.abs(sums).max())


def test_lime_is_a_weighted_ridge_on_what_is_present():
    """The samples that captum draws, put into scikit-learn's own regression."""
    pixels, valid = noise(32)
    model = Present(card_of(side=32), square(32))
    pieces = superpixels(model.card, pixels, valid, 12)
    removal = Removal.of(model.card, pixels, valid)
    found = lime(Odds(model), removal, [0], samples=50, pieces=12, seed=3)[0]
    torch.manual_seed(3)
    kept = np.concatenate([torch.bernoulli(torch.full((1, pieces.max() + 1), 0.5)).numpy() for _ in range(50)])
    present = kept[:, pieces] > 0
    p = model(np.broadcast_to(pixels, (50, *pixels.shape)), present)[:, 0]
    near = 1 - np.sqrt(present.mean(axis=(1, 2)))
    near[~present.any(axis=(1, 2))] = 1.0
    told = Ridge(alpha=0.01).fit(kept, np.log(p / (1 - p)), np.exp(-(near**2) / (2 * 0.25**2)))
    assert found == pytest.approx(told.coef_[pieces], abs=1e-3)


def test_integrated_gradients_sum_to_what_the_tile_says_more_than_nothing():
    model = classifier(card("small-cnn-reflect", (32, 32)))
    pixels, valid = (values[0] for values in tiles(1, (32, 32)))
    assert not valid.all()
    removal = Removal.of(model.card, pixels, valid)
    found = np.where(valid, integrated_gradients(model, removal, range(5), steps=200), 0)
    whole, nothing = Odds(model)(np.stack([pixels, pixels]), np.stack([valid, np.zeros_like(valid)]))
    assert found.sum(axis=(1, 2)) == pytest.approx(whole - nothing, abs=0.02 * float(np.abs(whole - nothing).max()))
    assert (found[:, ~valid] == 0).all()


def test_gradients_of_a_linear_network_are_its_weights_times_what_it_sees():
    """Of a mean of pixels: a pixel's part is its weight times its normalised value, divided by the number of pixels."""
    told = card_of(side=16)
    model = make_classifier(told, Plain(2, 1), CPU)
    pixels, valid = noise(16)
    seen = (pixels * 0.1 - 5.0 - np.array([3.0, 4.0])[:, None, None]) / 2
    weight, bias = model.network.head.weight.detach().numpy(), model.network.head.bias.item()
    part = (weight[0][:, None, None] * seen).sum(axis=0) / 256
    for method in ("grad-cam", "integrated-gradients"):
        found = explain(model, pixels, valid, [0], method, Settings())[0]
        assert found == pytest.approx(part, abs=1e-5), method
        assert found.sum() + bias == pytest.approx(Odds(model)(pixels[None], valid[None]).item(), abs=1e-4)


def test_grad_cam_lies_between_the_places_of_the_last_map():
    model = classifier(card("small-cnn", (64, 48)))
    pixels, valid = (values[1] for values in tiles(2, (64, 48)))
    found = explain(model, pixels, valid, [1, 0], "grad-cam", Settings())
    with torch.no_grad():
        chips = model.normalise(torch.from_numpy(pixels[None]), torch.from_numpy(valid[None]))
        places = model.network.forward_features(chips)[0]
    weights = model.network.head.weight.detach()[[1, 0]] / places[0].numel()
    low = torch.einsum("kc,crs->krs", weights, places)
    expected = functional.interpolate(low[None], size=(48, 64), mode="bilinear")[0].numpy()
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_heads_apart_are_explained_as_if_alone(method):
    told = card_of("apart", TWO, side=32)
    torch.manual_seed(0)
    networks = [Plain(2, 1), Plain(2, 3)]
    both = make_classifier(told, Apart(networks), CPU)
    alone = make_classifier(card_of("alone", TWO[1:], side=32), networks[1], CPU)
    pixels, valid = noise(32)
    settings = Settings(samples=40)
    found = explain(both, pixels, valid, [0, 3, 1], method, settings)
    assert found.shape == (3, 32, 32)
    assert found[1:] == pytest.approx(explain(alone, pixels, valid, [2, 0], method, settings), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_classes_and_calls_do_not_disturb_each_other_and_nothing_is_said_of_what_is_not_valid(method):
    model = classifier(card("small-cnn-reflect", (32, 32)))
    pixels, valid = (values[0] for values in tiles(1, (32, 32)))
    settings = Settings(samples=30)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = explain(model, pixels, valid, [4, 0], method, settings)
    assert torch.equal(torch.get_rng_state(), before), "nobody else's chance is touched"
    assert found.dtype == np.float32
    assert (found[:, ~valid] == 0).all()
    assert np.abs(found).max() > 0
    again = np.concatenate([explain(model, pixels, valid, [one], method, settings) for one in (4, 0)])
    assert np.array_equal(found, again)
    calibrated = Calibrated(model, Calibration("temperature", (Temperature(3.0), *[None] * 4)))
    assert np.array_equal(found, explain(calibrated, pixels, valid, [4, 0], method, settings))
    assert not explain(model, pixels, np.zeros_like(valid), [0], method, settings).any()


def test_another_seed_draws_other_samples():
    pixels, valid = noise(32)
    model = Present(card_of(side=32), square(32))
    one, other = (explain(model, pixels, valid, [0], "lime", Settings(samples=20, seed=seed)) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_what_is_known_is_not_asked_again():
    asked = []

    def odds(pixels, valid):
        asked.append(len(pixels))
        return valid.mean(axis=(1, 2))[:, None].astype("float32")

    pixels, valid = noise(8)
    answers = Answers(odds, Removal.of(card_of(side=8), pixels, valid))
    maps = torch.ones(3, 1, 8, 8)
    maps[1, :, 2:] = 0
    assert answers(maps)[:, 0].tolist() == [1.0, 0.25, 1.0]
    assert answers(maps[:2])[:, 0].tolist() == [1.0, 0.25]
    assert asked == [2]


def forest() -> BaselinePredictor:
    rng = np.random.default_rng(0)
    told = card_of("rf", side=32)
    features = StatisticsFeatures(told.bands)
    pixels = np.stack([noise(32, seed=seed)[0] for seed in range(40)])
    wanted = (rng.random((40, 1)) < 0.5).astype("float32")
    pixels[wanted[:, 0] > 0, :, 8:16, 8:16] += 300
    valid = np.ones((40, 32, 32), bool)
    fitted = fit_baseline("rf", features(pixels, valid), wanted, told.heads, seed=0, trees=60)
    return BaselinePredictor(told, features, fitted)


def refused() -> dict[str, tuple[object, str]]:
    network = classifier(card("small-cnn-reflect", (32, 32)))
    pairs = card("small-cnn", (32, 32), pairs="head")
    return {
        "grad-cam": (Linear(card_of("rf"), np.zeros((2, 64, 64))), "rf is none"),
        "integrated-gradients": (Linear(card_of("ensemble"), np.zeros((2, 64, 64))), "an ensemble is several"),
        "grad-cam of dates": (make_classifier(pairs, build_network(pairs), CPU), "compares two dates"),
        "grad-cam of turns": (turned(network, "flips"), "turned"),
        "grad-cam of tokens": (classifier(card("vit_tiny_patch16_224", (32, 32))), "keeps none"),
    }


@pytest.mark.parametrize("case", refused())
def test_models_without_such_gradients_are_refused_with_what_works(case):
    model, why = refused()[case]
    pixels, valid = noise(32, len(model.card.bands))
    with pytest.raises(ModelError, match=f"{why}.*lime or occlusion") as error:
        explain(model, pixels, valid, [0], case.split()[0], Settings())
    assert "\n" not in str(error.value)


def test_any_model_can_be_asked_with_parts_removed(monkeypatch):
    monkeypatch.setattr(methods, "_WINDOWS", 4)
    monkeypatch.setattr(methods, "_PIECES", 16)
    model, told = forest(), Settings(samples=60)
    pixels, valid = noise(32, seed=99)
    pixels[:, 8:16, 8:16] += 300
    for method in ("lime", "occlusion"):
        found = explain(model, pixels, valid, [0], method, told)[0]
        assert np.isfinite(found).all()
        assert found[8:16, 8:16].mean() > 5 * np.abs(found[24:]).mean(), method


def test_a_transformer_and_one_with_its_features_last_follow_their_gradients():
    for name in ("vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"):
        model = classifier(card(name, (32, 32)))
        pixels, valid = noise(32, 4)
        assert integrated_gradients(model, Removal.of(model.card, pixels, valid), [0], steps=2).any()
    cam = explain(model, pixels, valid, [0], "grad-cam", Settings())[0]
    with torch.no_grad():
        chips = model.normalise(torch.from_numpy(pixels[None]), torch.from_numpy(valid[None]))
        places = model.network.forward_features(chips)[0]
        weights = model.network.head.fc.weight[0] / places[..., 0].numel()
    low = (places @ weights)[None, None]
    assert cam == pytest.approx(functional.interpolate(low, size=(32, 32), mode="bilinear")[0, 0].numpy(), abs=1e-5)


def test_too_few_samples_are_refused():
    with pytest.raises(OptionError, match="--samples must be 2 or more, got 1"):
        Settings(samples=1)


def test_a_tile_smaller_than_eight_pixels_has_windows_of_one():
    pixels, valid = noise(5)
    found = explain(Present(card_of(side=5), valid), pixels, valid, [0], "occlusion", Settings())[0]
    assert found.shape == (5, 5)
    assert (found > 0).all()


def test_without_captum_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InstallError, match=r"pip install 'geolabel\[explain\]'"):
        check_installed()
