"""Random context: the chips of a batch side by side, read as one picture, each answered from its own part of the map.

A network that is run over whole regions (`dense`) sees what lies beyond a tile. In training that never was anything but
the tile's own mirror image; amid other chips, by chance, it learns to answer for the tile alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch

from geolabel.errors import OptionError
from geolabel.learn.dense.field import find_field
from geolabel.learn.dense.network import Trunk, networks_of

if TYPE_CHECKING:
    from torch import nn

_PULL = 1.0
"""Weight of the difference between both ways; of .1, .5 and 1 the larger agreed better, and were no less precise."""
_TOLERANCE = 1e-3
"""Of sums in single precision, as a share of the largest value."""
_AMONG = 9
"""Tiles side by side, one of them with neighbours all around."""


def lay(chips: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Chips (n, bands, h, w) as one picture (1, bands, rows × h, columns × w): in `order` (n,), as square as may be.

    Where they are too few for the last places, the first of them come again.
    """
    count, bands, height, width = chips.shape
    rows = math.isqrt(count)
    placed = chips[torch.cat([order, order[: -count % rows]])].view(rows, -1, bands, height, width)
    picture = placed.permute(2, 0, 3, 1, 4).reshape(1, bands, rows * height, -1)
    return picture.contiguous(memory_format=torch.channels_last)


def take_apart(features: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """The map (1, features, rows × h, columns × w) of chips laid in `order` (n,), cut up: (n, features, h, w)."""
    rows = math.isqrt(len(order))
    columns = -(-len(order) // rows)
    _, channels, height, width = features.shape
    parts = features.reshape(channels, rows, height // rows, columns, width // columns).permute(1, 3, 0, 2, 4)
    return parts.flatten(0, 1)[order.argsort()]


def difference(alone: torch.Tensor, amid: torch.Tensor) -> torch.Tensor:
    """What is added to the loss where chips were answered both ways: logits (n, classes) of each."""
    return _PULL * (alone - amid).square().mean()


@torch.inference_mode()
def check(network: nn.Module, chip: tuple[int, int, int]) -> None:
    """Raise OptionError where chips (bands, height, width) cannot be told from the map of several of them.

    The network is on the CPU. Those that pass are those that `dense.ready` accepts, but for networks without padding:
    these never see beyond a tile, so that they have nothing to learn from context.
    """
    was_training = network.training
    network.eval()
    try:
        whys = [_why_not(one, chip) for one in networks_of(network)]
    finally:
        network.train(was_training)
    if any(whys):
        raise OptionError(
            f"--context: the network cannot use it: {max(whys)}; leave it out, or take --model small-cnn-reflect or "
            "squeezenet-reflect"
        )


def _why_not(network: nn.Module, chip: tuple[int, int, int]) -> str:
    bands, height, width = chip
    try:
        stride = find_field(Trunk(network), bands, (height, width)).stride
    except OptionError as error:
        return str(error)
    if height % stride or width % stride:
        return f"tiles of {width} × {height} px are no multiple of its own stride, {stride} px"
    return "" if _is_blind_to_edges(network, chip) else "it knows where a tile ends, by zeros or by missing places"


def _is_blind_to_edges(network: nn.Module, chip: tuple[int, int, int]) -> bool:
    """Whether tiles of one colour have the same map alone as among their like."""
    colour = torch.randn(chip[0], 1, 1, generator=torch.Generator().manual_seed(0)).expand(_AMONG, *chip)
    order = torch.arange(_AMONG)
    alone, among = (cast("Any", network).forward_features(seen) for seen in (colour, lay(colour, order)))
    if among.numel() != alone.numel():
        return False
    return bool((take_apart(among, order) - alone).abs().max() <= _TOLERANCE * alone.abs().max())
