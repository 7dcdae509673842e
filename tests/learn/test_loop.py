"""The loop learns, counts its epochs as it should, stops when nothing gets better, and goes on exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from geolabel.errors import InputError, OptionError
from geolabel.learn import backbones, checkpoint, loop
from geolabel.learn.history import stale
from geolabel.learn.run import batches_an_epoch, start
from tests.learn.lessons import RECIPE, lesson, train

if TYPE_CHECKING:
    from pathlib import Path


def test_a_plain_difference_is_learned():
    run = train(RECIPE, *lesson())
    assert run.history[-1].val_average_precision > 0.95
    assert run.history[-1].train_loss < run.history[0].train_loss


def test_noise_is_not_learned_and_the_loop_stops_early():
    run = train(replace(RECIPE, epochs=40, patience=2), *lesson(noise=True))
    assert len(run.history) < 40
    assert stale(run.history) == 2
    best = max(run.history, key=lambda row: row.val_average_precision)
    assert best.best
    assert best.val_average_precision < 0.9


def test_few_tiles_are_seen_more_than_once_an_epoch_and_steps_are_whole():
    assert batches_an_epoch(10, replace(RECIPE, batch=4)) == 32
    assert batches_an_epoch(1000, replace(RECIPE, batch=10)) == 100
    assert batches_an_epoch(1000, replace(RECIPE, batch=10, accumulate=3)) == 102


EVERYTHING = replace(
    RECIPE,
    augment="all",
    mixup=0.2,
    ema=0.9,
    clip=1.0,
    accumulate=2,
    balance="sampler",
    layer_decay=0.7,
    freeze_epochs=1,
    dropout=0.3,
    epochs=4,
)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "one-cycle", "plateau"])
def test_a_run_goes_on_from_its_checkpoint_as_if_never_stopped(tmp_path: Path, schedule: str):
    recipe = replace(EVERYTHING, schedule=schedule)
    task, normalise = lesson()
    whole = train(recipe, task, normalise)
    half = start(backbones.start("small-cnn", 2, 1, "none", 0, dropout=0.3), task, recipe, torch.device("cpu"))

    def stop(history: object) -> None:
        if len(half.history) == 2:
            raise KeyboardInterrupt

    loop.fit(half, task, recipe, normalise, save_to=tmp_path / "c", on_epoch=stop)
    assert half.interrupted
    torch.manual_seed(99)  # another process has other random numbers
    again = start(backbones.start("small-cnn", 2, 1, "none", 7, dropout=0.3), task, recipe, torch.device("cpu"))
    checkpoint.restore(again, tmp_path / "c")
    loop.fit(again, task, recipe, normalise, save_to=tmp_path / "c")
    assert [replace(row, seconds=0) for row in again.history] == [replace(row, seconds=0) for row in whole.history]
    for name, value in whole.best.items():
        assert torch.equal(again.best[name], value), name


def test_a_checkpoint_of_another_network_or_a_damaged_one_is_refused(tmp_path: Path):
    task, normalise = lesson()
    train(RECIPE, task, normalise, tmp_path / "c")
    other = start(backbones.start("cnn", 2, 1, "none", 0), task, RECIPE, torch.device("cpu"))
    with pytest.raises(InputError, match="another network"):
        checkpoint.restore(other, tmp_path / "c")
    (tmp_path / "c").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="damaged"):
        checkpoint.restore(other, tmp_path / "c")


def test_in_frozen_epochs_only_the_head_changes():
    task, normalise = lesson()
    recipe = replace(RECIPE, epochs=1, freeze_epochs=1)
    before = backbones.start("small-cnn", 2, 1, "none", 0).state_dict()
    run = train(recipe, task, normalise)
    changed = {name for name, value in run.network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}
    later = train(replace(recipe, epochs=2), task, normalise).network.state_dict()
    assert not torch.equal(later["stem.0.weight"], before["stem.0.weight"])


def test_the_running_mean_is_what_is_judged_and_kept():
    task, normalise = lesson()
    run = train(replace(RECIPE, ema=0.99), task, normalise)
    assert run.mean is not None
    mean = run.weights()
    assert not torch.equal(mean["head.weight"], run.network.state_dict()["head.weight"])
    assert torch.equal(mean["head.weight"], run.mean.values["head.weight"])


def test_accumulated_batches_learn_what_one_large_batch_does():
    """Without batch norm, two batches of 8 are one of 16."""
    task, normalise = lesson(tiles=768)
    recipe = replace(RECIPE, epochs=1, lr=1e-3)

    def plain() -> torch.nn.Module:
        torch.manual_seed(0)
        layers = (torch.nn.Conv2d(2, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Sequential(*layers, torch.nn.Linear(8, 1))

    large = train(replace(recipe, batch=16), task, normalise, network=plain())
    small = train(replace(recipe, batch=8, accumulate=2), task, normalise, network=plain())
    for name, value in large.network.state_dict().items():
        assert torch.allclose(value, small.network.state_dict()[name], atol=2e-5), name


def test_a_loss_that_is_no_number_ends_in_a_sentence():
    with pytest.raises(OptionError, match="--lr"):
        train(replace(RECIPE, lr=1e30), *lesson())


def test_an_error_in_the_feeding_thread_is_told():
    task, normalise = lesson()
    broken = replace(task, train=np.array([10**6] * 40))
    with pytest.raises(IndexError):
        train(RECIPE, broken, normalise)


def test_bfloat16_learns_too():
    run = train(replace(RECIPE, precision="bf16"), *lesson())
    assert run.history[-1].val_average_precision > 0.95
    assert next(run.network.parameters()).dtype == torch.float32


def test_a_class_that_is_unknown_everywhere_on_val_does_not_decide_the_best_epoch():
    task, normalise = lesson()
    blind = replace(task, truth=np.full_like(task.truth, np.nan))
    run = train(replace(RECIPE, epochs=2), blind, normalise)
    assert all(math.isnan(row.val_average_precision) for row in run.history)
    assert run.best
