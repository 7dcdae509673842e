"""Weights that were made elsewhere, fitted to a network: other names, other bands, another head."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.learn.backbones.parts import head_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

_PREFIXES = ("module.", "model.", "backbone.", "network.", "encoder.", "trunk.", "_orig_mod.")
"""What wrappers of networks put before the names of weights."""
_KERNEL_AXES = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """What of some weights fits a network."""

    tensors: Mapping[str, torch.Tensor]
    """Under the network's names, in its shapes."""
    bands_before: int | None
    """Bands that the first layer was made for, where it had to be adapted."""
    trunk_share: float
    """Share of the trunk's parameters that is there, 0–1."""


def fit(network: nn.Module, found: Mapping[str, torch.Tensor], bands: int) -> Fit:
    """Choose, rename and adapt what fits a network that reads `bands` bands.

    Where something is left over, timm's own conversion for the network is tried too: position embeddings of another
    tile size are resampled, names of a paper's original weights translated.
    """
    own = network.state_dict()
    named = _stripped(found, own)
    best = _fit(network, own, named, bands)
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if best.trunk_share < 1 and convert is not None:
        try:
            converted = _fit(network, own, convert(dict(named), network), bands)
        except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            return best  # weights of another kind of network altogether
        return max(best, converted, key=lambda choice: choice.trunk_share)
    return best


def adapt_bands(kernel: torch.Tensor, bands: int) -> torch.Tensor:
    """A first layer's kernel (out, bands before, h, w) for another number of bands: (out, bands, h, w).

    Its answer to bands that are all equal stays as it was. More bands: the kernel is repeated as often as it fits, the
    bands left over get its mean, and all are scaled. Fewer: the first are kept, and share what the others answered.
    """
    before = kernel.shape[1]
    kernel = kernel.float()
    if bands <= before:
        return kernel[:, :bands] + kernel[:, bands:].sum(dim=1, keepdim=True) / bands
    times, rest = divmod(bands, before)
    repeated = [kernel] * times + [kernel.mean(dim=1, keepdim=True)] * rest
    return torch.cat(repeated, dim=1) * (before / bands)


def _stripped(found: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors without what wrappers put before their names."""

    def short(name: str) -> str:
        while name not in own and name.startswith(_PREFIXES):
            name = name.split(".", 1)[1]
        return name

    return {short(name): value for name, value in found.items()}


def _fit(network: nn.Module, own: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], bands: int) -> Fit:
    tensors: dict[str, torch.Tensor] = {}
    bands_before = None
    for name, wanted in own.items():
        value = found.get(name)
        if value is None:
            continue
        if value.shape == wanted.shape:
            tensors[name] = value
        elif _reads_other_bands(value, wanted, bands):
            bands_before = value.shape[1]
            tensors[name] = adapt_bands(value, bands)
    head = head_parameters(network)
    sizes = {name: value.numel() for name, value in network.named_parameters() if name not in head}
    share = sum(size for name, size in sizes.items() if name in tensors) / max(1, sum(sizes.values()))
    return Fit(tensors, bands_before, share)


def _reads_other_bands(value: torch.Tensor, wanted: torch.Tensor, bands: int) -> bool:
    """Whether a kernel (out, bands, h, w) is that of the first layer, and differs in its bands alone."""
    return (
        value.ndim == wanted.ndim == _KERNEL_AXES
        and wanted.shape[1] == bands
        and value.shape[:1] + value.shape[2:] == wanted.shape[:1] + wanted.shape[2:]
    )
