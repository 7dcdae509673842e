"""Synthetic sets whose answer is known, and what a way of learning makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import average_precision_score, f1_score

from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips
from geolabel.learn.heads import probabilities
from geolabel.learn.lesson import Lesson
from geolabel.learn.recipe import Recipe
from geolabel.learn.run import start
from geolabel.learn.transforms import Normalise, band_contracts, to_tensor
from geolabel.model import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from geolabel.learn.haze import DarkChannel
    from geolabel.learn.history import Epoch

SIZE, MARK = 16, 5
CPU = torch.device("cpu")
RECIPE = Recipe(
    model="cnn", epochs=4, batch=16, weight_decay=0.01, patience=99, dropout=0.1, augment="none", precision="fp32"
)
"""What all comparisons start from; the plain way, to be beaten."""


def independent(count: int) -> tuple[Head, ...]:
    """One head of `count` classes that know nothing of each other."""
    return (Head("land", "sigmoid", tuple(f"c{at}" for at in range(count))),)


def mark(kind: int, seed: int = 0) -> np.ndarray:
    """What a class looks like: (3, 5, 5) of 1 and −1, of mean 0 in each band, so that no mean colour tells it."""
    rng = np.random.default_rng([kind, seed, 77])
    signs = np.where(np.arange(MARK * MARK) % 2, 1.0, -1.0)
    return np.stack([rng.permutation(signs) for _ in range(3)]).reshape(3, MARK, MARK)


def paint(
    shown: np.ndarray, seed: int, *, strength: float, size: tuple[int, int] = (SIZE, SIZE), noise: float = 12.0
) -> np.ndarray:
    """Chips (n, 3, h, w), uint8: noise of deviation 12, and somewhere the mark of each class shown (n, classes)."""
    rng = np.random.default_rng(seed)
    height, width = size
    pixels = rng.normal(120, noise, (len(shown), 3, height, width))
    tiles = np.arange(len(shown))[:, None, None]
    for kind in range(shown.shape[1]):
        row = rng.integers(0, height - MARK + 1, len(shown))[:, None, None] + np.arange(MARK)[None, :, None]
        col = rng.integers(0, width - MARK + 1, len(shown))[:, None, None] + np.arange(MARK)[None, None, :]
        painted = strength * noise * shown[:, kind, None, None, None] * mark(kind)
        for band in range(3):
            pixels[tiles, band, row, col] += painted[:, band]
    return pixels.clip(0, 255).astype("uint8")


def drawn(shares: Sequence[float], count: int, seed: int) -> np.ndarray:
    """Which of independent classes are there: (count, classes), 0 or 1."""
    return (np.random.default_rng([seed, 5]).random((count, len(shares))) < np.asarray(shares)).astype(np.float32)


@dataclass(frozen=True)
class Planted:
    """Chips whose truth is known; some to learn, some to choose the epoch by, some to judge by."""

    pixels: np.ndarray
    """(n, bands, h, w)."""
    truth: np.ndarray
    """(n, classes): 1 present, 0 absent."""
    heads: tuple[Head, ...]
    train: int
    """Tiles that train: the first ones."""
    val: int
    """The next ones; all others are for the test."""
    told: np.ndarray | None = None
    """What the labels say, where that is not the truth: (n, classes), NaN unknown."""
    weights: np.ndarray | None = None

    @property
    def judged(self) -> np.ndarray:
        """The truth of the test tiles."""
        return self.truth[self.train + self.val :]

    def lesson(self) -> Lesson:
        rows = np.arange(self.train + self.val)
        told = self.truth if self.told is None else self.told
        weights = np.ones(len(self.pixels), np.float32) if self.weights is None else self.weights
        chips = Chips(self.pixels, np.ones((len(self.pixels), *self.pixels.shape[2:]), bool))
        return Lesson(chips, told, self.truth, weights, rows[: self.train], rows[self.train :], self.heads)


@dataclass(frozen=True)
class Found:
    """What a network says of the test tiles, and how it came to it."""

    truth: np.ndarray
    told: np.ndarray
    """Probabilities (n, classes)."""
    network: torch.nn.Module
    history: Sequence[Epoch] = field(default=())

    def average_precision(self, *classes: int) -> float:
        """Mean over classes, all where none is named."""
        at = classes or range(self.truth.shape[1])
        return float(np.mean([average_precision_score(self.truth[:, one], self.told[:, one]) for one in at]))

    def f1(self, *classes: int, threshold: float = 0.5) -> float:
        """Mean F1 at a threshold."""
        at = classes or range(self.truth.shape[1])
        found = self.told >= threshold
        return float(np.mean([f1_score(self.truth[:, one], found[:, one], zero_division=0) for one in at]))


def learn(
    planted: Planted,
    recipe: Recipe,
    *,
    network: torch.nn.Module | None = None,
    weights: str = "none",
    haze: DarkChannel | None = None,
) -> Found:
    """Train as `geolabel train` does, and ask the best epoch about the test tiles."""
    lesson = planted.lesson()
    bands = planted.pixels.shape[1]
    names = ("red", "green", "blue")[:bands]
    contracts = band_contracts(lesson.chips, lesson.train, names, (1.0,) * bands, (0.0,) * bands)
    normalise = Normalise(contracts, haze, (0, 1, 2) if haze else ())
    network = network or backbones.start(
        recipe.model, bands, planted.truth.shape[1], weights, recipe.seed, dropout=recipe.dropout
    )
    run = start(network, lesson, recipe, CPU)
    loop.fit(run, lesson, recipe, normalise, save_to=None)
    last = run.weights()
    run.network.load_state_dict(run.best)
    asked = planted.pixels[planted.train + planted.val :]
    with torch.inference_mode():
        valid = torch.ones((len(asked), *asked.shape[2:]), dtype=torch.bool)
        logits = run.network.eval()(normalise(to_tensor(asked, CPU), valid))
    return Found(planted.judged, probabilities(logits, planted.heads).numpy(), run.network, tuple(run.history))


def compare(
    make: Callable[[int], Planted],
    ways: Sequence[Recipe],
    judge: Callable[[Found], float],
    seeds: Sequence[int],
) -> list[float]:
    """The mean score of each way over sets and starts of several seeds."""
    return [
        float(np.mean([judge(learn(make(seed), replace(way, seed=seed))) for seed in seeds])) for way in ways
    ]
