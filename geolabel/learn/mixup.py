"""Tiles mixed with their neighbours in the batch (Zhang et al. 2018, arXiv 1710.09412)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy.special import betaincinv

from geolabel.errors import OptionError


class Mixed(NamedTuple):
    """A batch of mixed tiles."""

    chips: torch.Tensor
    """(n, bands, h, w), 0 where not valid."""
    valid: torch.Tensor
    """(n, h, w): pixels valid in both tiles."""
    targets: torch.Tensor
    """(n, classes), NaN where either is unknown."""
    weights: torch.Tensor
    """(n,)."""


def draw_lambda(count: int, alpha: float, generator: torch.Generator) -> torch.Tensor:
    """Share (count,) that each tile keeps of itself: Beta(alpha, alpha), by its inverse. Raises OptionError."""
    if not alpha > 0:
        raise OptionError(f"--mixup {alpha:g}: must be above 0; .2 mixes a little, 1 evenly")
    even = torch.rand(count, dtype=torch.float64, generator=generator)
    return torch.from_numpy(betaincinv(alpha, alpha, even.numpy())).float()


def mixup(
    chips: torch.Tensor, valid: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, lam: torch.Tensor
) -> Mixed:
    """Rows i and i^1 of a batch mixed: lam (n,) of the first, 1 − lam of the second; an odd last row stays as it is.

    Chips (n, bands, h, w) are normalised and 0 where not valid (n, h, w); targets (n, classes) are NaN where unknown.
    A pixel or target is known where it is in both. To be called before augmentation, which moves pixels: the mixed
    `valid` goes on to it. Parts of a batch mix as the whole does where they begin at even rows.
    """
    rows = torch.arange(len(chips), device=chips.device)
    partner = (rows ^ 1).clamp(max=len(chips) - 1)
    kept = torch.where(partner == rows, 1.0, lam.to(chips))

    def mix(values: torch.Tensor) -> torch.Tensor:
        share = kept.view(-1, *[1] * (values.dim() - 1))
        return values[partner].lerp(values, share)

    both = valid & valid[partner]
    return Mixed(mix(chips) * both[:, None], both, mix(targets), mix(weights))
