"""Test-time augmentation is the mean of logits over the symmetries, whatever is turned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.learn.predictor import Calibrated
from geolabel.learn.turned import ALL, FLIPS, Turned, turned
from geolabel.model import ModelCard
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Temperature
from tests.learn.networks import card, classifier, tiles

COOL = Calibration("temperature", (Temperature(0.5), Temperature(2.0), None, None, None))


class Corner:
    """Answers by what lies in the upper left corner, so that it hears of every turn."""

    def __init__(self, size: tuple[int, int] = (6, 6), sharp: float = 1.0) -> None:
        self.card: ModelCard = card("corner", size)
        self.sharp = sharp
        self.asked: list[tuple[np.ndarray, np.ndarray]] = []

    def logits(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        corner = pixels[:, :, :2, :3].astype(float).mean(axis=(2, 3)) / 2000 - 0.5
        return self.sharp * np.column_stack([corner, valid[:, 0, 0] * 2.0 - 1])

    def __call__(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        self.asked.append((pixels, valid))
        logits = self.logits(pixels, valid)
        return answers(logits).astype(np.float32)

    def with_card(self, card: ModelCard) -> Any:
        found = Corner(card.tile_px, self.sharp)
        found.card = card
        return found

    def weights(self) -> dict[str, np.ndarray]:
        return {"corner": np.ones(1)}


def answers(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits[:, 2:] - logits[:, 2:].max(axis=1, keepdims=True))
    return np.hstack([1 / (1 + np.exp(-logits[:, :2])), raised / raised.sum(axis=1, keepdims=True)])


def ways(pixels: np.ndarray, count: int) -> list[np.ndarray]:
    """By numpy's own words for it."""
    turns = [np.rot90(pixels, k, (-2, -1)) for k in range(4)]
    if count == 8:
        return turns + [np.flip(one, -1) for one in turns]
    return [pixels, np.flip(pixels, -1), np.flip(pixels, -2), np.flip(pixels, (-2, -1))]


@pytest.mark.parametrize(("kind", "count"), [("flips", 4), ("all", 8)])
def test_the_answer_is_the_mean_of_the_logits(kind: str, count: int):
    inner = Corner()
    pixels, valid = tiles(9, (6, 6))
    seen = zip(ways(pixels, count), ways(valid, count), strict=True)
    wanted = answers(np.mean([inner.logits(*one) for one in seen], axis=0))
    found = turned(inner, kind)(pixels, valid)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert len(inner.asked) == count
    # and it is neither the mean of probabilities nor one answer
    plain = np.mean([inner(*one) for one in zip(ways(pixels, count), ways(valid, count), strict=True)], axis=0)
    assert np.abs(found - plain).max() > 1e-4


@pytest.mark.parametrize("symmetries", [FLIPS, ALL])
def test_the_ways_are_all_different_and_all_of_a_square(symmetries: tuple):
    square = np.arange(9).reshape(3, 3)
    found = {one.apply(square).tobytes() for one in symmetries}
    assert found == {one.tobytes() for one in ways(square, len(symmetries))}
    assert len(found) == len(symmetries)
    assert (symmetries[0].apply(square) == square).all()


@given(st.integers(0, 1000), st.sampled_from(ALL))
def test_a_turned_tile_has_the_same_answer(seed: int, way: Any):
    pixels, valid = tiles(3, (6, 6), seed)
    model = turned(Corner(), "all")
    np.testing.assert_allclose(model(way.apply(pixels), way.apply(valid)), model(pixels, valid), atol=1e-6)


@given(st.integers(0, 1000), st.sampled_from(FLIPS))
def test_a_flipped_tile_has_the_same_answer_where_it_is_not_square(seed: int, way: Any):
    pixels, valid = tiles(3, (9, 6), seed)
    model = turned(Corner((9, 6)), "flips")
    np.testing.assert_allclose(model(way.apply(pixels), way.apply(valid)), model(pixels, valid), atol=1e-6)


def test_none_is_the_model_itself():
    model = Calibrated(Corner(), COOL)
    assert turned(model, "none") is model


def test_tiles_that_are_not_square_are_only_flipped():
    with pytest.raises(OptionError, match="9 × 6 px"):
        turned(Corner((9, 6)), "all")
    pixels, valid = tiles(2, (9, 6))
    with pytest.raises(OptionError, match="9 × 6 px"):
        Turned(Corner(), ALL)(pixels, valid)


def test_calibration_comes_after_the_mean():
    inner = Corner()
    pixels, valid = tiles(5, (6, 6))
    model = turned(Calibrated(inner, COOL), "all")
    assert isinstance(model, Calibrated)
    np.testing.assert_allclose(model(pixels, valid), COOL.apply(turned(inner, "all")(pixels, valid)), atol=1e-6)


def test_a_changed_contract_goes_through():
    told = card("other", (6, 6))
    model = turned(Corner(), "all").with_card(told)
    assert isinstance(model, Turned)
    assert model.card is told
    assert set(model.weights()) == {"corner"}


def test_certain_answers_stay_numbers():
    pixels, valid = tiles(4, (6, 6))
    with np.errstate(over="ignore"):
        found = turned(Corner(sharp=1e3), "all")(pixels, valid)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found[:, 2:].sum(axis=1), 1, atol=1e-6)


def test_a_network_is_turned():
    model = classifier(card("small-cnn"))
    pixels, valid = tiles(3)
    found = turned(model, "flips")
    np.testing.assert_allclose(found(pixels[..., ::-1], valid[..., ::-1]), found(pixels, valid), atol=1e-5)
    assert turned(model, "all")(pixels, valid).shape == (3, 5)
