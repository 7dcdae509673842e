"""Augmentation: tiles as they might have been seen on another day, from another side; on the device, a batch at a time.

What is random is drawn for a whole batch beforehand, so that each of several processes can take its part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.errors import OptionError
from geolabel.learn.augment import geometry, light, sky

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DRAW: Mapping[str, Callable[[int, int, torch.Generator], tuple[torch.Tensor, ...]]] = {
    "dihedral": lambda count, _, generator: geometry.draw_turns(count, generator),
    "scale": lambda count, _, generator: geometry.draw_zooms(count, generator),
    "light": light.draw_lights,
    "haze": lambda count, _, generator: sky.draw_haze(count, generator),
    "bands": light.draw_kept_bands,
    "clouds": lambda count, _, generator: sky.draw_clouds(count, generator),
}
_MOVES: Mapping[str, Callable[..., torch.Tensor]] = {"dihedral": geometry.turn, "scale": geometry.zoom}
_CHANGES: Mapping[str, Callable[..., torch.Tensor]] = {
    "light": light.relight,
    "clouds": sky.add_clouds,
    "haze": sky.add_haze,
    "bands": light.drop_bands,
}
AUGMENTATIONS: tuple[str, ...] = tuple(_DRAW)


@dataclass(frozen=True, slots=True)
class Draws:
    """All that is random in the augmentation of a batch."""

    numbers: Mapping[str, tuple[torch.Tensor, ...]]
    """By name of the augmentation; the first axis of each is the batch."""

    def __getitem__(self, part: slice) -> Draws:
        """The draws of a part of the batch."""
        return Draws({name: tuple(each[part] for each in found) for name, found in self.numbers.items()})

    def to(self, device: torch.device) -> Draws:
        """The same draws on another device."""
        return Draws({name: tuple(each.to(device) for each in found) for name, found in self.numbers.items()})


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Which augmentations are done; as a picture comes about: ground, its light, clouds, haze over all, the camera."""

    names: tuple[str, ...] = AUGMENTATIONS
    dates: int = 1
    """Dates that lie side by side in the bands of a chip: each has its own light and sky, all one place."""

    def __post_init__(self) -> None:
        """Raise OptionError for names that nobody knows."""
        for name in self.names:
            if name not in AUGMENTATIONS:
                raise OptionError(
                    f"--augment {name}: no such augmentation; give all, none, or some of {','.join(AUGMENTATIONS)}"
                )

    @classmethod
    def parse(cls, text: str, dates: int = 1) -> Augmentation:
        """From `all`, `none`, or names with commas between them. Raises OptionError."""
        if text in ("all", "none"):
            return cls(AUGMENTATIONS if text == "all" else (), dates)
        return cls(tuple(dict.fromkeys(name.strip() for name in text.split(","))), dates)

    def draw(self, count: int, bands: int, generator: torch.Generator) -> Draws:
        """Everything random for a batch of `count` chips, from a generator of the CPU."""
        found = {}
        for name, draw in _DRAW.items():
            if name in self.names and name in _CHANGES:
                drawn = draw(count * self.dates, bands // self.dates, generator)
                found[name] = tuple(each.reshape(count, self.dates, *each.shape[1:]) for each in drawn)
            elif name in self.names:
                found[name] = draw(count, bands, generator)
        return Draws(found)

    def apply(self, chips: torch.Tensor, valid: torch.Tensor, draws: Draws) -> torch.Tensor:
        """The chips (n, bands, h, w) of a normalised batch as they might have been; draws are on their device.

        What is not valid (n, h, w) is 0 in the chips, moves with them, and stays 0, as predict leaves it.
        """
        if not self.names:
            return chips
        moved = torch.cat([chips, valid[:, None].to(chips)], dim=1)
        for name, move in _MOVES.items():
            if name in self.names:
                moved = move(moved, *draws.numbers[name])
        chips, seen = geometry.unmask(moved)
        each = chips.reshape(-1, chips.shape[1] // self.dates, *chips.shape[2:])
        for name, change in _CHANGES.items():
            if name in self.names:
                each = change(each, *(numbers.flatten(0, 1) for numbers in draws.numbers[name]))
        return each.reshape(chips.shape) * seen
