"""Encoders: embedders as they were trained, and the features of other networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from geolabel.errors import ModelError
from geolabel.learn.apart import Apart
from geolabel.learn.encoder import features_of, load_encoder, start_encoder
from geolabel.learn.forward import Classifier, build_network
from geolabel.learn.predictor import Calibrated
from geolabel.learn.store import save_predictor
from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Temperature
from tests.learn.networks import card, classifier, tiles

CPU = torch.device("cpu")
COOL = Calibration("temperature", (Temperature(0.5), Temperature(2.0), None, None, None))


def by_hand(model: Classifier, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """What the last layer is given, brought to length 1: by a hook before that layer."""
    seen = []
    last = model.network.get_classifier()  # type: ignore[operator]
    with torch.inference_mode():
        handle = last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        mask = to_tensor(valid, CPU)
        model.network(Normalise.of(model.card)(to_tensor(pixels, CPU), mask))
        handle.remove()
    features = seen[0].numpy()
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True))


@pytest.mark.parametrize("architecture", ["small-cnn", "resnet18", "squeezenet", "vit_tiny_patch16_224"])
def test_a_classifier_gives_what_its_last_layer_is_given(architecture: str, tmp_path: Path):
    model = classifier(card(architecture, (32, 32)))
    pixels, valid = tiles(5, (32, 32))
    found = features_of(model)
    assert found.card.kind == "embedder"
    assert found.card.heads == ()
    vectors = found(pixels, valid)
    assert vectors.shape == (5, found.card.outputs)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    if architecture != "squeezenet":  # its last layer is a convolution, over the map
        np.testing.assert_allclose(vectors, by_hand(model, pixels, valid), atol=1e-5)
    save_predictor(tmp_path / "model.safetensors", model)
    np.testing.assert_array_equal(load_encoder(tmp_path / "model.safetensors", CPU)(pixels, valid), vectors)
    np.testing.assert_array_equal(features_of(Calibrated(model, COOL))(pixels, valid), vectors)


def test_what_has_no_features_is_refused(tmp_path: Path):
    told = card("small-cnn", (32, 32), apart=True)
    apart = classifier(told, build_network(told))
    assert isinstance(apart.network, Apart)
    with pytest.raises(
        ModelError, match="small-cnn is no single network of one date, so it has no features"
    ) as refused:
        features_of(apart)
    assert "\n" not in str(refused.value)
    save_predictor(tmp_path / "model.safetensors", apart)
    with pytest.raises(ModelError, match=r"model\.safetensors: small-cnn is no single network"):
        load_encoder(tmp_path / "model.safetensors", CPU)


def test_an_untrained_network_is_one_by_its_seed():
    told = card("small-cnn", (32, 32))
    pixels, valid = tiles(4, (32, 32))
    one, same, other = (start_encoder(told, "none", seed, CPU)(pixels, valid) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)


def test_settings_of_seeing_stay_and_those_of_deciding_go():
    model = classifier(card("small-cnn", (32, 32), clip=[0.0, 2000.0], recipe="x"))
    found = features_of(model).card
    assert found.settings["clip"] == [0.0, 2000.0]
    assert "recipe" not in found.settings
    assert (found.presence, found.thresholds, found.scheme) == ({}, {}, {})
