"""Explanations: seconds a tile, whether they point at the mine, and whether they beat chance.

Seconds: untrained networks of four bands, one tile at a time, two threads; beside them one answer of the network, and
the deletion check (41 orders in 8 steps, the whole and the empty tile answered once). Pointing: `small-cnn` learns
two made-up worlds tile by tile (64 px: is there a mine?) and is asked about a third, where the mines' outlines are
known; the most relevant pixel must lie in a mine, or within 2 px of one. Beside it: a map of smooth noise, and the
middle of the tile. Deletion: area under the class's probability while the tile is removed, most relevant first, less
that of the same map moved at random; on the made-up tiles, and on chips of amazon_mining.py's test part (run that
first) by the built-in model, which learned from none of them: forty of its detections, from the surest to the least
sure.

Run: python benchmarks/explain.py [--repeats 3] [--asked 40] [--methods …] [--json FILE] (parts: seconds, world, chips)
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as the command line does

import torch
from measured import Result, add_json, write_json
from memory import Case, untrained
from scipy.ndimage import gaussian_filter

from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.explain import METHODS, Settings, deletion_check, explain, points_at
from geolabel.learn.forward import make_classifier
from geolabel.learn.lesson import Lesson
from geolabel.learn.recipe import Recipe
from geolabel.learn.run import start
from geolabel.learn.store import load_predictor
from geolabel.learn.transforms import Normalise, band_contracts
from geolabel.model import Head, ModelCard
from geolabel.progress import quiet
from geolabel.steps.models import find_model
from geolabel.tiling.index import LABEL_PREFIX, read_index
from geolabel.world import BANDS, CLASSES, Scene, make_world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

OUT = Path(__file__).parent / "out"
MINE = next(one.code for one in CLASSES if one.name == "quarry")
SIDE, STRIDE, TOLERANCE_PX, ASKED = 64, 32, 2, 40
LEAST_SHARE, MOST_SHARE = 0.02, 0.5
"""Of a tile that a mine covers, for the tile to count: less is hardly a mine, and with more any place points at one."""
CPU = torch.device("cpu")


def seconds(repeats: int) -> None:
    """A row a network and method."""
    for architecture, side in (("resnet18", 256), ("small-cnn", 64), ("small-cnn", 48)):
        case = Case(side, "whole", architecture, side, side, 2)
        if not case.model.exists():
            untrained(case)
        tell_seconds(f"{architecture}, {side} px", load_predictor(case.model, CPU), side, repeats)


def tell_seconds(name: str, model: Predictor, side: int, repeats: int) -> None:
    """Of one network."""
    rng = np.random.default_rng(0)
    pixels, valid = rng.integers(500, 2500, (4, side, side)).astype(np.uint16), np.ones((side, side), bool)
    noise = gaussian_filter(rng.normal(size=valid.shape), 4)
    once = clock(lambda: model(pixels[None], valid[None]), repeats)
    print(f"\n{name}: one answer {once * 1e3:.1f} ms")
    works: dict[str, Callable[[], Any]] = {
        way: partial(explain, model, pixels, valid, [0], way, Settings()) for way in METHODS
    }
    works["the check"] = partial(deletion_check, model, pixels, valid, noise, 0, seed=0)
    for way, work in works.items():
        took = clock(work, repeats)
        print(f"  {way:22}{took * 1e3:9.0f} ms{took / once:8.0f} answers", flush=True)


def clock(work: Callable[[], Any], repeats: int) -> float:
    """Median seconds, after a first time that does not count."""
    work()
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def tiles_of(scene: Scene) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels (n, bands, h, w), and where mines are (n, h, w)."""
    starts = range(0, scene.truth.shape[0] - SIDE + 1, STRIDE)
    windows = [(slice(row, row + SIDE), slice(col, col + SIDE)) for row in starts for col in starts]
    windows = [window for window in windows if scene.valid[window].all()]
    return np.stack([scene.image[:, *at] for at in windows]), np.stack([scene.truth[at] == MINE for at in windows])


def learned(architecture: str, epochs: int) -> Predictor:
    """A model of made-up tiles: whether there is a mine."""
    scenes = [scene for seed in (3, 11) for world in [make_world(1024, seed)] for scene in (world.before, world.after)]
    pixels, mine = (np.concatenate(part) for part in zip(*map(tiles_of, scenes), strict=True))
    share = mine.mean(axis=(1, 2))
    rng = np.random.default_rng(0)
    there, none = np.flatnonzero(share > LEAST_SHARE), np.flatnonzero(share == 0)
    rows = rng.permutation(np.concatenate([there, rng.choice(none, min(len(none), 3 * len(there)), replace=False)]))
    chips = Chips(pixels[rows], np.ones((len(rows), SIDE, SIDE), bool))
    targets = (share[rows] > 0).astype(np.float32)[:, None]
    cut = 4 * len(rows) // 5
    bands = band_contracts(chips, np.arange(cut), BANDS, (1.0,) * len(BANDS), (0.0,) * len(BANDS))
    head = (Head("mine", "sigmoid", ("mine",)),)
    weights = np.ones(len(rows), np.float32)
    task = Lesson(chips, targets, targets, weights, np.arange(cut), np.arange(cut, len(rows)), head)
    recipe = Recipe(epochs=epochs, batch=32, augment="dihedral", precision="fp32")
    torch.manual_seed(0)
    network = backbones.start(architecture, len(BANDS), 1, "none", 0, tile_px=(SIDE, SIDE))
    run = start(network, task, recipe, CPU)
    loop.fit(run, task, recipe, Normalise(bands), save_to=None)
    card = ModelCard(architecture, head, {}, bands, "uint16", 10.0, (SIDE, SIDE), {"mine": 0.2}, {"mine": 0.5})
    return make_classifier(card, network, CPU)


