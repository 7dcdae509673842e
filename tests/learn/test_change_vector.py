"""Change without labels: chords as numpy has them, what is usual, and what a planted change looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import EmptyError, ModelError
from geolabel.learn import dense
from geolabel.learn.backbones import trunk_features
from geolabel.learn.change_vector import change_vector, chords, knowing, usual
from geolabel.learn.forward import Classifier
from geolabel.learn.store import load_predictor, save_predictor
from tests.learn import networks

DATES = ("before", "after")


def made(name: str = "small-cnn-reflect") -> Classifier:
    return change_vector(networks.classifier(networks.card(name)))


def dates(count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    (before, valid), (after, _) = networks.tiles(count), networks.tiles(count, seed=1)
    return np.concatenate([before, after], axis=1), valid


@pytest.mark.parametrize("name", ["cnn", "squeezenet-reflect", "resnet18", "vit_tiny_patch16_224"])
def test_a_chord_is_the_distance_of_unit_embeddings(name: str):
    plain = networks.classifier(networks.card(name))
    pixels, valid = dates()
    with torch.inference_mode():
        seen = [
            trunk_features(plain.network, plain.normalise(torch.from_numpy(date), torch.from_numpy(valid)))
            for date in (pixels[:, :4].astype(np.float32), pixels[:, 4:].astype(np.float32))
        ]
    before, after = (each.numpy() / np.linalg.norm(each.numpy(), axis=1, keepdims=True) for each in seen)
    expected = np.linalg.norm(after - before, axis=1)
    predictor = change_vector(plain)
    np.testing.assert_allclose(chords(predictor, pixels, valid), expected, atol=1e-4)
    ready = knowing(predictor, 0.25, 0.125)
    answers = 1 / (1 + np.exp(-((expected - 0.25) / 0.125 - 2.326)))
    np.testing.assert_allclose(ready(pixels, valid)[:, 0], answers, atol=1e-3)


def test_no_change_has_no_chord_and_time_has_no_direction():
    predictor, (pixels, valid) = made(), dates()
    turned = np.concatenate([pixels[:, 4:], pixels[:, :4]], axis=1)
    np.testing.assert_allclose(chords(predictor, turned, valid), chords(predictor, pixels, valid), atol=1e-5)
    same = np.concatenate([pixels[:, :4], pixels[:, :4]], axis=1)
    assert chords(predictor, same, valid).max() < 1e-3


def test_the_contract_is_that_of_one_date_twice():
    told = networks.card("cnn", clip=[0.0, 0.3], encodings={"uint8": 0.5}, apart=False, targets="shares")
    card = change_vector(networks.classifier(told)).card
    assert [band.name for band in card.bands] == [f"{date}.{band.name}" for date in DATES for band in told.bands]
    assert [(band.mean, band.std) for band in card.bands] == [(band.mean, band.std) for band in told.bands * 2]
    assert (card.classes, card.thresholds, card.is_of_pairs) == (("change",), {"change": 0.5}, True)
    assert dict(card.settings) == {"clip": [0.0, 0.3], "encodings": {"uint8": 0.5}, "pairs": "change-vector"}


def test_what_is_usual_by_hand():
    """Of 33 values 0 … 32 the median is 16, and the median distance of those above it is 8."""
    centre, spread = usual(np.arange(33, dtype=np.float32))
    assert (centre, spread) == (16.0, pytest.approx(1.4826 * 8))
    assert usual(np.ones(40, np.float32))[1] > 0
    with pytest.raises(EmptyError, match="only 31 tiles are seen at both dates, 32 at least"):
        usual(np.arange(31, dtype=np.float32))


@given(seed=st.integers(0, 50), changed=st.integers(0, 80))
def test_one_of_a_hundred_usual_tiles_is_too_much(seed: int, changed: int):
    """Whatever the part that changed, up to a fifth of these 400 tiles and by how much ever."""
    rng = np.random.default_rng(seed)
    found = rng.normal(0.3, 0.05, 4000).astype(np.float32)
    found[: 10 * changed] += 1
    centre, spread = usual(found)
    alarms = ((found[10 * changed :] - centre) / spread > 2.326).mean()
    assert alarms < 0.016
    assert (((found[: 10 * changed] - centre) / spread) > 2.326).all()


@pytest.mark.parametrize("name", ["squeezenet-reflect", "small-cnn-reflect"])
def test_the_file_gives_the_same_answers_and_runs_over_regions(tmp_path, name: str):
    predictor = knowing(made(name), 0.4, 0.1)
    save_predictor(tmp_path / "model.safetensors", predictor)
    found = load_predictor(tmp_path / "model.safetensors", torch.device("cpu"))
    pixels, valid = dates()
    np.testing.assert_array_equal(found(pixels, valid), predictor(pixels, valid))
    assert dense.eligible(found, 16) == ""
    assert dense.ready(found)


def test_models_without_a_trunk_for_one_date_are_refused():
    with pytest.raises(ModelError, match="cnn is no single network; name a network of one date"):
        change_vector(networks.classifier(networks.card("cnn", apart=True)))
    with pytest.raises(ModelError, match="cnn takes haze from each tile"):
        plain = networks.classifier(networks.card("cnn"))
        change_vector(replace(plain, card=replace(plain.card, settings={"dehaze": {"window": 3}})))
    with pytest.raises(ModelError, match="compares two dates already"):
        change_vector(made())
