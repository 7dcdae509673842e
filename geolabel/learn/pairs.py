"""Two dates through one trunk: the bands of both lie side by side in a chip, and a head compares what is seen of each.

Source: Daudt, Le Saux and Boulch, Fully convolutional siamese networks for change detection (arXiv 1810.08462), which
concatenates both dates' features, or takes the size of their difference; here the head is given both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from geolabel.model import BandContract

_DROPOUT = 0.2


class Dates(nn.Module):
    """A trunk that reads both dates of chips (n, 2 × bands, h, w), the earlier one's bands first.

    Both go through it as one batch, so that batch norms see both, and each of its layers is called once. It has the
    interface of timm's networks; its map is that of the earlier date, then that of the later one, along axis 1.
    """

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = without_head(trunk)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, 2 × bands, h, w) → maps (n, 2 × features, rows, columns), or whatever the trunk gives, twice as long."""
        dates = chips.chunk(2, dim=1)
        maps = cast("Any", self.trunk).forward_features(torch.cat([dates[0], dates[1]]))
        found = maps.chunk(2)
        return torch.cat([found[0], found[1]], dim=1)

    def embeddings(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What a head is given of either date, (n, features) each, of what `forward_features` gave."""
        maps = features.chunk(2, dim=1)
        found = cast("Any", self.trunk).forward_head(torch.cat([maps[0], maps[1]]), pre_logits=True).chunk(2)
        return found[0], found[1]

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """Logits (n, classes), or what they are made of where `pre_logits`."""
        raise NotImplementedError

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, 2 × bands, h, w) → logits (n, classes)."""
        return self.forward_head(self.forward_features(chips))


class Pairs(Dates):
    """Both dates' features and the size of their difference, [before, after, |after − before|], to a linear head."""

    def __init__(self, trunk: nn.Module, width: int, classes: int, dropout: float = _DROPOUT) -> None:
        super().__init__(trunk)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(3 * width, classes)

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """Logits (n, classes), or the three parts (n, 3 × features) where `pre_logits`."""
        before, after = self.embeddings(features)
        parts = torch.cat([before, after, (after - before).abs()], dim=1)
        return parts if pre_logits else self.head(self.dropout(parts))

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.head

    def group_matcher(self, *, coarse: bool = False) -> Callable[[str], int]:  # noqa: ARG002 - as timm asks it
        """The number of the layer, from the input on, in which a parameter stands: see timm's own."""
        groups = [[f"trunk.{name}" for name in names] for names in backbones.layer_groups(self.trunk)]
        groups.append([name for name, _ in self.named_parameters() if not name.startswith("trunk.")])
        return {name: number for number, names in enumerate(groups) for name in names}.__getitem__


def start_pairs(
    architecture: str,
    bands: int,
    classes: int,
    weights: str,
    seed: int,
    *,
    tile_px: tuple[int, int],
    dropout: float | None = None,
) -> Pairs:
    """The network for two dates of `bands` bands each; other arguments and errors are those of `backbones.start`."""
    trunk = backbones.start(architecture, bands, 1, weights, seed, tile_px=tile_px, dropout=0.0)
    return Pairs(trunk, width_of(trunk, bands, tile_px), classes, _DROPOUT if dropout is None else dropout)


def build_pairs(architecture: str, bands: int, classes: int, *, tile_px: tuple[int, int]) -> Pairs:
    """The same, to be filled with weights."""
    trunk = backbones.build(architecture, bands, 1, tile_px=tile_px, dropout=0.0)
    return Pairs(trunk, width_of(trunk, bands, tile_px), classes)


def without_head(network: nn.Module) -> nn.Module:
    """The same network, its last layer gone: a weight that nothing asks for would be kept, and waited for."""
    found = cast("Any", network).get_classifier()
    heads = {id(layer) for layer in (found if isinstance(found, tuple | list) else (found,))}
    for name in [name for name, module in network.named_modules() if id(module) in heads]:
        network.set_submodule(name, nn.Identity())
    return network


def width_of(trunk: nn.Module, bands: int, tile_px: tuple[int, int]) -> int:
    """How many features a trunk gives of tiles (width, height). Raises OptionError where it gives no single map."""
    was_training = trunk.training
    trunk.eval()
    try:
        with torch.no_grad():
            features = cast("Any", trunk).forward_features(torch.zeros(2, bands, *tile_px[::-1]))
            if not isinstance(features, torch.Tensor):
                raise OptionError("--pairs: the network's features are no single map; choose another --model")
            return int(cast("Any", trunk).forward_head(features, pre_logits=True).shape[1])
    finally:
        trunk.train(was_training)


def shared_statistics(bands: Sequence[BandContract]) -> tuple[BandContract, ...]:
    """Bands of two dates, each with the mean and the deviation of both together: a change of light stays visible.

    Both dates have as many valid pixels, so that the variance of both is the mean of theirs, and what the means add.
    """
    shared = []
    for one, other in zip(bands[: len(bands) // 2], bands[len(bands) // 2 :], strict=True):
        mean = (one.mean + other.mean) / 2
        std = float(np.sqrt((one.std**2 + other.std**2) / 2 + ((one.mean - other.mean) / 2) ** 2))
        shared.append((mean, std))
    return tuple(replace(band, mean=mean, std=std) for band, (mean, std) in zip(bands, shared * 2, strict=True))
