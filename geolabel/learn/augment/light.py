"""Light and camera: what changes between dates and sensors, so that colour alone is not learned."""

from __future__ import annotations

import torch

_CONTRAST, _BRIGHTNESS, _BALANCE, _SHIFT, _VEIL = 0.2, 0.15, 0.1, 0.2, 0.3
"""Deviations: of the logarithm of contrast, of gain over all bands and of each, of what is added to each and to all."""
_DROPPED = 0.1
"""Share of chips that lose a band."""


def draw_lights(count: int, bands: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Contrast (count, 1, 1, 1), gain and offset of each band (count, bands, 1, 1)."""

    def drawn(deviation: float, columns: int) -> torch.Tensor:
        return deviation * torch.randn((count, columns, 1, 1), generator=generator)

    contrast = drawn(_CONTRAST, 1).exp()
    gain = (1 + drawn(_BRIGHTNESS, 1)) * (1 + drawn(_BALANCE, bands))
    return contrast, gain, drawn(_SHIFT, bands) + drawn(_VEIL, 1)


def relight(chips: torch.Tensor, contrast: torch.Tensor, gain: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Chips (n, bands, h, w): contrast about the mean of each band, then gain and offset."""
    mean = chips.mean(dim=(2, 3), keepdim=True)
    return torch.addcmul(mean * (1 - contrast) * gain + offset, chips, contrast * gain)


def draw_kept_bands(count: int, bands: int, generator: torch.Generator) -> tuple[torch.Tensor]:
    """1 for each band that stays, 0 for one band of every tenth chip: (count, bands, 1, 1); a single band stays."""
    lost = torch.randint(bands, (count, 1), generator=generator)
    loses = torch.rand((count, 1), generator=generator) < (_DROPPED if bands > 1 else 0.0)
    return (1.0 - ((torch.arange(bands) == lost) & loses).float()[:, :, None, None],)


def drop_bands(chips: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Chips (n, bands, h, w) without the bands that are lost: these are 0, the mean of all chips."""
    return chips * kept
