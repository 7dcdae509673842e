"""The loop: which epoch is kept, when it ends, and what a step does to the weights."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from geolabel.errors import OptionError
from geolabel.learn.chips import Chips
from geolabel.learn.embedding import start_embedding
from geolabel.learn.forward import Classifier
from geolabel.learn.metric import loop
from geolabel.learn.metric.pool import Pool
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.run import EmbedRun, start
from geolabel.learn.metric.teacher import teacher_of
from geolabel.model import BandContract, ModelCard

CPU = torch.device("cpu")


@dataclass
class Told:
    """Scores as they are given; remembers what weights were judged."""

    recipe: EmbedRecipe
    scores: list[float]
    judged: list[dict[str, torch.Tensor]] = field(default_factory=list)
    open_pools: int = 0

    def pools(self, epoch: int) -> Generator[tuple[Pool, int]]:
        rng = np.random.default_rng(epoch)
        labels = np.arange(48) % 3
        pixels = (100 + 40 * np.eye(3)[labels][:, :, None, None] + rng.normal(0, 5, (48, 3, 16, 16))).astype(np.uint8)
        chips = Chips(pixels, np.ones((48, 16, 16), bool))
        self.open_pools += 1
        try:
            for _ in range(2):
                yield Pool(chips, labels), self.recipe.steps
        finally:
            self.open_pools -= 1

    def score(self, encoder: Classifier) -> float:
        self.judged.append({name: value.clone() for name, value in encoder.network.state_dict().items()})
        return self.scores[len(self.judged) - 1]


def begin(scores: list[float], **options: Any) -> tuple[EmbedRun, loop.Lessons, Told]:
    small = {"epochs": len(scores), "steps": 2, "batch": 9, "output_size": 4, "patience": 99}
    recipe = EmbedRecipe(**{**small, **options})
    bands = tuple(BandContract(name, 1.0, 0.0, 113.0, 20.0) for name in ("red", "green", "blue"))
    card = ModelCard(
        *("small-cnn", (), {}, bands, "uint8", 10.0, (16, 16), {}, {}),
        settings={"output_size": 4, "norm_output": True},
        kind="embedder",
    )
    supply = Told(recipe, scores)
    lessons = loop.Lessons(recipe, card, supply, teacher_of(recipe, by_place=False))
    return start(start_embedding(card, "none", 0), recipe, CPU), lessons, supply


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize(
    ("scores", "best", "kept"),
    [
        ([0.5, 0.7, 0.6], [True, True, False], 1),
        ([0.5, 0.5, 0.4], [True, False, False], 0),  # the first of equal ones
        ([math.nan, math.nan, math.nan], [True, True, True], 2),  # where nobody judges, the last
    ],
)
def test_the_best_epoch_is_kept(scores: list[float], best: list[bool], kept: int):
    run, lessons, supply = begin(scores)
    seen: list[int] = []
    loop.fit(run, lessons, save_to=None, on_epoch=lambda rows: seen.append(len(rows)))
    assert seen == [1, 2, 3]
    assert [row.best for row in run.history] == best
    assert equal(run.best, supply.judged[kept])
    assert not equal(supply.judged[0], supply.judged[2])
    assert supply.open_pools == 0
    assert [row.epoch for row in run.history] == [1, 2, 3]


def test_it_stops_when_nothing_gets_better():
    run, lessons, _ = begin([0.5, 0.4, 0.4, 0.4, 0.9], patience=2)
    loop.fit(run, lessons, save_to=None)
    assert len(run.history) == 3


def test_what_is_judged_and_kept_is_the_running_mean():
    run, lessons, supply = begin([0.1, 0.2], ema=0.5)
    loop.fit(run, lessons, save_to=None)
    assert run.mean is not None
    mean = run.mean.values
    assert equal(supply.judged[-1], mean)
    assert equal(run.best, mean)
    assert not equal(run.network.state_dict(), mean)


def test_a_frozen_trunk_stands_still():
    run, lessons, supply = begin([0.1, 0.2, 0.3], freeze_epochs=2)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    loop.fit(run, lessons, save_to=None)

    def moved(after: dict[str, torch.Tensor]) -> set[str]:
        return {name for name, value in before.items() if not torch.equal(value, after[name])}

    assert moved(supply.judged[1])
    assert all("head" in name for name in moved(supply.judged[1])), moved(supply.judged[1])
    assert any("head" not in name for name in moved(supply.judged[2]))


def test_a_loss_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch):
    run, lessons, supply = begin([0.1])
    monkeypatch.setattr(loop, "_learn", lambda *_: (torch.tensor(torch.nan), 1.0))
    with pytest.raises(OptionError, match="the loss is no number any more; give a lower learning rate") as refused:
        loop.fit(run, lessons, save_to=None)
    assert "\n" not in str(refused.value)
    assert supply.open_pools == 0


def test_stopped_it_closes_its_pools_and_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch):
    run, lessons, supply = begin([0.1, 0.2])
    learn, steps = loop._learn, []

    def stopped(*given: Any) -> Any:
        steps.append(1)
        if len(steps) == 6:  # four steps an epoch
            raise KeyboardInterrupt
        return learn(*given)

    monkeypatch.setattr(loop, "_learn", stopped)
    loop.fit(run, lessons, save_to=None)
    assert run.interrupted
    assert len(run.history) == 1
    assert equal(run.best, supply.judged[0])
    assert supply.open_pools == 0


def test_the_loss_falls():
    run, lessons, _ = begin([0.1] * 5, steps=8, batch=24, augment="none", lr=3e-3)
    loop.fit(run, lessons, save_to=None)
    assert run.history[-1].train_loss < 0.5 * run.history[0].train_loss
    assert run.history[-1].active < run.history[0].active


def test_gradients_are_clipped():
    """Of gradients of next to no length nothing is learned, but that weights decay."""
    run, lessons, _ = begin([0.1], clip=1e-30, weight_decay=0.0, steps=1)
    before = {name: value.clone() for name, value in run.network.named_parameters()}
    loop.fit(run, lessons, save_to=None)
    assert all(torch.allclose(value, before[name], atol=1e-6) for name, value in run.network.named_parameters())
