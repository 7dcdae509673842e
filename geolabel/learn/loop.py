"""The training loop. Devices, precision and processes are Fabric's."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from geolabel.errors import OptionError
from geolabel.learn.augment import Augmentation
from geolabel.learn.balance import draw_epoch
from geolabel.learn.context import difference
from geolabel.learn.course import highest_rate, run_epochs
from geolabel.learn.feed import Batch, batches
from geolabel.learn.heads import probabilities
from geolabel.learn.history import Epoch
from geolabel.learn.mixup import draw_lambda, mixup
from geolabel.learn.run import Run, batches_an_epoch
from geolabel.learn.stepping import take_step
from geolabel.scoring.multilabel import score
from geolabel.scoring.thresholds import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric

    from geolabel.learn.lesson import Lesson
    from geolabel.learn.recipe import Recipe
    from geolabel.learn.run import Learner
    from geolabel.learn.transforms import Normalise


def fit(
    run: Run,
    lesson: Lesson,
    recipe: Recipe,
    normalise: Normalise,
    *,
    save_to: Path | None,
    on_epoch: Callable[[Sequence[Epoch]], None] = lambda _: None,
) -> None:
    """Train until the last epoch, until nothing gets better, or until Ctrl-C; `run.best` holds the best weights."""
    normalise = normalise.to(run.fabric.device)

    def epoch() -> tuple[Epoch, float]:
        began, lr = time.perf_counter(), highest_rate(run)
        train_loss = _train_epoch(run, lesson, recipe, normalise)
        val_loss, average_precision, f1 = _validate(run, lesson, recipe, normalise)
        merit = _merit(average_precision, val_loss)
        best = max((_merit(row.val_average_precision, row.val_loss) for row in run.history), default=None)
        row = Epoch(
            epoch=len(run.history) + 1,
            lr=lr,
            train_loss=train_loss,
            val_loss=val_loss,
            val_average_precision=average_precision,
            val_f1=f1,
            seconds=time.perf_counter() - began,
            best=best is None or merit > best,
        )
        return row, merit[0] if math.isfinite(average_precision) else -val_loss

    run_epochs(run, recipe, epoch, save_to=save_to if run.fabric.is_global_zero else None, on_epoch=on_epoch)


def _merit(average_precision: float, loss: float) -> tuple[float, float]:
    """Epochs are compared by mean average precision; by the loss where no class allows one."""
    return (average_precision if math.isfinite(average_precision) else 0.0, -loss)


def _train_epoch(run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise) -> float:
    frozen = len(run.history) < recipe.freeze_epochs
    cast("Learner", run.learner.module).frozen = frozen
    run.learner.train()
    world, rank, size = run.fabric.world_size, run.fabric.global_rank, min(recipe.batch, len(lesson.train))
    size -= size % (2 * world if recipe.mixup and world > 1 else world)  # mixup pairs neighbours
    count = batches_an_epoch(len(lesson.train), recipe)
    rows = draw_epoch(lesson.train, lesson.targets, recipe.balance, count * size, run.generator)
    own = rows.reshape(count, world, -1)[:, rank].ravel()  # this process's part of each batch
    augmentation = Augmentation.parse(recipe.augment, dates=2 if recipe.pairs else 1)
    total = torch.zeros((), device=run.fabric.device)
    for number, batch in enumerate(batches(lesson, own, size // world, normalise, run.fabric.device), start=1):
        ready = number % recipe.accumulate == 0
        with run.fabric.no_backward_sync(run.learner, enabled=not ready):
            seen = _alter(run, batch, recipe, augmentation, size, rank)
            order = _draw_context(run, recipe, len(seen.chips))
            answers = run.learner(seen.chips, order)
            *answers, targets, weights = _gather(run.fabric, *answers, seen.targets, seen.weights)
            loss = torch.stack([run.loss(logits, targets, weights) for logits in answers]).mean()
            if order is not None:
                loss = loss + difference(*answers)
            run.fabric.backward(loss / recipe.accumulate)
        if ready:
            take_step(run, recipe.clip)
        total += loss.detach()
    mean = float(total / count)
    if not math.isfinite(mean):
        raise OptionError(f"--lr {recipe.lr:g}: the loss is no number any more; give a lower learning rate")
    return mean


def _alter(run: Run, batch: Batch, recipe: Recipe, augmentation: Augmentation, size: int, rank: int) -> Batch:
    """A batch augmented and mixed. Chance is drawn for all processes alike, and each takes its part."""
    device, part = run.fabric.device, slice(rank * len(batch.chips), (rank + 1) * len(batch.chips))
    chips, valid, targets, weights = batch.chips, batch.valid, batch.targets, batch.weights
    if recipe.mixup:
        lam = draw_lambda(size, recipe.mixup, run.generator)[part].to(device)
        chips, valid, targets, weights = mixup(chips, valid, targets, weights, lam)
    draws = augmentation.draw(size, chips.shape[1], run.generator)[part].to(device)
    chips = augmentation.apply(chips, valid, draws)
    return Batch(chips.contiguous(memory_format=torch.channels_last), valid, targets, weights)


def _draw_context(run: Run, recipe: Recipe, count: int) -> torch.Tensor | None:
    """In which order a batch's chips lie side by side, if they do: (n,). Each process lays its own."""
    if not recipe.context or float(torch.rand((), generator=run.generator)) >= recipe.context:
        return None
    return torch.randperm(count, generator=run.generator).to(run.fabric.device)


def _gather(fabric: Fabric, *tensors: torch.Tensor) -> Sequence[torch.Tensor]:
    """The same tensors of all processes, one after the other: every process sees the loss of the whole batch."""
    if fabric.world_size == 1:
        return tensors
    return [cast("torch.Tensor", fabric.all_gather(tensor, sync_grads=True)).flatten(0, 1) for tensor in tensors]


@torch.no_grad()
def _validate(run: Run, lesson: Lesson, recipe: Recipe, normalise: Normalise) -> tuple[float, float, float]:
    """Loss, mean average precision and mean F1 on the validation tiles, of the first process for all."""
    kept = {name: value.clone() for name, value in run.network.state_dict().items()} if run.mean else {}
    if run.mean:
        run.network.load_state_dict(run.mean.values)
    run.network.eval()
    found, loss, known = [], 0.0, 0.0
    for batch in batches(lesson, lesson.val, recipe.batch, normalise, run.fabric.device):
        with run.fabric.autocast():
            logits = run.network(batch.chips).float()
        size = float(batch.weights.sum())
        loss, known = loss + float(run.loss(logits, batch.targets, batch.weights)) * size, known + size
        found.append(probabilities(logits, lesson.heads).cpu().numpy())
    if kept:
        run.network.load_state_dict(kept)
    names = lesson.names
    scores = score(lesson.truth[lesson.val], np.concatenate(found), names, [DEFAULT] * len(names))
    found_by_one = (loss / max(known, 1e-9), scores.macro_average_precision, scores.macro_f1)
    return run.fabric.broadcast(found_by_one)
