"""The state of an embedder's training, and how it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from geolabel.learn.device import make_fabric
from geolabel.learn.optimisation import RunningMean, Schedule, make_optimizer

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule

    from geolabel.learn.embedding import Embedding
    from geolabel.learn.metric.recipe import EmbedRecipe


@dataclass(frozen=True, slots=True)
class EmbedEpoch:
    """One row of the history."""

    epoch: int
    lr: float
    """Of the last layer, at the epoch's start."""
    train_loss: float
    active: float
    """Share of the tuples, or of magnet's tiles, that still teach something."""
    score: float
    """On what does not train: MAP@R of the labels, or the share of tuples whose negative lies farther."""
    seconds: float
    best: bool


class EmbedLearner(nn.Module):
    """A network whose trunk can stand still while its last layer learns."""

    def __init__(self, network: Embedding) -> None:
        super().__init__()
        self.network = network
        self.frozen = False

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """Vectors (n, size) of chips (n, bands, h, w)."""
        if not self.frozen:
            vectors: torch.Tensor = self.network(chips)
            return vectors
        with torch.no_grad():
            features = self.network.eval().forward_features(chips)
        self.network.train(self.training)
        return self.network.forward_head(features)


@dataclass
class EmbedRun:
    """State of a training run; all of it is in the checkpoint, so that a resumed run goes on exactly."""

    network: Embedding
    """Bare, on the device."""
    learner: _FabricModule
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    mean: RunningMean | None
    generator: torch.Generator
    """Drives augmentation and what miners draw."""
    fabric: Fabric
    history: list[EmbedEpoch] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    interrupted: bool = False

    def weights(self) -> dict[str, torch.Tensor]:
        """What is judged and kept: the running mean where there is one. Copies, in memory."""
        values = self.mean.values if self.mean else self.network.state_dict()
        return {name: value.detach().cpu().clone() for name, value in values.items()}


def start(network: Embedding, recipe: EmbedRecipe, device: torch.device) -> EmbedRun:
    """Put a network, its optimizer and its schedule on a device, ready to learn. Raises OptionError."""
    fabric = make_fabric(device, recipe)
    placed: Embedding = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(placed.network, recipe)
    learner, optimizer = fabric.setup(EmbedLearner(placed), optimizer)
    return EmbedRun(
        placed,
        learner,
        optimizer,
        Schedule(optimizer, recipe, recipe.epochs * recipe.steps),
        RunningMean(placed, recipe.ema) if recipe.ema else None,
        torch.Generator().manual_seed(recipe.seed),
        fabric,
    )
