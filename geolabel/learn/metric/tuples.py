"""Tuples of a batch: who is compared with whom, at what distance, and how what they say becomes one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from geolabel.learn.metric.relation import Relation

SIZES = (3, 4)
"""Of a triplet and of a quadruplet."""
_LEAST_PULL = 1e-12
"""Where no tuple pulls, 0 is divided by this."""


@dataclass(frozen=True, slots=True)
class Mined:
    """Tuples of one batch, to be compared."""

    tuples: torch.Tensor
    """(k, 3) or (k, 4) int64, rows of the batch: anchor, positive, negative (, second negative)."""
    weights: torch.Tensor | None = None
    """(k,) float, not negative: how much each tuple counts; None: all alike."""

    def __post_init__(self) -> None:
        if self.tuples.ndim != 2 or self.tuples.shape[1] not in SIZES:  # noqa: PLR2004 - a table
            raise OptionError(f"tuples must be (k, 3) or (k, 4), got {tuple(self.tuples.shape)}")
        if self.weights is not None and self.weights.shape != self.tuples.shape[:1]:
            raise OptionError(f"{len(self.weights)} weights for {len(self.tuples)} tuples; give one for each")

    @classmethod
    def of(cls, tuples: torch.Tensor, relation: Relation) -> Mined:
        """Tuples (k, 3 or 4) weighted by s(a, p)·(1 − s(a, n)), where the relation says how alike two tiles are."""
        if relation.similarity is None:
            return cls(tuples)
        anchors, positives, negatives = tuples.T[:3]
        similarity = relation.similarity
        return cls(tuples, similarity[anchors, positives] * (1 - similarity[anchors, negatives]))

    def __len__(self) -> int:
        return len(self.tuples)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a loss says of a batch."""

    loss: torch.Tensor
    """() float, with a gradient; 0 where there are no tuples."""
    active: float
    """Share of the tuples, 0–1, whose hinge is above 0: the negative is not yet farther by the margin. It counts the
    hinge also where a smooth loss takes its place, so that runs can be compared."""

    @classmethod
    def of(cls, losses: torch.Tensor, active: torch.Tensor, weights: torch.Tensor | None) -> Outcome:
        """The mean of losses (k,), weighted by `weights` (k,), and the share of `active` (k,) bool."""
        return cls(mean(losses, weights), float(active.float().mean()) if len(active) else 0.0)


def mean(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """The mean () of values (k,), weighted by weights (k,); 0, with a gradient, where nothing has weight."""
    if weights is None:
        return values.sum() / max(1, len(values))
    pull = weights.to(values)
    return (values * pull).sum() / pull.sum().clamp(min=_LEAST_PULL)


def distances(vectors: torch.Tensor) -> torch.Tensor:
    """Euclidean distance of each of n vectors (n, d) to each other: (n, n), in float32 or better.

    Calculated from differences, not from products, so that near vectors have the distance they have. Vectors that
    coincide do not pull at each other: the gradient is 0 there, not NaN.
    """
    exact = vectors if vectors.dtype == torch.float64 else vectors.float()
    return torch.cdist(exact, exact, compute_mode="donot_use_mm_for_euclid_dist")
