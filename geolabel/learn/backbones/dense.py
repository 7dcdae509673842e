"""DenseNet, cut down to its first two blocks."""

from __future__ import annotations

import torch
from torch import nn

from geolabel.learn.backbones.pooled import Pooled

_STEM = 64
_GROWTH = 32
_BOTTLENECK = 4
_LAYERS = (6, 12)


def _narrow(inside: int, outside: int, kernel: int) -> nn.Sequential:
    """Batch norm, ReLU and a convolution that keeps the size."""
    return nn.Sequential(
        nn.BatchNorm2d(inside),
        nn.ReLU(inplace=True),
        nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False),
    )


class _Layer(nn.Module):
    """What was there, and `_GROWTH` new features of it."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.squeeze = _narrow(inside, _BOTTLENECK * _GROWTH, 1)
        self.grow = _narrow(_BOTTLENECK * _GROWTH, _GROWTH, 3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, inside, h, w) → (n, inside + 32, h, w)."""
        return torch.cat([features, self.grow(self.squeeze(features))], dim=1)


class SmallDenseNet(Pooled):
    """The first two blocks of DenseNet-121, each followed by a transition: 1.43 million parameters.

    (n, bands, height, width) → logits (n, classes), for chips of 4 px and more. The second transition only narrows: a
    mean over all places follows. Source: Huang et al., Densely Connected Convolutional Networks (arXiv 1608.06993).
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(bands, _STEM, 7, 2, 3, bias=False),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        width, blocks = _STEM, []
        for place, layers in enumerate(_LAYERS):
            grown = width + layers * _GROWTH
            blocks.append(
                nn.Sequential(
                    *(_Layer(inside) for inside in range(width, grown, _GROWTH)),
                    _narrow(grown, grown // 2, 1),
                    nn.Identity() if place == len(_LAYERS) - 1 else nn.AvgPool2d(2, ceil_mode=True),
                )
            )
            width = grown // 2
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, 256, h / 8, w / 8)."""
        return torch.relu(self.norm(self.blocks(self.stem(chips))))

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"stem": r"^stem", "blocks": r"^blocks\.(\d+)\.(\d+)", "norm": r"^norm"}
