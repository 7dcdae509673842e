"""Overlapping tiles from one map: what they are by theory, and beside the way tile by tile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones
from geolabel.learn.apart import Apart
from geolabel.learn.backbones.pooled import Pooled
from geolabel.learn.dense import Agreement, eligible, make_dense, ready
from geolabel.learn.predictor import Calibrated
from geolabel.learn.turned import turned
from geolabel.learn.windows import Windows
from geolabel.scoring.calibration import Calibration, Temperature
from tests.learn.networks import card, classifier, plant, tiles


class Valid(Pooled):
    """Convolutions without padding: a tile's answer knows nothing of what is around it."""

    def __init__(self, kernel: int, classes: int = 5, hidden: int = 0) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(4, 6, kernel, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, kernel, 2))
        self.dropout = nn.Dropout(0.5)
        self.hidden = nn.Linear(8, 8) if hidden else nn.Identity()
        self.head = nn.Linear(8, classes)

    def forward_features(self, chips):
        return torch.relu(self.trunk(chips))

    def forward_head(self, features, *, pre_logits=False):
        hidden = torch.tanh(self.hidden(features.mean(dim=(2, 3))))
        return self.head(self.dropout(hidden)) if isinstance(self.hidden, nn.Linear) else super().forward_head(features)


def strip(halo: int, seed: int = 0, height: int = 96, width: int = 144):
    """A picture with its halo, a part of it not valid, and corners of overlapping tiles, the last moved inward."""
    pixels, _ = tiles(1, (width + 2 * halo, height + 2 * halo), seed)
    valid = np.ones(pixels.shape[2:], bool)
    valid[halo + 20 : halo + 40, halo + 50 : halo + 70] = False
    starts = [np.unique(np.append(np.arange(0, side - 32 - 5, 8), side - 32 - 5)) for side in (height, width)]
    rows, cols = (part.ravel() + halo for part in np.meshgrid(*starts, indexing="ij"))
    return pixels[0], valid, rows, cols


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("hidden", [0, 8])
def test_without_padding_windows_are_the_tiles(kernel, hidden):
    model = classifier(card("x", (32, 32)), Valid(kernel, hidden=hidden))
    dense = make_dense(model, 8)
    assert dense.halo == 0
    assert dense.lattice == 4
    assert all(half.is_linear == (not hidden) for half in dense.halves)
    place = strip(0)
    np.testing.assert_allclose(dense(*place), Windows(model)(*place), atol=2e-6)


@settings(deadline=None, max_examples=15)
@given(st.integers(40, 300), st.integers(0, 2**16))
def test_blocks_do_not_show(block, seed):
    model = classifier(card("x", (32, 32)), _small())
    dense = replace(make_dense(model, 8), block=600)
    assert dense.halo == dense.field.context((32, 32)) == 8
    place = strip(dense.halo, seed)
    some = np.random.default_rng(seed).random(len(place[2])) < 0.2
    some[seed % len(some)] = True
    place = (place[0], place[1], place[2][some], place[3][some])
    np.testing.assert_allclose(replace(dense, block=block)(*place), dense(*place), atol=1e-5)


def _small() -> nn.Module:
    """Padded by reflection, places 4 px apart that see 7 px to either side."""
    network = Valid(1)
    network.trunk = nn.Sequential(
        *(nn.Conv2d(a, 8, 3, s, 1, padding_mode="reflect") for a, s in ((4, 2), (8, 2), (8, 1))),
        nn.BatchNorm2d(8),
    )
    return plant(network)


def test_far_from_its_edges_a_picture_of_one_colour_answers_as_tiles_do():
    model = classifier(card("small-cnn-reflect", (64, 64)))
    dense = make_dense(model, 16)
    pixels = np.broadcast_to(np.array([900, 1500, 2100, 400], "uint16")[:, None, None], (4, 288, 288)).copy()
    at = np.array([64, 80, 128]), np.array([64, 112, 96])
    place = (pixels, np.ones((288, 288), bool), *at)
    found = Agreement.of(dense(*place), Windows(model)(*place))
    assert found.largest < 1e-4


def test_what_is_not_valid_counts_as_zero():
    model = classifier(card("x", (32, 32)), _small())
    dense = make_dense(model, 8)
    pixels, valid, rows, cols = strip(dense.halo)
    other = pixels.copy()
    other[:, ~valid] = 60_000
    np.testing.assert_array_equal(dense(other, valid, rows, cols), dense(pixels, valid, rows, cols))
    assert not np.allclose(dense(pixels, np.ones_like(valid), rows, cols), dense(pixels, valid, rows, cols))


