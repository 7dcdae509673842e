"""Which weights learn how fast, and when: parameter groups, the course of the learning rate, a running mean."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

import torch

from geolabel.learn import backbones

if TYPE_CHECKING:
    from torch import nn

_FEWEST = 0.01
"""Share of the highest rate at which warming up begins."""
_SHORT = 0.05
_WARM_UP = {"one-cycle": 0.3}
"""Share of all steps over which the rate rises, where nobody says: .05, but of the cycle it is half of the idea."""
_PLATEAU_FACTOR = 0.3


class Pace(Protocol):
    """What a recipe says of how fast is learned."""

    @property
    def lr(self) -> float:
        """Highest learning rate."""

    @property
    def layer_decay(self) -> float:
        """Factor from each layer to the one before."""

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""

    @property
    def schedule(self) -> str:
        """Course of the rate."""

    @property
    def warm_up(self) -> float | None:
        """Share of all steps over which it rises."""

    @property
    def patience(self) -> int:
        """Epochs without a better score."""


def make_optimizer(network: nn.Module, recipe: Pace) -> torch.optim.AdamW:
    """AdamW; the rate falls by `layer_decay` from each layer to the one before it (arXiv 1801.06146).

    Biases and norms, which have one dimension, are not decayed.
    """
    parameters = dict(network.named_parameters())
    layers = backbones.layer_groups(network) if recipe.layer_decay < 1 else [list(parameters)]
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    for depth, names in enumerate(reversed(layers)):
        for name in names:
            groups[depth, parameters[name].ndim > 1].append(parameters[name])
    return torch.optim.AdamW(
        [
            {
                "params": members,
                "lr": recipe.lr * recipe.layer_decay**depth,
                "weight_decay": recipe.weight_decay if decayed else 0.0,
            }
            for (depth, decayed), members in groups.items()
        ],
        lr=recipe.lr,
    )


class Schedule:
    """The course of the learning rate: asked after every step, and after every epoch how well it went."""

    def __init__(self, optimizer: torch.optim.Optimizer, recipe: Pace, steps: int) -> None:
        rising = recipe.warm_up if recipe.warm_up is not None else _WARM_UP.get(recipe.schedule, _SHORT)

        def warm(step: int) -> float:
            return max(_FEWEST, min(1.0, step / max(1.0, rising * steps)))

        def cosine(step: int) -> float:
            done = step / steps
            if done < rising:
                return max(_FEWEST, done / rising)
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - rising) / (1 - rising))))

        rates = [float(group["lr"]) for group in optimizer.param_groups]
        scheduler = torch.optim.lr_scheduler
        self._by_step: Any = (
            scheduler.OneCycleLR(optimizer, rates, total_steps=steps + 1, pct_start=max(rising, 1 / steps))
            if recipe.schedule == "one-cycle"
            else scheduler.LambdaLR(optimizer, cosine if recipe.schedule == "cosine" else warm)
        )
        self._plateau = recipe.schedule == "plateau"
        self._patience = max(1, recipe.patience // 2)
        self._best, self._stale = -math.inf, 0
        self._optimizer, self._steps = optimizer, steps

    def step(self) -> None:
        """After a step of the optimizer."""
        if self._by_step.last_epoch < self._steps:
            self._by_step.step()

    def epoch(self, merit: float) -> None:
        """After an epoch: where it got no better for a while (plateau), the rate falls."""
        if not self._plateau:
            return
        self._best, self._stale = (merit, 0) if merit > self._best else (self._best, self._stale + 1)
        if self._stale >= self._patience:
            self._stale = 0
            self._by_step.base_lrs = [rate * _PLATEAU_FACTOR for rate in self._by_step.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"by_step": self._by_step.state_dict(), "best": self._best, "stale": self._stale}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self._by_step.load_state_dict(state["by_step"])
        self._best, self._stale = state["best"], state["stale"]


class RunningMean:
    """An exponential running mean of a network's weights and of its norms' statistics (arXiv 1703.01780)."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._count = 0
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """After a step; the first steps count more, or the start would be remembered for long."""
        self._count += 1
        decay = min(self._decay, (1 + self._count) / (10 + self._count))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"count": self._count, "values": self.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self._count = int(state["count"])
        for name, value in state["values"].items():
            self.values[name].copy_(value)
