"""Log-odds: those of the probabilities, of networks and of others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, softmax

from geolabel.learn.explain.odds import Odds, log_odds, uncalibrated
from geolabel.learn.predictor import Calibrated
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Temperature
from tests.learn.explain.planted import TWO, Linear, card_of, noise
from tests.learn.networks import card, classifier, tiles


@given(st.lists(st.floats(-6, 6), min_size=4, max_size=4), st.floats(-5, 5))
def test_they_are_those_of_the_probabilities_and_a_number_added_to_a_softmax_changes_nothing(logits, added):
    values = np.array(logits)
    found = log_odds(torch.tensor([logits], dtype=torch.float64), TWO)[0].numpy()
    expected = logit(np.concatenate([expit(values[:1]), softmax(values[1:])]))
    assert found == pytest.approx(expected, abs=1e-6)
    moved = log_odds(torch.tensor([[logits[0], *(values[1:] + added)]], dtype=torch.float64), TWO)[0].numpy()
    assert moved == pytest.approx(found, abs=1e-6)


def test_a_network_that_is_sure_still_tells_more_from_less():
    sure = classifier(card("small-cnn-reflect"))
    pixels, valid = tiles(5)
    assert Odds(sure)(pixels, valid) == pytest.approx(logit(sure(pixels, valid)), abs=1e-3)
    with torch.no_grad():
        sure.network.head.bias.fill_(40.0)
    found = Odds(sure)(pixels, valid)[:, 0]
    assert (sure(pixels, valid)[:, 0] == 1).all()
    assert len(np.unique(found)) == 5
    assert (found > 30).all()


def test_other_models_are_not_believed_when_they_are_certain():
    pixels, valid = noise()
    certain = Linear(card_of(), np.ones((2, 64, 64)), bias=1e6)
    assert Odds(certain)(pixels[None], valid[None]) == pytest.approx(np.array([[9.21]]), abs=1e-2)


def test_calibration_is_taken_off():
    plain = Linear(card_of(), np.zeros((2, 64, 64)), bias=1.0)
    assert uncalibrated(plain) is plain
    assert uncalibrated(Calibrated(plain, Calibration("temperature", (Temperature(2.0),)))) is plain
