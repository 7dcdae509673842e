"""Who in a batch belongs together, and who apart: all that a miner or a loss knows of places and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Relation:
    """Of n tiles of a batch, on one device. Pairs that are neither positive nor negative are not compared."""

    positive: torch.Tensor
    """(n, n) bool, symmetric, False on the diagonal: both belong together."""
    negative: torch.Tensor
    """(n, n) bool, symmetric: both belong apart."""
    labels: torch.Tensor
    """(n,) int64: class, place or drawn group. Miners of pytorch-metric-learning know nothing else."""
    similarity: torch.Tensor | None = None
    """(n, n) float 0–1: how alike the labels of both are (soft positives); None: 1 or 0."""
    drawn: torch.Tensor | None = None
    """(k, 3) or (k, 4) int64: tuples as the sampler drew them: anchor, positive, negative (, second negative)."""

    def __post_init__(self) -> None:
        count = len(self.labels)
        if self.positive.shape != (count, count) or self.negative.shape != (count, count):
            raise OptionError(
                f"positive {tuple(self.positive.shape)} and negative {tuple(self.negative.shape)} must both be "
                f"({count}, {count}), one row a label"
            )

    @classmethod
    def of_labels(cls, labels: torch.Tensor, drawn: torch.Tensor | None = None) -> Relation:
        """Tiles of one class (n,) belong together, those of different ones apart."""
        same = labels[:, None] == labels
        return cls(same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same, labels, drawn=drawn)

    @classmethod
    def of_shares(cls, shares: torch.Tensor, bounds: Sequence[float]) -> Relation:
        """By how much of their shares (n, classes), which sum to 1 at the most, two tiles have in common: Σ min.

        Positive from the larger of `bounds` on, negative up to the smaller one. Labels are the largest shares.
        """
        common = torch.minimum(shares[:, None], shares).sum(dim=2)
        low, high = sorted(bounds)
        other = ~torch.eye(len(shares), dtype=torch.bool, device=shares.device)
        return cls((common >= high) & other, (common <= low) & other, shares.argmax(dim=1), similarity=common)

    def to(self, device: torch.device) -> Relation:
        """The same on another device."""
        moved = [None if part is None else part.to(device) for part in (self.similarity, self.drawn)]
        return Relation(self.positive.to(device), self.negative.to(device), self.labels.to(device), moved[0], moved[1])
