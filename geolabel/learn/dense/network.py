"""A network in two: a trunk that reads blocks of a region, and a head that answers on means over its places."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn.apart import Apart

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLERANCE = 1e-3
"""Of sums in single precision, as a share of the largest value."""
_DRAWN = 4


def networks_of(network: nn.Module) -> Iterator[nn.Module]:
    """The networks that stand side by side, or the only one."""
    if isinstance(network, Apart):
        yield from network.networks
    else:
        yield network


class Trunk(nn.Module):
    """A network up to its map, on its own copy of the weights.

    Padded with zeros: blocks bring their surroundings with them, so nothing that counts is padded, and padding by
    reflection is slow on CPUs.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "zeros"

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, features, rows, columns)."""
        features: torch.Tensor = cast("Any", self.network).forward_features(chips)
        return features


@dataclass(frozen=True, slots=True)
class Halves:
    """A trunk, and the head of the network it was taken from."""

    trunk: nn.Module
    dtype: torch.dtype
    """In which the trunk calculates."""
    network: nn.Module
    width: int
    """Values that a place holds."""
    is_linear: bool
    """The mean of the head's answers is the head's answer on the mean, so that places hold logits, not features."""

    def places(self, block: torch.Tensor) -> torch.Tensor:
        """What is averaged over windows: (values, rows, columns) of a block (1, bands, h, w)."""
        features: torch.Tensor = self.trunk(block.to(self.dtype))[0].float()
        if not self.is_linear:
            return features
        answers = head_on_means(self.network, features.flatten(1).T)
        return answers.T.reshape(-1, *features.shape[1:])

    def logits(self, means: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes) of means (n, values) of what `places` gave."""
        return means if self.is_linear else head_on_means(self.network, means)


def head_on_means(network: nn.Module, means: torch.Tensor) -> torch.Tensor:
    """Logits (n, classes) of features (n, features)."""
    logits: torch.Tensor = cast("Any", network).forward_head(means[:, :, None, None])
    return logits


def halve(network: nn.Module, trunk: Trunk, features: int, dtype: torch.dtype) -> Halves:
    """The network in two, its trunk in `dtype`; the head is given `features`."""
    device = next(network.parameters()).device
    quick = trunk.to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    linear = _is_linear(network, features)
    width = head_on_means(network, torch.zeros(1, features, device=device)).shape[1] if linear else features
    return Halves(quick, dtype, network, width, linear)


def check_head(network: nn.Module, bands: int, tile: tuple[int, int]) -> int:
    """How many features the head is given. Raises OptionError where these are no means over all places."""
    device = next(network.parameters()).device
    chips = torch.randn(_DRAWN, bands, *tile, generator=torch.Generator().manual_seed(0)).to(device)
    features = cast("Any", network).forward_features(chips)
    expected = network(chips)
    try:
        found = head_on_means(network, features.mean((2, 3)))
    except RuntimeError as error:
        raise OptionError("its head is given more than a mean over all places") from error
    if (found - expected).abs().max() > _TOLERANCE * expected.abs().max():
        raise OptionError("its head is given something else than a mean over all places")
    return int(features.shape[1])


def _is_linear(network: nn.Module, features: int) -> bool:
    device = next(network.parameters()).device
    one, other = torch.randn(2, _DRAWN, features, generator=torch.Generator().manual_seed(0)).to(device)
    ends = (head_on_means(network, one) + head_on_means(network, other)) / 2
    return bool((head_on_means(network, (one + other) / 2) - ends).abs().max() <= _TOLERANCE * ends.abs().max())
