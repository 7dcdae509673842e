"""Models of which it is known what they look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit
from torch import nn

from geolabel.learn.backbones.pooled import Pooled
from geolabel.model import BandContract, Head, ModelCard

TWO = (Head("alone", "sigmoid", ("a",)), Head("one of", "softmax", ("b", "c", "d")))
ONE = (Head("alone", "sigmoid", ("a",)),)


def card_of(architecture: str = "planted", heads: tuple[Head, ...] = ONE, side: int = 64, bands: int = 2) -> ModelCard:
    """Bands whose stored values are tenths less five: means of 3, 4 … in physical values, 80 and more as stored."""
    names = [name for head in heads for name in head.classes]
    told = tuple(BandContract(f"b{at}", 0.1, -5.0, 3.0 + at, 2.0) for at in range(bands))
    half = dict.fromkeys(names, 0.5)
    return ModelCard(architecture, heads, {}, told, "uint16", 10.0, (side, side), half, half)


def noise(side: int = 64, bands: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A tile of stored values around its means, all of it valid."""
    rng = np.random.default_rng(seed)
    means = 10 * (8.0 + np.arange(bands))[:, None, None]
    return (means + rng.normal(0, 20, (bands, side, side))).clip(0).astype("uint16"), np.ones((side, side), bool)


@dataclass(frozen=True)
class Linear:
    """The log-odds of its one class are a sum over pixels: `weight` (bands, h, w) of what is stored, less the mean."""

    card: ModelCard
    weight: np.ndarray
    bias: float = 0.0

    def __call__(self, pixels: Any, valid: Any) -> np.ndarray:
        """Probabilities (n, 1); what is not valid is looked at, too."""
        return expit(self.bias + np.einsum("nbhw,bhw->n", self.away(pixels), self.weight))[:, None].astype(np.float32)

    def away(self, pixels: Any) -> np.ndarray:
        """Stored values less those of the training tiles' means."""
        means = np.array([(band.mean - band.offset) / band.scale for band in self.card.bands])
        return pixels - means[:, None, None]

    def with_card(self, card: ModelCard) -> Linear:
        return replace(self, card=card)

    def weights(self) -> dict[str, np.ndarray]:
        return {}


@dataclass(frozen=True)
class Present:
    """Its class is there as far as the pixels `inside` are valid: a probability between .02 and .98."""

    card: ModelCard
    inside: np.ndarray

    def __call__(self, pixels: Any, valid: Any) -> np.ndarray:
        return (0.02 + 0.96 * valid[:, self.inside].mean(axis=1, keepdims=True)).astype(np.float32)

    def with_card(self, card: ModelCard) -> Present:
        return replace(self, card=card)

    def weights(self) -> dict[str, np.ndarray]:
        return {}


class Plain(Pooled):
    """Its map is the chip itself."""

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        self.dropout, self.head = nn.Dropout(0), nn.Linear(bands, classes)

    def forward_features(self, chips):
        return chips


class Near(Pooled):
    """Three convolutions: a place of its map sees 15 px and answers for 8."""

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        widths = (bands, 16, 32, 64)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, padding_mode="reflect"), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in pairwise(widths)
            )
        )
        self.dropout, self.head = nn.Dropout(0), nn.Linear(widths[-1], classes)

    def forward_features(self, chips):
        return self.layers(chips)
