"""Losses on the distances of tuples, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from geolabel.errors import OptionError
from geolabel.learn.metric import library
from geolabel.learn.metric.quadruplet import QuadrupletLoss
from geolabel.learn.metric.triplet import Tile2VecLoss, TripletLoss
from geolabel.learn.metric.tuples import Outcome

if TYPE_CHECKING:
    import torch

    from geolabel.learn.metric.relation import Relation
    from geolabel.learn.metric.tuples import Mined

__all__ = ["TUPLE_LOSSES", "LossSettings", "Outcome", "TupleLoss", "loss_of"]

TUPLE_LOSSES = ("triplet", "quadruplet", "margin", "contrastive", "tile2vec")
"""Losses that compare tuples; magnet compares clusters."""


@dataclass(frozen=True, slots=True)
class LossSettings:
    """What losses can be told; each takes what it knows."""

    margin: float = 0.5
    """By how much farther a negative should lie than a positive; for contrastive, how far from the anchor at least."""
    alt_loss: bool = False
    """Softmax of the two distances instead of their difference (triplet, quadruplet)."""
    soft_margin: bool = False
    """ln(1 + eˣ) instead of the hinge (triplet)."""
    adaptive: bool = False
    """Margins from the batch's mean distances (quadruplet)."""
    norm_penalty: float = 0.01
    """Weight of the vectors' lengths (tile2vec)."""
    compat: bool = False
    """Plain distances, as the system has them whose configurations are in `examples` (quadruplet)."""

    def __post_init__(self) -> None:
        for other in ("soft_margin", "adaptive"):
            if self.alt_loss and getattr(self, other):
                flag = "--" + other.replace("_", "-")
                raise OptionError(f"--alt-loss has no margin, so {flag} changes nothing; leave one of them out")
        if self.compat and self.adaptive:
            raise OptionError("plain distances (compat) come with fixed margins; leave --adaptive out")


class TupleLoss(Protocol):
    """A loss on tuples of a batch."""

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:
        """Of vectors (n, d), one row a tile of the relation."""
        ...


def loss_of(name: str, settings: LossSettings) -> TupleLoss:
    """The loss of that name. Raises OptionError, and InstallError where pytorch-metric-learning is not there."""
    if name == "triplet":
        return TripletLoss(settings.margin, settings.soft_margin, settings.alt_loss)
    if name == "quadruplet":
        return QuadrupletLoss(settings.margin, settings.alt_loss, settings.adaptive, settings.compat)
    if name == "tile2vec":
        return Tile2VecLoss(settings.margin, settings.norm_penalty)
    if name == "margin":
        return library.MarginLoss.of(settings.margin)
    if name == "contrastive":
        return library.ContrastiveLoss.of(settings.margin)
    raise OptionError(f"--loss {name}: no such loss on tuples; choose one of {', '.join(TUPLE_LOSSES)}")
