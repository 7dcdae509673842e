"""A network that answers with a vector: places that look alike get vectors that lie near each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional

from geolabel.learn import backbones
from geolabel.model import NORM_OUTPUT

if TYPE_CHECKING:
    from geolabel.model import ModelCard

FEATURES = "features"
"""The setting that says that vectors are what the last layer would be given."""


class Embedding(nn.Module):
    """Chips (n, bands, h, w) → vectors (n, size); of length 1 where `norm` says so.

    With `features`, the vector is what the network's last layer is given, and that layer is not asked.
    """

    def __init__(self, network: nn.Module, *, norm: bool, features: bool = False) -> None:
        super().__init__()
        self.network = network
        self.norm, self.features = norm, features

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """Vectors (n, size)."""
        return self.forward_head(self.forward_features(chips))

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """The trunk's map (n, features, rows, columns), or its tokens."""
        found: torch.Tensor = cast("Any", self.network).forward_features(chips)
        return found

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """Vectors (n, size) of what the trunk gave; the last layer's input where `pre_logits`."""
        network = cast("Any", self.network)
        found: torch.Tensor = network.forward_head(features, pre_logits=pre_logits or self.features)
        return functional.normalize(found, dim=1) if self.norm and not pre_logits else found

    def get_classifier(self) -> Any:
        """The last layer."""
        return cast("Any", self.network).get_classifier()


def build_embedding(card: ModelCard) -> Embedding:
    """The network of an embedder's card, to be filled with weights."""
    return _wrapped(card, backbones.build(card.architecture, len(card.bands), _classes(card), tile_px=card.tile_px))


def start_embedding(card: ModelCard, weights: str, seed: int) -> Embedding:
    """The network of an embedder's card, ready to be trained: `weights` is none, default (pretrained), or a file.

    Without dropout: distances between vectors of which each lacks other features would be mostly noise.
    Raises OptionError, ModelError, InstallError.
    """
    network = backbones.start(
        card.architecture, len(card.bands), _classes(card), weights, seed, tile_px=card.tile_px, dropout=0.0
    )
    return _wrapped(card, network)


def _wrapped(card: ModelCard, network: nn.Module) -> Embedding:
    return Embedding(network, norm=bool(card.settings.get(NORM_OUTPUT)), features=_is_features(card))


def _is_features(card: ModelCard) -> bool:
    return bool(card.settings.get(FEATURES))


def _classes(card: ModelCard) -> int:
    """Outputs of the last layer: the vector itself, or one that is never asked."""
    return 1 if _is_features(card) else card.outputs
