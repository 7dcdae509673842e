"""Maps of a network at several depths: its last, and an early one with more places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn.dense.field import Field, find_field
from geolabel.learn.dense.network import Trunk
from geolabel.learn.embedding import Embedding

if TYPE_CHECKING:
    from geolabel.learn.forward import Classifier

_FINER = 4
"""An early map has about so many times more places along each axis than the last."""
_MAP_AXES = 4


class DepthTrunk(nn.Module):
    """(n, bands, h, w) → maps of some modules, and the last: each (n, features, rows, columns)."""

    def __init__(self, trunk: Trunk, early: tuple[str, ...]) -> None:
        super().__init__()
        self.trunk = trunk
        self.seen: dict[str, torch.Tensor] = {}
        for name in early:
            trunk.get_submodule(name).register_forward_hook(partial(self._note, name))
        self.early = early

    def _note(self, name: str, _module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        self.seen[name] = output

    def forward(self, chips: torch.Tensor) -> list[torch.Tensor]:
        """From the earliest to the last."""
        last = self.trunk(chips)
        found = [*(self.seen[name] for name in self.early), last]
        self.seen.clear()
        return found


@dataclass(frozen=True, slots=True)
class Depths:
    """A network's trunk with its maps."""

    trunk: DepthTrunk
    fields: tuple[Field, ...]
    """What a place of each map sees."""
    sizes: tuple[int, ...]
    """Features of a place of each map."""
    halo: int
    """Pixels of context on every side, a multiple of the stride."""

    @property
    def stride(self) -> int:
        """Of the last map, a multiple of those of all others."""
        return self.fields[-1].stride


@torch.inference_mode()
def find_depths(encoder: Classifier) -> Depths:
    """The maps of an encoder's trunk. Raises OptionError where it has none that may be read block by block."""
    card = encoder.card
    if card.settings.get("dehaze"):
        raise OptionError("haze is taken from each tile by itself")
    width, height = card.tile_px
    network = encoder.network.network if isinstance(encoder.network, Embedding) else encoder.network
    trunk = Trunk(network).eval().cpu()
    probe = torch.zeros(1, len(card.bands), height, width)
    last = find_field(trunk, len(card.bands), (height, width))
    both = DepthTrunk(trunk, _early(trunk, probe, last))
    fields = []
    for at in range(len(both.early)):
        field = find_field(partial(_one, both, at), len(card.bands), (height, width))
        if last.stride % field.stride:
            raise OptionError(f"its maps have strides of {field.stride} and {last.stride} px, which do not fit")
        fields.append(field)
    fields.append(last)
    sizes = tuple(found.shape[1] for found in both(probe))
    # as for dense windows: more than a tile of context moves nothing that counts; and a place on either side
    around = min(last.context((height, width)), max(width, height)) + 2 * last.stride
    halo = -(-around // last.stride) * last.stride
    ready = both.to(encoder.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Depths(ready, tuple(fields), sizes, halo)


def _one(both: DepthTrunk, at: int, chips: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = both(chips)[at]
    return found


def _early(trunk: Trunk, probe: torch.Tensor, last: Field) -> tuple[str, ...]:
    """The last module whose map is about four times finer than the trunk's own; none where there is none finer."""
    seen: list[tuple[str, tuple[int, int]]] = []

    def note(name: str, _module: nn.Module, _inputs: object, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == _MAP_AXES:
            seen.append((name, (output.shape[2], output.shape[3])))

    handles = [part.register_forward_hook(partial(note, name)) for name, part in trunk.named_modules() if name]
    try:
        trunk(probe)
    finally:
        for handle in handles:
            handle.remove()
    wanted = [-(-side * _FINER // last.stride) for side in probe.shape[2:]]
    finer = [(name, size) for name, size in seen if size[0] > last.places[0] and size[1] > last.places[1]]
    finer = [(name, size) for name, size in finer if size[0] <= probe.shape[2]]
    if not finer:
        return ()
    best = min(abs(size[0] - wanted[0]) for _, size in finer)
    return (next(name for name, size in reversed(finer) if abs(size[0] - wanted[0]) == best),)
