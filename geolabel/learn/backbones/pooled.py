"""The interface of timm's networks, for those of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    import torch


class Pooled(nn.Module):
    """A trunk that ends in a map, whose mean over all places goes through a dropout to a last layer."""

    dropout: nn.Dropout
    head: nn.Linear

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → a map (n, features, rows, columns)."""
        raise NotImplementedError

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """A map (n, features, rows, columns) → logits (n, classes), or features (n, features) where `pre_logits`."""
        mean = features.mean(dim=(2, 3))
        return mean if pre_logits else self.head(self.dropout(mean))

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → logits (n, classes)."""
        return self.forward_head(self.forward_features(chips))

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.head