def test_each_head_may_have_a_network_of_its_own():
    told = card("x", (32, 32))
    model = classifier(told, Apart([Valid(3, 2), Valid(3, 3, hidden=8)]))
    place = strip(0)
    np.testing.assert_allclose(make_dense(model, 8)(*place), Windows(model)(*place), atol=2e-6)


def test_calibration_comes_after():
    warm = Calibration("temperature", tuple(map(Temperature, (2.0, 0.5, 1.5, 1.5, 1.5))), ((2, 5),))
    model = classifier(card("x", (32, 32)), Valid(3))
    place = strip(0)
    dense = make_dense(Calibrated(model, warm), 8)
    np.testing.assert_allclose(dense(*place), warm.apply(make_dense(model, 8)(*place)), atol=1e-7)
    np.testing.assert_allclose(dense(*place), Windows(Calibrated(model, warm))(*place), atol=1e-5)


def test_a_map_of_places_averages_to_the_tiles_logits():
    told = replace(card("x", (32, 32)), heads=(replace(card("x").heads[0], classes=("a", "b", "c", "d", "e")),))
    dense = make_dense(classifier(told, Valid(2)), 4)
    pixels, valid, *_ = strip(0)
    shown = dense.map(pixels, valid)
    assert shown.shape == (5, 24, 36)
    logits = np.log(shown / (1 - shown))
    at = np.array([0, 8, 64]), np.array([4, 40, 112])
    tiles_ = dense(pixels, valid, *at)
    for answer, row, col in zip(tiles_, *(side // 4 for side in at), strict=True):
        mean = logits[:, row : row + 8, col : col + 8].mean(axis=(1, 2))
        np.testing.assert_allclose(1 / (1 + np.exp(-mean)), answer, atol=1e-4)


def test_half_precision_is_near():
    model = classifier(card("small-cnn-reflect", (64, 64)))
    place = strip(64)
    place = (place[0], place[1], place[2][:20], np.minimum(place[3][:20], 144))
    pair = (make_dense(model, 16, precision)(*place) for precision in ("fp32", "bf16"))
    assert Agreement.of(*pair).mean < 0.02


def test_agreement_by_hand():
    one = np.array([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5]])
    found = Agreement.of(one, one[::-1])
    assert found.r == pytest.approx(-1)
    assert found.largest == pytest.approx(0.4)
    assert found.mean == pytest.approx(0.8 / 6)
    assert Agreement.of(one, one) == Agreement(pytest.approx(1), 0, 0)
    assert Agreement.of(one[:1], one[:1]).r == 1
    assert Agreement.of(one, one * 0).r == 0


WHY = {
    "small-cnn": "",
    "small-cnn-reflect": "",
    "squeezenet-reflect": "",
    "cnn": "",
    "densenet-small": "",
    "squeezenet1_1": "",
    "resnet18": "",
    "vgg11_bn": "",
    "mobilenetv2": "",
    "convnext_atto": "",
    "mobilenetv3_small_050": "whole picture",  # squeeze-excite
    "efficientnet_b0": "whole picture",
    "convnextv2_atto": "whole picture",  # its norm of all places
    "test_vit": "no map",
    "vit_tiny_patch16_224": "no map",
}


@pytest.mark.parametrize(("name", "why"), WHY.items(), ids=WHY)
def test_which_networks_are_eligible(name, why):
    model = classifier(card(name), backbones.build(name, 4, 5, tile_px=(64, 64)))
    found = eligible(model, 32)
    assert (why in found) if why else not found
    assert ready(model) == (name in ("small-cnn-reflect", "squeezenet-reflect"))


class _Largest(Valid):
    def forward(self, chips):
        return self.forward_head(self.forward_features(chips).amax((2, 3), keepdim=True))


def test_what_else_keeps_a_model_tile_by_tile():
    model = classifier(card("squeezenet-reflect"))
    assert "--stride is not a multiple of the network's own stride, 16 px" in eligible(model, 24)
    assert "tiles of 40 px" in eligible(classifier(card("squeezenet-reflect", (64, 40))), 16)
    assert "turned" in eligible(turned(model, "flips"), 16)
    assert "haze" in eligible(replace(model, card=replace(model.card, settings={"dehaze": {"window": 3}})), 16)
    assert "mean" in eligible(classifier(card("x"), _Largest(3)), 16)
    assert "rf is no network" in eligible(Told("rf"), 16)
    assert "ensemble" in eligible(Told("ensemble"), 16)
    assert not ready(Told("rf"))
    with pytest.raises(OptionError, match="--dense on: .* 16 px; use --dense off"):
        make_dense(model, 24)


class Told:
    def __init__(self, architecture):
        self.card = card(architecture)
