"""The loop learns, counts its epochs as it should, and stops when nothing gets better."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips
from geolabel.learn.transforms import Normalise, band_contracts
from geolabel.model import Head

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = loop.Recipe(epochs=3, batch=16, lr=1e-3, weight_decay=0.01, patience=5, augment=False, seed=0)


def lesson(*, noise: bool = False) -> tuple[loop.Lesson, Normalise]:
    rng = np.random.default_rng(0)
    wanted = (rng.random((120, 1)) < 0.5).astype(np.float32)
    pixels = rng.normal(100, 10, (120, 2, 16, 16)) + (0 if noise else 15 * wanted[:, :, None, None])
    chips = Chips(pixels.astype("uint8"), np.ones((120, 16, 16), bool))
    rows = np.arange(120)
    bands = band_contracts(chips, rows[:80], ("a", "b"), (1, 1), (0, 0))
    return loop.Lesson(chips, wanted, rows[:80], rows[80:], (Head("h", "sigmoid", ("c",)),)), Normalise(bands)


def train(recipe: loop.Recipe, folder: Path, *, noise: bool = False) -> loop.Run:
    task, normalise = lesson(noise=noise)
    network = backbones.start("small-cnn", 2, 1, "none", recipe.seed)
    run = loop.start(network, task, recipe, torch.device("cpu"))
    loop.fit(run, task, recipe, normalise, checkpoint=folder / "c.ckpt", on_epoch=lambda _: None)
    return run


def test_a_plain_difference_is_learned(tmp_path: Path):
    run = train(RECIPE, tmp_path)
    assert run.history[-1].val_average_precision > 0.95
    assert run.history[-1].train_loss < run.history[0].train_loss


def test_noise_is_not_learned_and_the_loop_stops_early(tmp_path: Path):
    run = train(replace(RECIPE, epochs=40, patience=2), tmp_path, noise=True)
    assert len(run.history) < 40
    assert run.stale() == 2
    best = max(run.history, key=lambda row: row.val_average_precision)
    assert best.best
    assert best.val_average_precision < 0.9


def test_few_tiles_are_seen_more_than_once_an_epoch_each_as_often():
    rows = np.arange(100, 110)
    order = loop._order(rows, 4, torch.Generator().manual_seed(0))
    assert len(order) == 32 * 4
    counts = np.bincount(order - 100)
    assert counts.max() - counts.min() <= 1
    many = loop._order(np.arange(1000), 10, torch.Generator().manual_seed(0))
    assert sorted(many) == list(range(1000))


def test_the_rate_rises_then_falls_to_nothing():
    rates = [loop._schedule(done) for done in np.linspace(0, 1, 101)]
    assert rates[0] < 0.05
    assert max(rates) == rates[5]
    assert rates[-1] < 1e-6
    assert rates[5:] == sorted(rates[5:], reverse=True)
