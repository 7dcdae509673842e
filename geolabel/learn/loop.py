"""The training loop. Devices, precision and processes are Fabric's."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric

from geolabel import files
from geolabel.errors import InputError, OptionError
from geolabel.learn.heads import probabilities
from geolabel.learn.losses import total_loss
from geolabel.learn.transforms import augment, to_tensor
from geolabel.scoring.multilabel import score
from geolabel.scoring.thresholds import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from geolabel.learn.chips import Chips
    from geolabel.learn.transforms import Normalise
    from geolabel.model import Head

_LEAST_STEPS = 32
_WARM_UP = 0.05
"""Share of all steps over which the learning rate rises, before it falls along a cosine."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    epochs: int
    batch: int
    lr: float
    """Highest learning rate of AdamW."""
    weight_decay: float
    patience: int
    """Stop after so many epochs without a better validation score."""
    augment: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned from: chips, targets (n, classes) with NaN for unknown, and which rows train and validate."""

    chips: Chips
    targets: NDArray[np.float32]
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    heads: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history."""

    epoch: int
    lr: float
    train_loss: float
    val_loss: float
    val_average_precision: float
    """Mean over classes."""
    val_f1: float
    """Mean over classes, at a threshold of .5."""
    seconds: float
    best: bool


@dataclass
class Run:
    """State of a training run; all of it is in the checkpoint, so that a resumed run goes on exactly."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LambdaLR
    generator: torch.Generator
    """Drives order and augmentation."""
    fabric: Fabric
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    interrupted: bool = False

    def stale(self) -> int:
        """Epochs since the best one."""
        return next((age for age, row in enumerate(reversed(self.history)) if row.best), len(self.history))


def start(network: nn.Module, lesson: Lesson, recipe: Recipe, device: torch.device) -> Run:
    """Make optimizer and schedule for a network, and place them on the device; bfloat16 on a GPU."""
    fabric = Fabric(accelerator=device.type, devices=1, precision="bf16-mixed" if device.type == "cuda" else "32-true")
    steps = recipe.epochs * _steps(len(lesson.train), recipe.batch)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    network, optimizer = fabric.setup(network, optimizer)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _schedule(step / steps))
    return Run(network, optimizer, scheduler, torch.Generator().manual_seed(recipe.seed), fabric)


def _schedule(done: float) -> float:
    """Share of the highest learning rate, after a share `done` of all steps."""
    if done < _WARM_UP:
        return max(0.01, done / _WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - _WARM_UP) / (1 - _WARM_UP))))


def _steps(tiles: int, batch: int) -> int:
    """Steps of an epoch: every tile once, and more often where there are few, or too little would be learned."""
    return max(tiles // batch, _LEAST_STEPS)


def _order(rows: NDArray[np.int64], batch: int, generator: torch.Generator) -> NDArray[np.int64]:
    """The tiles of one epoch: shuffled anew for each pass, in whole batches (one chip alone upsets batch norm)."""
    wanted = _steps(len(rows), batch) * min(batch, len(rows))
    passes = [torch.randperm(len(rows), generator=generator).numpy() for _ in range(math.ceil(wanted / len(rows)))]
    return np.asarray(rows[np.concatenate(passes)[:wanted]])


def fit(
    run: Run,
    lesson: Lesson,
    recipe: Recipe,
    normalise: Normalise,
    *,
    checkpoint: Path,
    on_epoch: Callable[[Epoch], None],
) -> None:
    """Train until the last epoch, until nothing gets better, or until Ctrl-C; `run.best` holds the best weights."""
    normalise = normalise.to(run.fabric.device)
    if not run.history:
        save(run, checkpoint)  # a run stopped in its first epoch can be resumed too
    try:
        while len(run.history) < recipe.epochs and not (run.history and run.stale() >= recipe.patience):
            began = time.perf_counter()
            train_loss = _train_epoch(run, lesson, recipe, normalise)
            val_loss, average_precision, f1 = _validate(run, lesson, recipe, normalise)
            better = _merit(average_precision, val_loss) > max(
                (_merit(row.val_average_precision, row.val_loss) for row in run.history), default=(-1.0, -math.inf)
            )
            lr = run.optimizer.param_groups[0]["lr"]
            row = Epoch(
                len(run.history) + 1,
                lr,
                train_loss,
                val_loss,
                average_precision,
                f1,
                time.perf_counter() - began,
                better,
            )
            run.history.append(row)
            if better:
                run.best = {name: value.detach().cpu().clone() for name, value in run.network.state_dict().items()}
            save(run, checkpoint)
            on_epoch(row)
    except KeyboardInterrupt:
        run.interrupted = True
    if not run.best:
        run.best = {name: value.detach().cpu().clone() for name, value in run.network.state_dict().items()}


def _merit(average_precision: float, loss: float) -> tuple[float, float]:
    """Epochs are compared by mean average precision; by the loss where no class allows one."""
    return (average_precision if math.isfinite(average_precision) else 0.0, -loss)


def _batches(
    lesson: Lesson, rows: NDArray[np.int64], batch: int, normalise: Normalise, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Normalised chips, their validity and their targets, batch by batch."""
    for first in range(0, len(rows), batch):
        part = rows[first : first + batch]
        valid = torch.from_numpy(lesson.chips.valid[part]).to(device)
        chips = normalise(to_tensor(lesson.chips.pixels[part], device), valid)
        yield chips, valid, torch.from_numpy(lesson.targets[part]).to(device)


