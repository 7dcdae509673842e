"""The loop that trains an embedder. Devices and precision are Fabric's."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from geolabel.errors import OptionError
from geolabel.learn.augment import Augmentation
from geolabel.learn.course import highest_rate, run_epochs
from geolabel.learn.forward import make_classifier
from geolabel.learn.metric.run import EmbedEpoch
from geolabel.learn.predictor import predict_chips
from geolabel.learn.stepping import take_step
from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.forward import Classifier
    from geolabel.learn.metric.pool import Pool
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.learn.metric.run import EmbedLearner, EmbedRun
    from geolabel.learn.metric.teacher import Step, Teacher
    from geolabel.model import ModelCard


class Supply(Protocol):
    """Where pools come from: the tiles of an index, or places drawn anew on rasters."""

    def pools(self, epoch: int) -> Generator[tuple[Pool, int]]:
        """The pools of an epoch, and how many steps each is good for; the same ones for the same epoch."""

    def score(self, encoder: Classifier) -> float:
        """How good an encoder is on what does not train: more is better."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """All that the loop needs beside the run."""

    recipe: EmbedRecipe
    card: ModelCard
    supply: Supply
    teacher: Teacher


def fit(
    run: EmbedRun,
    lessons: Lessons,
    *,
    save_to: Path | None,
    on_epoch: Callable[[Sequence[EmbedEpoch]], None] = lambda _: None,
) -> None:
    """Train until the last epoch, until nothing gets better, or until Ctrl-C; `run.best` holds the best weights."""

    def epoch() -> tuple[EmbedEpoch, float]:
        began, lr = time.perf_counter(), highest_rate(run)
        loss, active = _train_epoch(run, lessons)
        score = lessons.supply.score(encoder_of(run, lessons.card))
        if not run.history and math.isnan(score):
            log.warning("what does not train is too little to judge epochs by; the last one is kept")
        best = max((row.score for row in run.history if math.isfinite(row.score)), default=-math.inf)
        row = EmbedEpoch(
            epoch=len(run.history) + 1,
            lr=lr,
            train_loss=loss,
            active=active,
            score=score,
            seconds=time.perf_counter() - began,
            best=math.isnan(score) or score > best,  # where nobody judges, the last one is kept
        )
        return row, score if math.isfinite(score) else -loss

    run_epochs(run, lessons.recipe, epoch, save_to=save_to, on_epoch=on_epoch)


def encoder_of(run: EmbedRun, card: ModelCard) -> Classifier:
    """The network as it is judged: with the running mean of its weights where there is one."""
    if not run.mean:
        return make_classifier(card, run.network, run.fabric.device)
    from geolabel.learn.embedding import build_embedding

    averaged = build_embedding(card)
    averaged.load_state_dict(run.mean.values)
    return make_classifier(card, averaged, run.fabric.device)


def _train_epoch(run: EmbedRun, lessons: Lessons) -> tuple[float, float]:
    """Mean loss, and mean share of what still taught something."""
    recipe, epoch = lessons.recipe, len(run.history)
    cast("EmbedLearner", run.learner.module).frozen = epoch < recipe.freeze_epochs
    normalise = Normalise.of(lessons.card).to(run.fabric.device)
    augmentation = Augmentation.parse(recipe.augment)
    losses, shares = [], []
    with closing(lessons.supply.pools(epoch)) as pools:
        for number, (pool, count) in enumerate(pools):
            rng = np.random.default_rng([recipe.seed, epoch, number, 1])
            for step in lessons.teacher.steps(pool, _encode(run, lessons.card, pool), rng, count):
                run.learner.train()
                outcome = _learn(run, recipe, pool, step, normalise, augmentation)
                losses.append(outcome[0])
                shares.append(outcome[1])
    loss = float(torch.stack(losses).mean())
    if not math.isfinite(loss):
        raise OptionError(f"--lr {recipe.lr:g}: the loss is no number any more; give a lower learning rate")
    return loss, float(np.mean(shares))


def _encode(run: EmbedRun, card: ModelCard, pool: Pool) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    def encode(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return predict_chips(make_classifier(card, run.network, run.fabric.device), pool.chips, rows)

    return encode


def _learn(
    run: EmbedRun, recipe: EmbedRecipe, pool: Pool, step: Step, normalise: Normalise, augmentation: Augmentation
) -> tuple[torch.Tensor, float]:
    device = run.fabric.device
    valid = to_tensor(np.asarray(pool.chips.valid[step.rows]), device)
    chips = normalise(to_tensor(np.asarray(pool.chips.pixels[step.rows]), device), valid)
    draws = augmentation.draw(len(chips), chips.shape[1], run.generator).to(device)
    chips = augmentation.apply(chips, valid, draws).contiguous(memory_format=torch.channels_last)
    vectors = run.learner(chips).float()
    outcome = step.judge(vectors, run.generator)
    run.fabric.backward(outcome.loss)
    take_step(run, recipe.clip)
    return outcome.loss.detach(), outcome.active
