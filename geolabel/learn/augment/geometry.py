"""Tiles turned, mirrored and zoomed: seen from above nothing has a right way up, and nothing one size."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

_ZOOM = 1.25
"""Chips are enlarged or reduced by up to this."""
_ZOOMED = 0.5
"""Share of chips that are zoomed; the others stay as sharp as predict will see them."""
_ALL = 0.999
"""Of a zoomed pixel must have been valid; a little is lost where floats are rounded."""


def draw_turns(count: int, generator: torch.Generator) -> tuple[torch.Tensor]:
    """Whether each chip is mirrored in x, mirrored in y, transposed: (count, 3) bool."""
    return (torch.randint(0, 2, (count, 3), generator=generator).bool(),)


def turn(pixels: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Pixels (n, bands, h, w) by one of the eight symmetries of the square; of four where h and w differ."""
    across, down, over = turns.T[:, :, None, None, None]
    pixels = torch.where(across, pixels.flip(3), pixels)
    pixels = torch.where(down, pixels.flip(2), pixels)
    return torch.where(over, pixels.transpose(2, 3), pixels) if pixels.shape[2] == pixels.shape[3] else pixels


def draw_zooms(count: int, generator: torch.Generator) -> tuple[torch.Tensor]:
    """How much larger each chip is seen: (count,), .8 to 1.25, even on a logarithmic scale; 1 for half of them."""
    exponent = 2 * torch.rand(count, generator=generator) - 1
    zoomed = torch.rand(count, generator=generator) < _ZOOMED
    return (torch.where(zoomed, (math.log(_ZOOM) * exponent).exp(), 1.0),)


def zoom(pixels: torch.Tensor, zooms: torch.Tensor) -> torch.Tensor:
    """Pixels (n, bands, h, w) enlarged about their centre by zooms (n,), bilinear; beyond the border mirrored."""
    to_source = torch.zeros(len(pixels), 2, 3, dtype=pixels.dtype, device=pixels.device)
    to_source[:, 0, 0] = to_source[:, 1, 1] = 1 / zooms
    where = functional.affine_grid(to_source, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, where, mode="bilinear", padding_mode="reflection", align_corners=False)


def unmask(moved: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Chips (n, bands, h, w) and where they are seen (n, 1, h, w), from both in one (n, bands + 1, h, w).

    Pixels that are partly of what was not valid are not seen, and 0.
    """
    seen = (moved[:, -1:] > _ALL).to(moved)
    return moved[:, :-1] * seen, seen
