"""Batches of one size."""

from __future__ import annotations

import torch


def padded(chips: torch.Tensor, batch: int) -> torch.Tensor:
    """Chips (n, bands, h, w) with empty ones behind them: (batch, bands, h, w)."""
    if len(chips) == batch:
        return chips
    whole = torch.zeros((batch, *chips.shape[1:]), dtype=chips.dtype, device=chips.device)
    whole[: len(chips)] = chips
    return whole
