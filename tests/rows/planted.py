"""Synthetic sets whose answer is known, and what a way of learning makes of them."""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from geolabel.learn.haze import DarkChannel
    from geolabel.learn.history import Epoch

SIZE, MARK, NOISE = 16, 5, 12.0
CPU = torch.device("cpu")
RECIPE = Recipe(
    model="cnn", epochs=4, batch=16, weight_decay=0.01, patience=99, dropout=0.1, augment="none", precision="fp32"
)
"""The plain way, to be beaten."""


def independent(count: int) -> tuple[Head, ...]:
    """One head of `count` classes that know nothing of each other."""
    return (Head("land", "sigmoid", tuple(f"c{at}" for at in range(count))),)


def exclusive(count: int) -> tuple[Head, ...]:
    """One head of `count` classes of which each tile shows one."""
    return (Head("sky", "softmax", tuple(f"s{at}" for at in range(count))),)


def drawn(shares: Sequence[float], count: int, seed: int) -> np.ndarray:
    """Which of independent classes are there: (count, classes), 0 or 1."""
    return (np.random.default_rng([seed, 5]).random((count, len(shares))) < np.asarray(shares)).astype(np.float32)


def drawn_one(shares: Sequence[float], count: int, seed: int) -> np.ndarray:
    """Which of exclusive classes is there: (count, classes), one 1 in each row."""
    chosen = np.random.default_rng([seed, 6]).choice(len(shares), count, p=shares)
    return np.eye(len(shares), dtype=np.float32)[chosen]


def mark(kind: int) -> np.ndarray:
    """What a class looks like: (3, 5, 5) of 1 and −1, nearly of mean 0, so that no mean colour tells it."""
    rng = np.random.default_rng([kind, 0, 77])
    signs = np.where(np.arange(MARK * MARK) % 2, 1.0, -1.0)
    return np.stack([rng.permutation(signs) for _ in range(3)]).reshape(3, MARK, MARK)


