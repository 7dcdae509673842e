"""SqueezeNet's trunk, padded so that it may read whole scenes at once."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from geolabel.learn.backbones.pooled import Pooled

_FEATURES = 512
_FIRST = 96
_REACH_PX = 23
_LEAST_DEVIATION = 0.15


def even_light(chips: torch.Tensor) -> torch.Tensor:
    """Chips (n, bands, h, w) as differences from the mean around each pixel, in units of the deviation around it.

    Around it: in a window of 47 px, beyond the edge by reflection. The mean is each band's, the deviation that of all
    bands together, so that tints within the window stay and a veil or a dim light over all of it goes. _LEAST_DEVIATION
    is added to the deviation lest noise grows where there is nothing to see. Sides must be 24 px or more.
    """
    with torch.autocast(chips.device.type, enabled=False):
        wide = functional.pad(chips.float(), [_REACH_PX] * 4, mode="reflect")
        mean = _mean_around(wide)
        variance = (_mean_around(wide.square()) - mean.square()).mean(dim=1, keepdim=True)
        deviation = variance.clamp(min=0).sqrt() + _LEAST_DEVIATION
        return ((chips.float() - mean) / deviation).to(chips.dtype)


def _mean_around(wide: torch.Tensor) -> torch.Tensor:
    """Of (n, bands, h + 46, w + 46): (n, bands, h, w). By running sums, whose cost does not grow with the window."""
    return _mean_along(_mean_along(wide.contiguous(), 2), 3)


def _mean_along(wide: torch.Tensor, axis: int) -> torch.Tensor:
    side = 2 * _REACH_PX + 1
    until = wide.cumsum(axis)
    count = wide.shape[axis] - side
    first = until.narrow(axis, side - 1, 1)
    return torch.cat([first, until.narrow(axis, side, count) - until.narrow(axis, 0, count)], dim=axis) / side


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
    edge is. Its trunk has the names of torchvision's `squeezenet1_0`, and may start from those weights. It looks at
    differences from the light around each pixel (`even_light`); there is neither a batch norm nor attention. So what
    a place answers depends on the picture within some 100 px of it alone.
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
        features: torch.Tensor = self.features(even_light(chips))
        return features

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"features": r"^features\.(\d+)"}
