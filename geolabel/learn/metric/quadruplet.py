"""The quadruplet loss: any two tiles that belong apart should lie farther than a pair that belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import OptionError
from geolabel.learn.metric.triplet import softmax_distance
from geolabel.learn.metric.tuples import Outcome, distances, mean

if TYPE_CHECKING:
    import torch

    from geolabel.learn.metric.relation import Relation
    from geolabel.learn.metric.tuples import Mined

_FIRST, _SECOND = 1.0, 0.5
"""Margins of both terms, in units of the margin, or of the gap between the batch's mean distances."""


@dataclass(frozen=True, slots=True)
class QuadrupletLoss:
    """[D(a, p)² − D(a, n)² + a₁]₊ + [D(a, p)² − D(l, n)² + a₂]₊, the mean over quadruplets; a₁ = m and a₂ = m/2.

    Source: arXiv 1704.01719. `adaptive`: a = w·(mean D² of the batch's negative pairs − that of its positive ones),
    w = 1 and .5, through which no gradient flows. `alt_loss`: the softmax distance in place of either hinge.
    `compat`: distances that are not squared, as fisch92/Metric-embeddings-for-satellite-image-classification has them.
    """

    margin: float
    alt_loss: bool = False
    adaptive: bool = False
    compat: bool = False

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:
        """Of vectors (n, d). Raises OptionError for triplets."""
        if mined.tuples.shape[1] != 4:  # noqa: PLR2004 - of a quadruplet
            raise OptionError("the quadruplet loss compares four tiles; mine tuples of 4, with a second negative")
        far = distances(vectors)
        anchors, positives, negatives, others = mined.tuples.T
        near, apart, between = far[anchors, positives], far[anchors, negatives], far[others, negatives]
        scale = self._gap(far.detach(), relation) if self.adaptive else self.margin
        power = 1 if self.compat or self.alt_loss else 2
        first = near**power - apart**power + _FIRST * scale
        second = near**power - between**power + _SECOND * scale
        if self.alt_loss:
            losses = softmax_distance(near, apart) + softmax_distance(near, between)
        else:
            losses = first.relu() + second.relu()
        return Outcome.of(losses, (first > 0) | (second > 0), mined.weights)

    @staticmethod
    def _gap(far: torch.Tensor, relation: Relation) -> torch.Tensor:
        """Mean squared distance of pairs apart less that of pairs together, (); below 0 where apart is nearer."""
        squared = far.square()
        return mean(squared[relation.negative], None) - mean(squared[relation.positive], None)
