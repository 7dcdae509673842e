"""How the chips of amazon_model.py are varied in training: turned, moved, relit, sharpened, hazed, clouded.

All of it works on whole batches. Mines were chosen on clear composites, and many negatives on cloudy ones; other
negatives are cloud remnants that look like bare ground. So clouds are painted on both, more often on negatives.
"""

from __future__ import annotations

import torch
from torch.nn import functional

ZOOM, SHIFT_PX = 0.15, 4.0
"""Deviation of the logarithm of the zoom; the farthest move."""
LIGHT = 0.2
"""Deviation of the logarithm of the gain that all bands share."""
SHARP = 0.3
HAZE = 0.3
"""The thickest haze, as a share; half of the chips have some."""
CLOUDED = {"mine": 0.05, "other": 0.15}
"""Share of the chips that are given clouds."""
_OCTAVES = (3, 6, 12, 24)
_ROUGHNESS = 0.62


def vary(chips: torch.Tensor, mine: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Chips (n, 3, side, side), 0–1, as they might have looked: the same shape and range. `mine` is (n,), 0–1."""
    moved = _move(_turn(chips), generator)
    clear = _sharpen(_relight(moved, generator), generator)
    share = torch.where(mine > 0.5, CLOUDED["mine"], CLOUDED["other"])
    clouded = torch.nonzero(torch.rand(len(chips), generator=generator) < share)[:, 0]
    hazy = _haze(clear, generator)
    if len(clouded):
        hazy[clouded] = _cloud(hazy[clouded], generator)
    return hazy.clamp(0, 1)


def _uniform(count: int, generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)


def _normal(count: int, bands: int, deviation: float, generator: torch.Generator) -> torch.Tensor:
    return deviation * torch.randn(count, bands, 1, 1, generator=generator)


def _turn(chips: torch.Tensor) -> torch.Tensor:
    """Each eighth of a batch, whose order is by chance, into another of the eight positions of a square."""
    turned = [torch.rot90(part, at % 4, (2, 3)) for at, part in enumerate(chips.chunk(8))]
    return torch.cat([part.flip(3) if at >= 4 else part for at, part in enumerate(turned)])


def _move(chips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    count, half = len(chips), chips.shape[-1] / 2
    zoom = torch.exp(ZOOM * torch.randn(count, generator=generator))
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0], affine[:, 1, 1] = zoom, zoom
    affine[:, :, 2] = (2 * torch.rand(count, 2, generator=generator) - 1) * SHIFT_PX / half
    grid = functional.affine_grid(affine, list(chips.shape), align_corners=False)
    return functional.grid_sample(chips, grid, padding_mode="reflection", align_corners=False)


def _relight(chips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    count, bands = chips.shape[:2]
    gain = torch.exp(_normal(count, 1, LIGHT, generator) + _normal(count, bands, 0.4 * LIGHT, generator))
    contrast = torch.exp(_normal(count, 1, 0.7 * LIGHT, generator))
    mean = chips.mean((2, 3), keepdim=True)
    return ((chips - mean) * contrast + mean) * gain + _normal(count, bands, 0.06 * LIGHT, generator)


def _sharpen(chips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    blurred = functional.avg_pool2d(functional.pad(chips, (1, 1, 1, 1), mode="reflect"), 3, 1)
    return chips + (chips - blurred) * _normal(len(chips), 1, SHARP, generator).clamp(-0.9, 1.5)


def _haze(chips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    count, bands = chips.shape[:2]
    thickness = _uniform(count, generator, high=HAZE) * (_uniform(count, generator) < 0.5)
    light = _uniform(count, generator, 0.5, 1.0) + _normal(count, bands, 0.05, generator)
    return chips * (1 - thickness) + light * thickness


def _cloud(chips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """White patches of fractal outline and their shadows, some in the coarse blocks of a patched composite."""
    count, bands, side, _ = chips.shape
    cut, softness = _uniform(count, generator, 0.3, 2.1), _uniform(count, generator, 0.15, 1.35)
    cover = ((_fractal(count, side, generator) - cut) / softness).clamp(0, 1) * _uniform(count, generator, 0.35, 1.0)
    away = torch.randint(-side // 4, side // 4 + 1, (2,), generator=generator).tolist()
    shadow = torch.roll(cover, away, (2, 3)) * _uniform(count, generator, high=0.6)
    light = _uniform(count, generator, 0.6, 1.1) + _normal(count, bands, 0.04, generator)
    blocks = functional.interpolate(functional.avg_pool2d(cover, 4), scale_factor=4, mode="nearest")
    cover = torch.where(_uniform(count, generator) < 0.3, blocks, cover)
    return chips * (1 - shadow) * (1 - cover) + light * cover


def _fractal(count: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Noise of several grains, with mean 0 and deviation 1: (count, 1, side, side)."""
    field = torch.zeros(count, 1, side, side)
    for at, cells in enumerate(_OCTAVES):
        knots = torch.randn(count, 1, cells, cells, generator=generator)
        grain = functional.interpolate(knots, size=(side, side), mode="bicubic", align_corners=False)
        field += grain * _ROUGHNESS**at
    return (field - field.mean((2, 3), keepdim=True)) / field.std((2, 3), keepdim=True)
