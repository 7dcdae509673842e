"""The baseline: convolutions, pooling, a dense layer."""

from __future__ import annotations

import torch
from torch import nn

from geolabel.learn.backbones.pooled import Pooled

_WIDTHS = (32, 64, 128, 256)
_DENSE = 128


class PlainCNN(Pooled):
    """Four blocks of convolution, batch norm, ReLU and 2 × 2 pooling; a global mean, a dense layer, dropout, the head.

    (n, bands, height, width) → logits (n, classes). 0.4 million parameters; any height and width.
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(inside, outside, 3, padding=1, bias=False),
                    nn.BatchNorm2d(outside),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(2, ceil_mode=True),
                )
                for inside, outside in zip((bands, *_WIDTHS), _WIDTHS, strict=False)
            )
        )
        self.dense = nn.Linear(_WIDTHS[-1], _DENSE)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(_DENSE, classes)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, 256, h / 16, w / 16), rounded up."""
        features: torch.Tensor = self.blocks(chips)
        return features

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """A map → logits (n, classes), or the dense layer's answer (n, 128) where `pre_logits`."""
        dense = torch.relu(self.dense(features.mean(dim=(2, 3))))
        return dense if pre_logits else self.head(self.dropout(dense))

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"blocks": r"^blocks\.(\d+)", "dense": r"^dense"}
