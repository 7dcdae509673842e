"""Explanations point at the mine: a model that learned one synthetic world is asked about another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from geolabel.learn.explain import METHODS, Settings, deletion_check, explain, points_at
from geolabel.learn.forward import Classifier, make_classifier
from geolabel.learn.transforms import band_contracts
from geolabel.model import Head, ModelCard
from geolabel.world import BANDS, CLASSES, Scene, make_world
from tests.learn.explain.planted import Near
from tests.learn.lessons import RECIPE, of_pixels, train

MINE = next(one.code for one in CLASSES if one.name == "quarry")
SIDE = 48
TOLERANCE_PX = 2
"""One in 24 of a tile's side; the game's inventors allow 15 px, about as much of their pictures."""


@dataclass(frozen=True)
class Found:
    """Tiles in which a model found a mine."""

    model: Classifier
    pixels: np.ndarray
    mine: np.ndarray
    """(n, h, w): where it lies."""


def tiles(scene: Scene, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, bands, h, w) of tiles without gaps, and where mines are (n, h, w)."""
    starts = range(0, scene.truth.shape[0] - SIDE + 1, stride)
    windows = [(slice(row, row + SIDE), slice(col, col + SIDE)) for row in starts for col in starts]
    windows = [window for window in windows if scene.valid[window].all()]
    pixels = np.stack([scene.image[:, *window] for window in windows])
    return pixels, np.stack([scene.truth[window] == MINE for window in windows])


@pytest.fixture(scope="module")
def found() -> Found:
    heads = (Head("mine", "sigmoid", ("mine",)),)
    worlds = [make_world(640, seed) for seed in (3, 11)]
    parts = [tiles(scene, 32) for world in worlds for scene in (world.before, world.after)]
    pixels, mine = (np.concatenate(part) for part in zip(*parts, strict=True))
    share = mine.mean(axis=(1, 2))
    order = np.random.default_rng(0).permutation(np.flatnonzero((share == 0) | (share > 0.03)))
    task, normalise = of_pixels(pixels[order], (share[order] > 0).astype("float32")[:, None], heads)
    torch.manual_seed(0)
    network = Near(len(BANDS), 1)
    train(replace(RECIPE, epochs=8, batch=32), task, normalise, network=network)
    bands = band_contracts(task.chips, task.train, BANDS, (1.0,) * 4, (0.0,) * 4)
    told = ModelCard("near", heads, {}, bands, "uint16", 10.0, (SIDE, SIDE), {"mine": 0.03}, {"mine": 0.5})
    model = make_classifier(told, network, torch.device("cpu"))
    pixels, mine = tiles(make_world(640, 7).after, 24)
    share = mine.mean(axis=(1, 2))
    says = model(pixels, np.ones((len(pixels), SIDE, SIDE), bool))[:, 0] > 0.5
    assert says[share == 0].mean() < 0.1, "few false alarms"
    chosen = np.flatnonzero(says & (share > 0.03) & (share < 0.5))[:20]
    assert len(chosen) == 20
    return Found(model, pixels[chosen], mine[chosen])


def of_tiles(found: Found, method: str) -> list[np.ndarray]:
    valid = np.ones((SIDE, SIDE), bool)
    if method == "chance":
        rng = np.random.default_rng(0)
        return [gaussian_filter(rng.normal(size=valid.shape), 4) for _ in found.pixels]
    return [explain(found.model, pixels, valid, [0], method, Settings(samples=200))[0] for pixels in found.pixels]


@pytest.mark.parametrize("method", [*METHODS, "chance"])
def test_explanations_point_at_the_mine_and_chance_does_not(found: Found, method: str):
    maps = of_tiles(found, method)
    hits = np.mean([points_at(*pair, TOLERANCE_PX) for pair in zip(maps, found.mine, strict=True)])
    valid = np.ones((SIDE, SIDE), bool)
    checks = [
        deletion_check(found.model, pixels, valid, one, 0, seed=0)
        for pixels, one in zip(found.pixels[:10], maps, strict=False)
    ]
    meaningful = np.mean([check.meaningful for check in checks])
    if method == "chance":
        assert hits < 0.6
        assert meaningful < 0.2
    else:
        assert hits >= 0.8
        assert meaningful > 0.5
