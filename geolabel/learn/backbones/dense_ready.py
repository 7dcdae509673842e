"""SqueezeNet's trunk, padded so that it may read whole scenes at once."""

from __future__ import annotations

import torch
from torch import nn

from geolabel.learn.backbones.pooled import Pooled

_FEATURES = 512
_FIRST = 96


class _Fire(nn.Module):
    """Squeeze to few channels, then expand by 1 × 1 and 3 × 3 side by side."""

    def __init__(self, inside: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inside, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1, padding_mode="reflect")

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, inside, h, w) → (n, 2 × expanded, h, w)."""
        narrow = torch.relu(self.squeeze(features))
        return torch.relu(torch.cat([self.expand1x1(narrow), self.expand3x3(narrow)], dim=1))


class SqueezeReflect(Pooled):
    """The trunk of SqueezeNet 1.0, padded by reflection, below a global average: .74 million parameters.

    (n, bands, height, width) → logits (n, classes), for chips of 31 px and more. Every layer that slides halves the
    side, so that the map has a place for each 16 px; padded by reflection, a place does not know how far the chip's
    edge is. Its trunk has the names of torchvision's `squeezenet1_0`, and may start from those weights. There is
    neither a batch norm nor attention: what a place answers depends on the picture around it alone.
    Source: Iandola et al. 2016, arXiv 1602.07360.
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(bands, _FIRST, 7, 2, 3, padding_mode="reflect"),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            _Fire(_FIRST, 16, 64),
            _Fire(128, 16, 64),
            _Fire(128, 32, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            _Fire(256, 32, 128),
            _Fire(256, 48, 192),
            _Fire(384, 48, 192),
            _Fire(384, 64, 256),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            _Fire(512, 64, 256),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(_FEATURES, classes)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, 512, h / 16, w / 16)."""
        features: torch.Tensor = self.features(chips)
        return features

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"features": r"^features\.(\d+)"}