def paint(shown: np.ndarray, seed: int, strength: float, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Chips (n, 3, h, w), uint8: noise, and at a random place the mark of each class shown (n, classes).

    `strength`: of the mark, in deviations of the noise.
    """
    rng = np.random.default_rng(seed)
    height, width = size
    pixels = rng.normal(120, NOISE, (len(shown), 3, height, width))
    tiles = np.arange(len(shown))[:, None, None]
    for kind in range(shown.shape[1]):
        row = rng.integers(0, height - MARK + 1, len(shown))[:, None, None] + np.arange(MARK)[None, :, None]
        col = rng.integers(0, width - MARK + 1, len(shown))[:, None, None] + np.arange(MARK)[None, None, :]
        painted = strength * NOISE * shown[:, kind, None, None, None] * mark(kind)
        for band in range(3):
            pixels[tiles, band, row, col] += painted[:, band]
    return pixels.clip(0, 255).astype("uint8")


def flat(levels: np.ndarray, seed: int) -> np.ndarray:
    """Chips (n, 3, 16, 16), uint8, each of one colour (n, 3) but for some noise."""
    noise = np.random.default_rng([seed, 8]).normal(0, 6, (len(levels), 3, SIZE, SIZE))
    return (levels[:, :, None, None] + noise).clip(0, 255).astype("uint8")


@dataclass(frozen=True)
class Planted:
    """Chips whose truth is known: the first train, the next choose the epoch, all others judge."""

    pixels: np.ndarray
    """(n, bands, h, w)."""
    truth: np.ndarray
    """(n, classes): 1 present, 0 absent."""
    heads: tuple[Head, ...]
    train: int
    val: int
    told: np.ndarray | None = None
    """What the labels say, where that is not the truth: (n, classes), NaN unknown."""
    weights: np.ndarray | None = None
    """How much each tile counts: (n,)."""

    def lesson(self) -> Lesson:
        """As training sees it."""
        rows = np.arange(self.train + self.val)
        told = self.truth if self.told is None else self.told
        weights = np.ones(len(self.pixels), np.float32) if self.weights is None else self.weights
        chips = Chips(self.pixels, np.ones((len(self.pixels), *self.pixels.shape[2:]), bool))
        return Lesson(chips, told, self.truth, weights, rows[: self.train], rows[self.train :], self.heads)

    @property
    def training(self) -> np.ndarray:
        """Which tiles train: (n,)."""
        return np.arange(len(self.pixels)) < self.train


def marked(
    seed: int, shares: Sequence[float], train: int, strength: float, *, size: tuple[int, int] = (SIZE, SIZE)
) -> Planted:
    """Independent classes, each a mark that lies somewhere in the tile."""
    truth = drawn(shares, train + 500, seed)
    return Planted(paint(truth, seed, strength, size), truth, independent(len(shares)), train, 100)


def tinted(
    seed: int, shares: Sequence[float], gap: float, *, train: int = 400, val: int = 200, test: int = 600
) -> Planted:
    """Independent classes, each `gap` more of one colour, which differs by 12 between tiles anyhow: they overlap."""
    truth = drawn(shares, train + val + test, seed)
    levels = 110 + np.random.default_rng(seed).normal(0, NOISE, (len(truth), 3))
    levels[:, : truth.shape[1]] += gap * truth
    return Planted(flat(levels, seed), truth, independent(len(shares)), train, val)


def elsewhere(seed: int, *, wrong: float = 0.0) -> Planted:
    """Forty tiles of a darker place, where the marks of 0 and 1 are fainter; a share of their labels is wrong."""
    truth = drawn((0.4, 0.4), 540, seed)
    pixels = paint(truth, seed + 7, 1.5) // 2 + 60
    flipped = np.random.default_rng(seed).random(truth.shape) < wrong
    flipped[40:] = False
    return Planted(pixels, truth, independent(2), 40, 100, told=np.where(flipped, 1 - truth, truth))


@dataclass(frozen=True)
class Found:
    """What a network says of tiles, and how it came to it."""

    truth: np.ndarray
    """Of the test tiles: (n, classes)."""
    told: np.ndarray
    """Probabilities (n, classes) of the test tiles, by the best epoch."""
    last: np.ndarray
    """The same by the last epoch."""
    val: np.ndarray
    """Of the validation tiles, by the best epoch."""
    history: tuple[Epoch, ...]
    network: torch.nn.Module

    @property
    def average_precision(self) -> float:
        """Mean over classes."""
        return average_precision(self.truth, self.told)

    def f1(self, thresholds: float | np.ndarray = 0.5) -> float:
        """Mean over classes."""
        found = self.told >= thresholds
        return float(np.mean([f1_score(*pair, zero_division=0) for pair in zip(self.truth.T, found.T, strict=True)]))

    def right(self, classes: slice = slice(None)) -> np.ndarray:
        """Where the likeliest of exclusive classes is the true one: (n,)."""
        return self.told[:, classes].argmax(axis=1) == self.truth[:, classes].argmax(axis=1)


def average_precision(truth: np.ndarray, told: np.ndarray) -> float:
    """Mean over classes."""
    return float(np.mean([average_precision_score(*pair) for pair in zip(truth.T, told.T, strict=True)]))


def learn(
    planted: Planted,
    recipe: Recipe,
    *,
    network: torch.nn.Module | None = None,
    weights: object = "none",
    haze: DarkChannel | None = None,
) -> Found:
    """Train as `geolabel train` does, and ask about the test tiles."""
    lesson = planted.lesson()
    contracts = band_contracts(lesson.chips, lesson.train, ("red", "green", "blue"), (1.0,) * 3, (0.0,) * 3)
    normalise = Normalise(contracts, haze, (0, 1, 2) if haze else ())
    network = network or backbones.start(
        recipe.model, 3, planted.truth.shape[1], str(weights), recipe.seed, dropout=recipe.dropout
    )
    run = start(network, lesson, recipe, CPU)
    loop.fit(run, lesson, recipe, normalise, save_to=None)
    asked = planted.pixels[planted.train :]
    with torch.inference_mode():
        seen = normalise(to_tensor(asked, CPU), torch.ones((len(asked), *asked.shape[2:]), dtype=torch.bool))
        last = probabilities(run.network.eval()(seen), planted.heads).numpy()
        run.network.load_state_dict(run.best)
        best = probabilities(run.network(seen), planted.heads).numpy()
    truth, val = planted.truth[planted.train + planted.val :], planted.val
    return Found(truth, best[val:], last[val:], best[:val], tuple(run.history), run.network)


def average(trial: Callable[[int], Mapping[str, float]], seeds: Iterable[int] = (0, 1)) -> dict[str, float]:
    """The mean of each number of a trial over some seeds, of sets and starts alike."""
    found = [trial(seed) for seed in seeds]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
