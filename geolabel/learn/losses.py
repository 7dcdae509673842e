"""Losses over known labels only: an unknown label (NaN) pulls nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from geolabel.learn.heads import slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.model import Head


def masked_bce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy averaged over the known entries of targets (n, classes); 0 where none is known."""
    known = targets.isfinite()
    losses = functional.binary_cross_entropy_with_logits(logits, targets.nan_to_num(0.0), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def masked_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy averaged over the tiles whose class is known; targets (n, classes) are one-hot or NaN."""
    known = targets.isfinite().all(dim=1)
    losses = -(targets.nan_to_num(0.0) * logits.log_softmax(dim=1)).sum(dim=1)
    return (losses * known).sum() / known.sum().clamp(min=1)


def total_loss(logits: torch.Tensor, targets: torch.Tensor, heads: Sequence[Head]) -> torch.Tensor:
    """The losses of all heads, weighted by their numbers of classes."""
    parts = [
        (masked_cross_entropy if head.kind == "softmax" else masked_bce)(logits[:, columns], targets[:, columns])
        * len(head.classes)
        for head, columns in slices(heads)
    ]
    return torch.stack(parts).sum() / logits.shape[1]
