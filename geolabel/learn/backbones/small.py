"""The default network: small, residual, convolutional."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from geolabel.learn.backbones.pooled import Pooled

Padding = Literal["zeros", "reflect"]


class _Block(nn.Module):
    """Two 3 × 3 convolutions beside a short cut; the first halves the side where `stride` is 2."""

    def __init__(self, inside: int, outside: int, stride: int, padding: Padding) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False, padding_mode=padding)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False, padding_mode=padding)
        self.norm2 = nn.BatchNorm2d(outside)
        self.short = (
            nn.Identity()
            if stride == 1 and inside == outside
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, inside, h, w) → (n, outside, h / stride, w / stride)."""
        deep = torch.relu(self.norm1(self.conv1(chips)))
        return torch.relu(self.norm2(self.conv2(deep)) + self.short(chips))


class SmallCNN(Pooled):
    """A residual network of about 1.5 million parameters for chips of 17 px and more.

    (n, bands, height, width) → logits (n, classes). Fully convolutional up to a global average: its map has a place for
    each 16 px. Padded with zeros, a place knows how far the chip's edge is; padded by reflection, it does not, and the
    network may read whole scenes at once. The state is the same either way.
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.2, padding: Padding = "zeros") -> None:
        super().__init__()
        widths = (32, 64, 128, 192)
        self.stem = nn.Sequential(
            nn.Conv2d(bands, widths[0], 3, 1, 1, bias=False, padding_mode=padding),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        inside = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(
            *(_Block(a, b, 2, padding) for a, b in zip(inside, widths, strict=True)),
            _Block(widths[-1], widths[-1], 1, padding),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, 192, h / 16, w / 16)."""
        features: torch.Tensor = self.stages(self.stem(chips))
        return features

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"stem": r"^stem", "stages": r"^stages\.(\d+)"}
