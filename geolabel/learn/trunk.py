"""A network without its head: what baselines see of a chip, where colour statistics are not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from geolabel.learn import backbones

if TYPE_CHECKING:
    from geolabel.model import ModelCard

COLOUR = "colour"
"""The name of no network: statistics of colour and texture."""


class Trunk(nn.Module):
    """(n, bands, h, w) → (n, features)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """The features from which a head would tell classes."""
        return backbones.trunk_features(self.network, chips)


def start_trunk(card: ModelCard, weights: str, seed: int) -> nn.Module | None:
    """The network that makes a baseline's features, with its weights; None for colour."""
    name = str(card.settings.get("features", COLOUR))
    if name == COLOUR:
        return None
    return Trunk(backbones.start(name, len(card.bands), 1, weights, seed, tile_px=card.tile_px))


def build_trunk(card: ModelCard) -> nn.Module | None:
    """The same, to be filled with weights."""
    name = str(card.settings.get("features", COLOUR))
    return None if name == COLOUR else Trunk(backbones.build(name, len(card.bands), 1, tile_px=card.tile_px))