def _train_epoch(run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise) -> float:
    run.network.train()
    rows = _order(lesson.train, recipe.batch, run.generator)
    total, steps = torch.zeros((), device=run.fabric.device), 0
    batch = min(recipe.batch, len(lesson.train))
    for chips, valid, targets in _batches(lesson, rows, batch, normalise, run.fabric.device):
        seen = augment(chips, valid, run.generator) if recipe.augment else chips
        loss = total_loss(run.network(seen.contiguous(memory_format=torch.channels_last)), targets, lesson.heads)
        run.optimizer.zero_grad()
        run.fabric.backward(loss)
        run.optimizer.step()
        run.scheduler.step()
        total, steps = total + loss.detach(), steps + 1
    mean = float(total / max(steps, 1))
    if not math.isfinite(mean):
        raise OptionError(f"--lr {recipe.lr:g}: the loss is no number any more; give a lower learning rate")
    return mean


@torch.inference_mode()
def _validate(run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise) -> tuple[float, float, float]:
    """Loss, mean average precision and mean F1 on the validation tiles."""
    run.network.eval()
    found, losses = [], 0.0
    for chips, _, targets in _batches(lesson, lesson.val, recipe.batch, normalise, run.fabric.device):
        logits = run.network(chips.contiguous(memory_format=torch.channels_last)).float()
        losses += float(total_loss(logits, targets, lesson.heads)) * len(chips)
        found.append(probabilities(logits, lesson.heads).cpu().numpy())
    names: Sequence[str] = [name for head in lesson.heads for name in head.classes]
    scores = score(lesson.targets[lesson.val], np.concatenate(found), names, [DEFAULT] * len(names))
    return losses / len(lesson.val), scores.macro_average_precision, scores.macro_f1


def save(run: Run, path: Path) -> None:
    """Write everything a resumed run needs, whole or not at all."""
    state: dict[str, Any] = {
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": run.scheduler.state_dict(),
        "generator": run.generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "history": files.to_json(run.history),
        "best": run.best,
    }
    with files.new_file(path, overwrite=True) as draft:
        torch.save(state, draft)


def restore(run: Run, path: Path) -> None:
    """Go back to a checkpoint. Raises InputError where it is damaged or of another network."""
    files.check_readable(path, "a checkpoint")
    try:
        state = torch.load(path, weights_only=True)  # plain tensors and values: nothing in the file is run
        run.network.load_state_dict(state["network"])
        run.optimizer.load_state_dict(state["optimizer"])
    except Exception as error:
        raise InputError(
            f"{path}: the checkpoint is damaged or of another network; train anew with --overwrite"
        ) from error
    run.scheduler.load_state_dict(state["scheduler"])
    run.generator.set_state(state["generator"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    run.history = [Epoch(**{**row, **_floats(row)}) for row in state["history"]]
    run.best = state["best"]


def _floats(row: dict[str, Any]) -> dict[str, float]:
    """JSON has no NaN: null in the history is one."""
    return {name: math.nan for name, value in row.items() if value is None}