def world(epochs: int, asked: int, methods: Sequence[str]) -> list[Result]:
    """Pointing and deletion where the truth is known."""
    test, mine = tiles_of(make_world(1024, 7).after)
    valid = np.ones((SIDE, SIDE), bool)
    model = learned("small-cnn", epochs)
    says = model(test, np.repeat(valid[None], len(mine), axis=0))[:, 0] > model.card.thresholds["mine"]
    share = mine.mean(axis=(1, 2))
    there = share > LEAST_SHARE
    sure = np.flatnonzero(says & there & (share < MOST_SHARE))[:asked]
    print(f"\nmade-up: finds {says[there].mean():.0%}, false alarms {says[share == 0].mean():.1%}; {len(sure)} tiles")
    return tell(model, test[sure], np.repeat(valid[None], len(sure), axis=0), mine[sure], methods)


def chips(asked: int, methods: Sequence[str]) -> list[Result]:
    """Deletion on real chips that the model did not learn from."""
    path = OUT / "amazon-mining" / "tiles.parquet"
    index, model = read_index(path), load_predictor(find_model("amazon-mining-rgb"), CPU)
    rows = np.flatnonzero(index.column("split").astype(str) == "test")
    ready = load_chips(index, rows, path.parent, OUT / "explain-chips")
    pixels, valid = np.asarray(ready.pixels), np.asarray(ready.valid)
    says = np.concatenate([model(pixels[at : at + 256], valid[at : at + 256]) for at in range(0, len(rows), 256)])[:, 0]
    detected = np.flatnonzero(says > model.card.thresholds["mine"])
    sure = detected[np.argsort(-says[detected], kind="stable")][:: max(1, len(detected) // asked)][:asked]
    wrong = int((index.column(LABEL_PREFIX + "mine")[rows][sure] == 0).sum())
    print(f"\nreal chips: {len(sure)} of {len(detected)} detections, evenly by how sure; {wrong} false alarms")
    return tell(model, pixels[sure], valid[sure], None, methods)


def tell(
    model: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    mine: NDArray[np.bool_] | None,
    methods: Sequence[str],
) -> list[Result]:
    """A row a method; share that points at a mine, and how much steeper the fall is than by chance."""
    results = []
    rng = np.random.default_rng(0)
    for way in (*methods, "noise", *(["middle"] if mine is not None else [])):
        maps = [shown(way, model, *tile, rng) for tile in zip(pixels, valid, strict=True)]
        checks = [
            deletion_check(model, tile, seen, one, 0, seed=0)
            for tile, seen, one in zip(pixels, valid, maps, strict=True)
        ]
        results.append(Result(f"{way}, passes the check", (float(np.mean([one.meaningful for one in checks])),)))
        area, chance = (np.mean([getattr(one, name) for one in checks]) for name in ("area", "random_area"))
        told = f"  {way:22}deletion {area:.3f}, moved at random {chance:.3f} ({area - chance:+.3f}), "
        told += f"means something {np.mean([one.meaningful for one in checks]):4.0%}"
        if mine is not None:
            hits = [points_at(one, place, TOLERANCE_PX) for one, place in zip(maps, mine, strict=True)]
            results.append(Result(f"{way}, points at the mine", (float(np.mean(hits)),)))
            told += f", points at a mine {np.mean(hits):.2f}"
        print(told, flush=True)
    return results


def shown(
    way: str, model: Predictor, pixels: NDArray[Any], valid: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Relevance (h, w) by a method, or by nothing."""
    if way == "noise":
        return gaussian_filter(rng.standard_normal(valid.shape, np.float32), 4)
    if way == "middle":
        alone = np.zeros(valid.shape, np.float32)
        alone[alone.shape[0] // 2, alone.shape[1] // 2] = 1
        return gaussian_filter(alone, 8)
    return explain(model, pixels, valid, [0], way, Settings())[0]


def main() -> None:
    """The parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["seconds", "world", "chips"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--asked", type=int, default=ASKED, help="tiles that are explained")
    parser.add_argument("--methods", default=",".join(METHODS))
    add_json(parser)
    given = parser.parse_args()
    quiet.set(True)
    methods, results = given.methods.split(","), []
    if "seconds" in given.parts:
        seconds(given.repeats)
    if "world" in given.parts:
        results += world(given.epochs, given.asked, methods)
    if "chips" in given.parts:
        chips(given.asked, methods)
    write_json(given.json, results)


if __name__ == "__main__":
    main()
