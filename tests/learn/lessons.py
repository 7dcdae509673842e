"""Lessons whose answer is known, and a run over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips
from geolabel.learn.lesson import Lesson
from geolabel.learn.recipe import Recipe
from geolabel.learn.run import Run, start
from geolabel.learn.transforms import Normalise, band_contracts
from geolabel.model import Head

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(epochs=3, batch=16, weight_decay=0.01, patience=5, augment="none", precision="fp32")


def lesson(*, noise: bool = False, tiles: int = 120) -> tuple[Lesson, Normalise]:
    """Two bands of noise, the first a little brighter where the class is there."""
    rng = np.random.default_rng(0)
    wanted = (rng.random((tiles, 1)) < 0.5).astype(np.float32)
    pixels = rng.normal(100, 10, (tiles, 2, 16, 16)) + (0 if noise else 15 * wanted[:, :, None, None])
    return of_pixels(pixels.astype("uint8"), wanted, (Head("h", "sigmoid", ("c",)),))


def of_pixels(
    pixels: np.ndarray, targets: np.ndarray, heads: tuple[Head, ...], *, val: np.ndarray | None = None
) -> tuple[Lesson, Normalise]:
    """The first two thirds train, the rest validates; `val` (n, classes) is what the rest is judged by."""
    chips = Chips(pixels, np.ones((len(pixels), *pixels.shape[2:]), bool))
    rows = np.arange(len(pixels))
    cut = 2 * len(rows) // 3
    count = pixels.shape[1]
    bands = band_contracts(chips, rows[:cut], "abcdef"[:count], (1.0,) * count, (0.0,) * count)
    truth = targets if val is None else val
    task = Lesson(chips, targets, truth, np.ones(len(rows), np.float32), rows[:cut], rows[cut:], heads)
    return task, Normalise(bands)


def train(
    recipe: Recipe,
    task: Lesson,
    normalise: Normalise,
    save_to: Path | None = None,
    network: torch.nn.Module | None = None,
) -> Run:
    bands = task.chips.pixels.shape[1]
    network = network or backbones.start(
        recipe.model, bands, len(task.names), "none", recipe.seed, dropout=recipe.dropout
    )
    run = start(network, task, recipe, torch.device("cpu"))
    loop.fit(run, task, recipe, normalise, save_to=save_to)
    return run
