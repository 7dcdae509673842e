"""Haze and clouds, from smooth random fields."""

from __future__ import annotations

import torch
from torch.nn import functional

_HAZE_KNOTS, _CLOUD_KNOTS = 4, 8
"""Random numbers along each side of a chip: haze changes slowly, clouds are about an eighth of a chip in size."""
_WIDTH = 0.7
"""Deviation of a knot's bell, in distances between knots."""
_HAZY, _HAZE = 0.5, 0.6
"""Share of chips with haze, and the most of the light that it takes."""
_CLOUDY, _COVER = 0.25, 0.2
"""Share of chips with clouds, and the most of a chip that they cover, on average over such chips."""
_EDGE = 0.4
"""Width of a cloud's soft edge, in deviations of the field."""
_SHADE, _DARK = 0.5, -1.5
"""How much of the ground a shadow hides, and its darkness, in deviations of a band."""
_WHITE = 2.0
"""The least brightness of haze and clouds, in deviations of a band; 1 more at the most for haze, 2 for clouds."""


def smooth_field(knots: torch.Tensor, height: int, width: int, shift: torch.Tensor | None = None) -> torch.Tensor:
    """A field (n, 1, height, width) of mean 0 and deviation 1 at every pixel, from normal numbers (n, k, k).

    Each knot is the centre of a bell. `shift` (n, 2) moves the field down and right, in distances between knots.
    """
    down, right = (None, None) if shift is None else shift.T
    rows, columns = _bells(height, knots, down), _bells(width, knots, right)
    field: torch.Tensor = rows @ knots @ columns.transpose(-1, -2)
    return field[:, None]


def _bells(pixels: int, knots: torch.Tensor, shift: torch.Tensor | None) -> torch.Tensor:
    """Weight of each knot along a side at each pixel: (n or 1, pixels, k), their squares sum to 1."""
    count = knots.shape[-1]
    at = (torch.arange(pixels, device=knots.device) + 0.5) * ((count - 1) / pixels)
    at = at[None] if shift is None else at - shift[:, None]
    bells = (-0.5 * ((at[:, :, None] - torch.arange(count, device=knots.device)) / _WIDTH).square()).exp()
    return functional.normalize(bells, dim=-1)


def draw_haze(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Strength and brightness (count, 1, 1, 1), knots of the field."""
    hazy = torch.rand((count, 1, 1, 1), generator=generator) < _HAZY
    strength = _HAZE * torch.rand((count, 1, 1, 1), generator=generator) * hazy
    bright = _WHITE + torch.rand((count, 1, 1, 1), generator=generator)
    return strength, bright, torch.randn((count, _HAZE_KNOTS, _HAZE_KNOTS), generator=generator)


def add_haze(chips: torch.Tensor, strength: torch.Tensor, bright: torch.Tensor, knots: torch.Tensor) -> torch.Tensor:
    """Chips J (n, bands, h, w) behind haze: J·t + A·(1 − t), t from 1 − strength to 1 (He, Sun and Tang 2011)."""
    clear = 1 - strength * smooth_field(knots, chips.shape[2], chips.shape[3]).sigmoid()
    return torch.addcmul(bright * (1 - clear), chips, clear)


def draw_clouds(
    count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Level of the field where cloud begins (infinite for none), brightness, way to the shadow (count, 2), knots."""
    cover = _COVER * torch.rand((count, 1, 1, 1), generator=generator)
    cloudy = torch.rand((count, 1, 1, 1), generator=generator) < _CLOUDY
    level = torch.where(cloudy, -torch.special.ndtri(cover), torch.inf)
    bright = _WHITE + 2 * torch.rand((count, 1, 1, 1), generator=generator)
    shift = 2 * torch.rand((count, 2), generator=generator) - 1
    return level, bright, shift, torch.randn((count, _CLOUD_KNOTS, _CLOUD_KNOTS), generator=generator)


def add_clouds(
    chips: torch.Tensor, level: torch.Tensor, bright: torch.Tensor, shift: torch.Tensor, knots: torch.Tensor
) -> torch.Tensor:
    """Chips (n, bands, h, w) under soft bright clouds, and in their shadows beside them."""
    cloud = ((smooth_field(knots, chips.shape[2], chips.shape[3]) - level) / _EDGE).clamp(0, 1)
    shadow = ((smooth_field(knots, chips.shape[2], chips.shape[3], shift) - level) / _EDGE).clamp(0, 1) * _SHADE
    open_sky = 1 - cloud
    return torch.addcmul(shadow * open_sky * _DARK + cloud * bright, chips, (1 - shadow) * open_sky)
