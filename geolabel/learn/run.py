"""The state of a training run, and how it begins."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from geolabel.learn import context
from geolabel.learn.balance import class_weights
from geolabel.learn.dense.network import networks_of
from geolabel.learn.device import make_fabric, share_norms
from geolabel.learn.losses import Loss
from geolabel.learn.optimisation import RunningMean, Schedule, make_optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule

    from geolabel.learn.history import Epoch
    from geolabel.learn.lesson import Lesson
    from geolabel.learn.recipe import Recipe

_LEAST_STEPS = 32
"""Of an epoch: tiles are seen more than once where there are few, or too little would be learned."""


class Learner(nn.Module):
    """A network whose trunk can stand still while its head learns."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.frozen = False

    def forward(self, chips: torch.Tensor, order: torch.Tensor | None = None) -> list[torch.Tensor]:
        """Logits (n, classes) of chips (n, bands, h, w); with an `order` (n,), those amid each other in it, too."""
        alone = self._in_two(chips) if self.frozen else self.network(chips)
        return [alone] if order is None else [alone, self._in_two(chips, order)]

    def _in_two(self, chips: torch.Tensor, order: torch.Tensor | None = None) -> torch.Tensor:
        """Logits by way of the features, which learn nothing while the trunk stands still."""
        seen, found = chips if order is None else context.lay(chips, order), []
        for network in cast("Iterator[Any]", networks_of(self.network)):
            with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
                features = network.train(self.training and not self.frozen).forward_features(seen)
            network.train(self.training)  # the dropout before the head is the head's
            found.append(network.forward_head(features if order is None else context.take_apart(features, order)))
        return torch.cat(found, dim=1)


@dataclass
class Run:
    """State of a training run; all of it is in the checkpoint, so that a resumed run goes on exactly."""

    network: nn.Module
    """Bare, on the device."""
    learner: _FabricModule
    """The same as Fabric wraps it."""
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    mean: RunningMean | None
    loss: Loss
    generator: torch.Generator
    """Drives order and augmentation; the same in all processes."""
    fabric: Fabric
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    interrupted: bool = False

    def weights(self) -> dict[str, torch.Tensor]:
        """What is judged and kept: the running mean where there is one. Copies, in memory."""
        values = self.mean.values if self.mean else self.network.state_dict()
        return {name: value.detach().cpu().clone() for name, value in values.items()}


def start(network: nn.Module, lesson: Lesson, recipe: Recipe, device: torch.device) -> Run:
    """Put a network, its optimizer and its schedule on a device, ready to learn. Raises OptionError."""
    if recipe.context:
        bands, height, width = lesson.chips.pixels.shape[1:]
        context.check(network, (bands, height, width))
    fabric = make_fabric(device, recipe)
    network = share_norms(network, fabric).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(network, recipe)
    learner, optimizer = fabric.setup(Learner(network), optimizer)
    steps = recipe.epochs * batches_an_epoch(len(lesson.train), recipe) // recipe.accumulate
    weights = class_weights(lesson.targets[lesson.train], lesson.heads) if recipe.balance == "weights" else None
    return Run(
        network,
        learner,
        optimizer,
        Schedule(optimizer, recipe, max(1, steps)),
        RunningMean(network, recipe.ema) if recipe.ema else None,
        Loss(
            lesson.heads,
            recipe.loss,
            None if weights is None else tuple(weights.tolist()),
            recipe.label_smoothing,
            recipe.targets,
        ),
        torch.Generator().manual_seed(recipe.seed),
        fabric,
    )


def batches_an_epoch(tiles: int, recipe: Recipe) -> int:
    """Every tile once, and more often where there are few; whole steps."""
    return math.ceil(max(tiles // recipe.batch, _LEAST_STEPS) / recipe.accumulate) * recipe.accumulate
