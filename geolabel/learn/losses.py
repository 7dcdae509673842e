"""Losses over known labels only: an unknown label (NaN) pulls nowhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from geolabel.errors import OptionError
from geolabel.model import slices

if TYPE_CHECKING:
    from geolabel.model import Head

LOSSES: tuple[str, ...] = ("auto", "bce", "focal", "asymmetric", "soft-f1", "mse", "kl")
_OF_PRESENCE = ("focal", "asymmetric", "soft-f1")
_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 2.0
_NEGATIVE_GAMMA, _POSITIVE_GAMMA, _MARGIN = 4.0, 1.0, 0.05
_LEAST_PULL = 1e-12
"""Where nothing is known, 0 is divided by this."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What training makes small; one number for a batch, computed in float32 whatever the logits are.

    Sigmoid heads: bce; focal (arXiv 1708.02002, alpha .25, gamma 2); asymmetric (arXiv 2009.14119, gamma 1 of positives
    and 4 of negatives, margin .05, as its authors' code has them); soft-f1, 1 − the mean over classes of
    2TP / (2TP + FP + FN) on the probabilities of the batch; mse, squared error of probabilities; kl, Kullback–Leibler
    divergence of Bernoulli distributions; auto is bce.
    Softmax heads: mse and kl of distributions; cross-entropy for every other kind.
    Heads count by their numbers of classes.
    """

    heads: tuple[Head, ...]
    kind: str = "auto"
    """One of LOSSES."""
    class_weights: tuple[float, ...] | None = None
    """Weight of each class, over all heads: of its positives (sigmoid), of the tiles that show it (softmax).
    soft-f1 counts all classes alike and has none."""
    label_smoothing: float = 0.0
    """Share of each softmax target that is spread over all classes; of cross-entropy only."""
    targets: Literal["presence", "shares"] = "presence"
    """What targets are: 0 or 1, or shares of the tile. focal, asymmetric and soft-f1 are about presence."""

    def __post_init__(self) -> None:
        """Raise OptionError for choices that contradict each other, or that no head would feel."""
        if self.kind not in LOSSES:
            raise OptionError(f"--loss {self.kind}: no such loss; choose one of {', '.join(LOSSES)}")
        if self.targets == "shares" and self.kind in _OF_PRESENCE:
            raise OptionError(f"--loss {self.kind} is about presence, not shares; use auto, bce, mse or kl")
        if not 0 <= self.label_smoothing < 1:
            raise OptionError(f"label smoothing must be from 0 to below 1, got {self.label_smoothing:g}")
        softmax = any(head.kind == "softmax" for head in self.heads)
        if self.label_smoothing and (not softmax or self.kind in ("mse", "kl")):
            raise OptionError("label smoothing is of cross-entropy: it needs a softmax head, and no --loss mse or kl")
        if self.class_weights is None:
            return
        classes = sum(len(head.classes) for head in self.heads)
        if len(self.class_weights) != classes:
            raise OptionError(f"{len(self.class_weights)} class weights for {classes} classes; give one for each")
        if not all(0 < weight < math.inf for weight in self.class_weights):
            raise OptionError(f"class weights must be positive numbers, got {self.class_weights}")
        if self.kind == "soft-f1" and not softmax:
            raise OptionError("--loss soft-f1 counts all classes alike and takes no class weights")

    def __call__(
        self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of logits (n, classes) against targets (n, classes): from 0 to 1, NaN unknown.

        Averaged over what is known, weighted by `weights` (n,) of tiles; 0 where nothing is known. A tile counts for
        a softmax head where all classes of the head are known; their targets sum to 1.
        """
        logits, targets = logits.float(), targets.float()
        tiles = torch.ones_like(logits[:, 0]) if weights is None else weights.to(logits)
        total = logits.new_zeros(())
        for head, columns in slices(self.heads):
            own = None if self.class_weights is None else logits.new_tensor(self.class_weights[columns])
            of_head = self._softmax if head.kind == "softmax" else self._sigmoid
            total = total + of_head(logits[:, columns], targets[:, columns], tiles, own) * len(head.classes)
        return total / logits.shape[1]

    def _sigmoid(
        self, logits: torch.Tensor, targets: torch.Tensor, tiles: torch.Tensor, own: torch.Tensor | None
    ) -> torch.Tensor:
        known = targets.isfinite()
        wanted, pull = targets.nan_to_num(0.0), known * tiles[:, None]
        if self.kind == "soft-f1":
            return _soft_f1(logits.sigmoid(), wanted, pull)
        return _mean(_entries(self.kind, logits, wanted, own), pull)

    def _softmax(
        self, logits: torch.Tensor, targets: torch.Tensor, tiles: torch.Tensor, own: torch.Tensor | None
    ) -> torch.Tensor:
        known = targets.isfinite().all(dim=1)
        wanted, pull = targets.nan_to_num(0.0), known * tiles
        if own is not None:
            pull = pull * (wanted * own).sum(dim=1)
        if self.kind == "mse":
            return _mean((logits.softmax(dim=1) - wanted).square().mean(dim=1), pull)
        spread = wanted * (1 - self.label_smoothing) + self.label_smoothing / wanted.shape[1]
        losses = -(spread * logits.log_softmax(dim=1)).sum(dim=1)
        if self.kind == "kl":
            losses = losses - torch.special.entr(wanted).sum(dim=1)
        return _mean(losses, pull)


def _mean(losses: torch.Tensor, pull: torch.Tensor) -> torch.Tensor:
    """The mean of losses, weighted by pull of the same shape; 0 where nothing pulls."""
    return (losses * pull).sum() / pull.sum().clamp(min=_LEAST_PULL)


def _entries(kind: str, logits: torch.Tensor, wanted: torch.Tensor, own: torch.Tensor | None) -> torch.Tensor:
    """The loss of every entry (n, classes) of a sigmoid head.

    Targets between 0 and 1 mix the losses of a presence and of an absence, so that mixed tiles (mixup) learn both.
    """
    if kind in ("mse", "kl"):
        losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        losses = losses - torch.special.entr(wanted) - torch.special.entr(1 - wanted)
        if kind == "mse":
            losses = (logits.sigmoid() - wanted).square()
        return losses if own is None else losses * (1 + (own - 1) * wanted)
    present, absent = functional.softplus(-logits), functional.softplus(logits)
    if kind == "focal":
        present = _FOCAL_ALPHA * (-logits).sigmoid() ** _FOCAL_GAMMA * present
        absent = (1 - _FOCAL_ALPHA) * logits.sigmoid() ** _FOCAL_GAMMA * absent
    elif kind == "asymmetric":
        shifted = (logits.sigmoid() - _MARGIN).clamp(min=0)
        present = (-logits).sigmoid() ** _POSITIVE_GAMMA * present
        absent = -(shifted**_NEGATIVE_GAMMA) * torch.log1p(-shifted)
    if own is not None:
        present = own * present
    return wanted * present + (1 - wanted) * absent


def _soft_f1(probabilities: torch.Tensor, wanted: torch.Tensor, pull: torch.Tensor) -> torch.Tensor:
    """1 − the mean F1 of the classes that the batch shows; of the others it is 0 whatever the logits are."""
    hits, shown = (pull * probabilities * wanted).sum(dim=0), (pull * wanted).sum(dim=0)
    scores = 2 * hits / (shown + (pull * probabilities).sum(dim=0)).clamp(min=_LEAST_PULL)
    return _mean(1 - scores, (shown > 0).float())
