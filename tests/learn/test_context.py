"""Chips side by side: laid and taken apart, and a network that learns amid others answers amid them as alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones, checkpoint, context, loop
from geolabel.learn.apart import Apart
from geolabel.learn.backbones.pooled import Pooled
from geolabel.learn.dense import Agreement
from geolabel.learn.recipe import Recipe
from geolabel.learn.run import Learner, start
from geolabel.model import Head
from tests.learn.lessons import RECIPE, of_pixels, train
from tests.learn.networks import plant

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.learn.lesson import Lesson
    from geolabel.learn.transforms import Normalise

MODEL = "small-cnn-reflect"
SIDE = 32


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(0, 2**16))
def test_what_is_laid_is_taken_apart(count: int, seed: int):
    chips = torch.arange(count * 3 * 2 * 4).float().view(count, 3, 2, 4)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    laid = context.lay(chips, order)
    assert abs(laid.shape[2] / 2 - laid.shape[3] / 4) <= 2
    assert torch.equal(context.take_apart(laid, order), chips)


def test_chips_lie_row_by_row_and_the_first_fill_the_rest():
    chips = torch.arange(7.0).view(7, 1, 1, 1)
    laid = context.lay(chips, torch.tensor([6, 4, 2, 0, 1, 3, 5]))
    assert laid[0, 0].tolist() == [[6, 4, 2, 0], [1, 3, 5, 6]]


class Pixels(Pooled):
    """Convolutions of 1 × 1: a place sees one pixel."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(2, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1))
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(8, classes)

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.trunk(chips))


@pytest.mark.parametrize("count", [1, 9, 14])
@pytest.mark.parametrize("frozen", [False, True])
def test_pixels_that_see_no_neighbour_answer_as_they_do_alone(count: int, frozen: bool):
    learner = Learner(plant(Apart([Pixels(2), Pixels(3)]))).eval()
    learner.frozen = frozen
    chips = torch.randn(count, 2, 8, 12).contiguous(memory_format=torch.channels_last)
    (expected,) = learner(chips)
    alone, amid = learner(chips, torch.randperm(count))
    assert amid.shape == (count, 5)
    assert torch.equal(alone, expected)
    torch.testing.assert_close(amid, expected, rtol=0, atol=1e-6)


def test_others_see_their_neighbours():
    learner = Learner(plant(backbones.build(MODEL, 2, 1))).eval()
    chips = torch.randn(9, 2, SIDE, SIDE)
    one, other = (learner(chips, order)[1] for order in (torch.arange(9), torch.arange(8, -1, -1)))
    assert (one[4] - other[4]).abs() > 1e-4  # the same place, other neighbours
    assert torch.equal(one, learner(chips, torch.arange(9))[1])


def test_both_ways_are_drawn_together_by_the_square_of_their_difference():
    alone, amid = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [3.0, 6.0]])
    assert context.difference(alone, amid) == (0 + 4 + 0 + 4) / 4


def _lesson(tiles: int = 120) -> tuple[Lesson, Normalise]:
    """Two bands of blobs and noise; the first is a little brighter where the class is there."""
    rng = np.random.default_rng(0)
    wanted = (rng.random((tiles, 1)) < 0.5).astype(np.float32)
    blobs = rng.normal(0, 12, (tiles, 2, SIDE // 8, SIDE // 8)).repeat(8, 2).repeat(8, 3)
    noise = rng.normal(100, 10, (tiles, 2, SIDE, SIDE))
    noise[:, 0] += 12 * wanted[:, :, None]
    return of_pixels((noise + blobs).clip(0, 255).astype("uint8"), wanted, (Head("h", "sigmoid", ("c",)),))


@pytest.mark.slow
def test_who_learned_amid_others_answers_amid_them_as_alone():
    task, normalise = _lesson(240)
    recipe = replace(RECIPE, model=MODEL)

    def agreement(recipe: Recipe) -> float:
        run = train(recipe, task, normalise)
        assert run.history[-1].val_average_precision > 0.8
        chips = normalise(*(torch.from_numpy(values[task.val]) for values in (task.chips.pixels, task.chips.valid)))
        learner = Learner(run.network).eval()
        with torch.inference_mode():
            ways = [learner(chips, torch.randperm(len(chips))) for _ in range(3)]
        return float(np.mean([Agreement.of(*(way.sigmoid().numpy() for way in pair)).r for pair in ways]))

    without, amid = agreement(recipe), agreement(replace(recipe, context=0.5))
    assert without < 0.85 < amid


EVERYTHING = replace(
    RECIPE,
    model=MODEL,
    batch=8,
    augment="all",
    mixup=0.2,
    ema=0.9,
    accumulate=2,
    freeze_epochs=1,
    dropout=0.3,
    context=0.5,
)


@pytest.mark.slow
def test_a_run_goes_on_from_its_checkpoint_as_if_never_stopped(tmp_path: Path):
    task, normalise = _lesson(48)
    whole = train(EVERYTHING, task, normalise)
    half = start(backbones.start(MODEL, 2, 1, "none", 0, dropout=0.3), task, EVERYTHING, torch.device("cpu"))

    def stop(history: object) -> None:
        if len(half.history) == 2:
            raise KeyboardInterrupt

    loop.fit(half, task, EVERYTHING, normalise, save_to=tmp_path / "c", on_epoch=stop)
    again = start(backbones.start(MODEL, 2, 1, "none", 7, dropout=0.3), task, EVERYTHING, torch.device("cpu"))
    checkpoint.restore(again, tmp_path / "c")
    loop.fit(again, task, EVERYTHING, normalise, save_to=tmp_path / "c")
    assert [replace(row, seconds=0) for row in again.history] == [replace(row, seconds=0) for row in whole.history]
    for name, value in whole.best.items():
        assert torch.equal(again.best[name], value), name


def test_in_frozen_epochs_only_the_head_changes():
    task, normalise = _lesson(48)
    before = backbones.start(MODEL, 2, 1, "none", 0, dropout=0.3).state_dict()
    run = train(replace(EVERYTHING, epochs=1), task, normalise)
    changed = {name for name, value in run.network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}


@pytest.mark.parametrize("model", ["small-cnn", "cnn", "squeezenet1_1", "vit_tiny_patch16_224"])
def test_networks_that_know_where_a_tile_ends_are_refused(model: str):
    task, _ = _lesson(6)
    network = backbones.build(model, 2, 1, tile_px=(SIDE, SIDE))
    with pytest.raises(OptionError, match=r"^--context: .*; leave it out, or take --model small-cnn-reflect"):
        start(network, task, replace(RECIPE, context=0.1), torch.device("cpu"))


def test_which_tiles_fit():
    network = backbones.build(MODEL, 2, 1)
    context.check(network, (2, 48, 32))
    assert network.training
    with pytest.raises(OptionError, match="40 × 32 px are no multiple of its own stride, 16 px"):
        context.check(network, (2, 32, 40))


def test_some_batches_are_seen_tile_by_tile():
    with pytest.raises(OptionError, match="--context must lie from 0 up to below 1"):
        Recipe(context=1.0)
