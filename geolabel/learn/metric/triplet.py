"""Losses on triplets: a positive should lie nearer to its anchor than a negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from geolabel.learn.metric.tuples import Outcome, distances, mean

if TYPE_CHECKING:
    from geolabel.learn.metric.relation import Relation
    from geolabel.learn.metric.tuples import Mined


@dataclass(frozen=True, slots=True)
class TripletLoss:
    """[m + D(a, p) − D(a, n)]₊, the mean over triplets; D is the Euclidean distance, not squared.

    Sources: arXiv 1404.4661; with the hardest of a batch, arXiv 1703.07737, as is the soft margin, ln(1 + eˣ) of
    x = D(a, p) − D(a, n), which has no m. The softmax distance is of arXiv 1412.6622.
    """

    margin: float
    soft_margin: bool = False
    alt_loss: bool = False

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:  # noqa: ARG002
        """Of vectors (n, d); the second negative of quadruplets is not asked."""
        far = distances(vectors)
        anchors, positives, negatives = mined.tuples.T[:3]
        near, apart = far[anchors, positives], far[anchors, negatives]
        excess = self.margin + near - apart
        if self.alt_loss:
            losses = softmax_distance(near, apart)
        else:
            losses = functional.softplus(near - apart) if self.soft_margin else excess.relu()
        return Outcome.of(losses, excess > 0, mined.weights)


@dataclass(frozen=True, slots=True)
class Tile2VecLoss:
    """[‖a − n‖ − ‖a − d‖ + m]₊ + λ(‖a‖ + ‖n‖ + ‖d‖), the mean over triplets of a tile, its neighbour n and a distant d.

    Source: arXiv 1805.02855. For vectors that are not brought to length 1: of those the penalty is a constant.
    """

    margin: float
    norm_penalty: float

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:
        """Of vectors (n, d)."""
        outcome = TripletLoss(self.margin)(vectors, relation, mined)
        exact = vectors if vectors.dtype == torch.float64 else vectors.float()
        lengths = torch.linalg.vector_norm(exact, dim=1)[mined.tuples[:, :3]].sum(dim=1)
        return Outcome(outcome.loss + self.norm_penalty * mean(lengths, mined.weights), outcome.active)


def softmax_distance(near: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
    """(d₊ − (d₋ − 1))² = 4d₊², where d₊ and d₋ (k,) are the softmax of distances to the positive and to the negative.

    From 0 (the negative is infinitely farther) over 1 (both are as far) to 4. Source: arXiv 1412.6622.
    """
    return 4 * (near - apart).sigmoid().square()
