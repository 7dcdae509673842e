"""A network of its own for each head: classes that have nothing in common learn without disturbing each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from geolabel.learn import backbones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Apart(nn.Module):
    """Networks side by side, their logits one after the other."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, classes of all)."""
        return torch.cat([network(chips) for network in self.networks], dim=1)

    def forward_features(self, chips: torch.Tensor) -> list[torch.Tensor]:
        """The features of each network."""
        return [cast("Any", network).forward_features(chips) for network in self.networks]

    def get_classifier(self) -> list[nn.Module]:
        """The last layer of each network."""
        return [cast("Any", network).get_classifier() for network in self.networks]

    def group_matcher(self, *, coarse: bool = False) -> Callable[[str], int]:  # noqa: ARG002 - as timm asks it
        """The number of the layer, from the input on, in which a parameter stands: see timm's own."""
        layers = [backbones.layer_groups(network) for network in self.networks]
        depth = {
            f"networks.{at}.{name}": number
            for at, groups in enumerate(layers)
            for number, names in enumerate(groups)
            for name in names
        }
        return depth.__getitem__

    def forward_head(self, features: list[torch.Tensor], *, pre_logits: bool = False) -> torch.Tensor:
        """Logits (n, classes of all) of what `forward_features` gave."""
        parts = zip(self.networks, features, strict=True)
        return torch.cat(
            [cast("Any", network).forward_head(found, pre_logits=pre_logits) for network, found in parts], dim=1
        )
