"""Folding changes the steps, not the answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from geolabel.learn.engines import Engine, equip
from geolabel.learn.engines.folding import fold
from tests.learn.networks import card, classifier, plant, tiles

PLAIN = Engine("torch", "fp32", 3)


def norms(network: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in network.modules())


def test_a_norm_by_hand():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)).eval()
    conv, norm = network
    nn.init.constant_(conv.weight, 3.0)
    norm.running_mean.fill_(2.0)
    norm.running_var.fill_(4.0)
    nn.init.constant_(norm.weight, 5.0)
    nn.init.constant_(norm.bias, 7.0)
    folded = fold(network, torch.ones(1, 1, 2, 2))
    # (3 x − 2) / 2 × 5 + 7 = 7.5 x + 2
    assert folded[0].weight.item() == pytest.approx(7.5)
    assert folded[0].bias.item() == pytest.approx(2.0)
    assert isinstance(folded[1], nn.Identity)
    assert conv.weight.item() == 3.0  # the original stays as it was


@pytest.mark.parametrize(
    ("architecture", "left"),
    [
        ("small-cnn", 0),
        ("small-cnn-reflect", 0),
        ("cnn", 0),
        ("resnet18", 0),
        ("resnet50d", 0),
        ("efficientnet_b0", 0),
        ("mobilenetv3_small_050", 0),
        ("tf_efficientnet_b0", 0),  # pads by the size of its input
        ("densenet-small", None),  # its norms mostly come before convolutions
        ("squeezenet-reflect", None),
        ("vit_tiny_patch16_224", None),
    ],
)
def test_folded_networks_answer_the_same(architecture: str, left: int | None):
    plain = classifier(card(architecture))
    before = norms(plain.network)
    folded = fold(plain.network, torch.randn(2, 4, 64, 64))
    assert before == norms(plain.network)
    if left is not None:
        assert before > 0
        assert norms(folded) == left
    pixels, valid = tiles(5)
    moved = np.abs(equip(plain, PLAIN)(pixels, valid) - plain(pixels, valid)).max()
    assert moved < 1e-4
    assert type(folded) is type(plain.network)


def test_networks_apart_are_folded_too():
    plain = classifier(card("resnet18", apart=True))
    folded = fold(plain.network, torch.randn(2, 4, 64, 64))
    assert norms(plain.network) == 2 * 20
    assert norms(folded) == 0
    pixels, valid = tiles(5)
    np.testing.assert_allclose(equip(plain, PLAIN)(pixels, valid), plain(pixels, valid), atol=1e-4)


class Shared(nn.Module):
    """One norm after two convolutions, and a convolution that is heard beside its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(4, 4, 1) for _ in range(3))
        self.norm, self.other = nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        both = self.norm(self.first(chips)) + self.norm(self.second(chips))
        heard = self.third(both)
        return (heard + self.other(heard)).mean(dim=(2, 3))


def test_what_others_hear_is_not_folded():
    network = plant(Shared()).eval()
    chips = torch.randn(3, 4, 8, 8)
    folded = fold(network, chips)
    assert norms(folded) == 2
    torch.testing.assert_close(folded(chips), network(chips))


class Branching(nn.Module):
    """Decides by what it sees: a trace cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        seen = self.norm(self.conv(chips)) if chips.mean() > 0 else self.norm(self.conv(-chips))
        return seen.mean(dim=(2, 3))


def test_a_network_that_cannot_be_traced_stays_as_it_is():
    network = plant(Branching()).eval()
    assert fold(network, torch.randn(2, 4, 8, 8)) is network


class Standardised(nn.Conv2d):
    """Its weights are not what it multiplies with."""

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(chips, self.weight / self.weight.std(), self.bias)


def test_a_folded_network_that_answers_otherwise_is_not_used():
    network = plant(nn.Sequential(Standardised(4, 4, 1), nn.BatchNorm2d(4), nn.Flatten())).eval()
    assert fold(network, torch.randn(2, 4, 8, 8)) is network
