"""Overlapping tiles from one map: how much cheaper they are, and whether the answers are the same.

    python benchmarks/dense.py [--repeats 3] [--only rates|answers] [--precision fp32|bf16] [--cases 4] [--json FILE]

Rates: a natural scene (NAIP, mirrored at its edges until it is large), tile by tile and dense, in turns in one process,
on the same engine (torch, the same precision, batch norms folded). Tile by tile answers a part of the tiles; rates are
tiles per second. The aim is 8 at an overlap of 75 %.

Answers: the built-in model, both ways. On natural scenes: how the probabilities agree; the aim is r ≥ .97. On the chips
of its test part, whose labels are known: average precision tile by tile, dense on a mosaic of chips that have nothing
to do with each other (the worst case), and dense with each chip amid its own mirror images; the aim is to lose .01 at
the most. Nothing is chosen by these scores.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from geolabel.cli.process import prepare

prepare()  # as the command does before torch is loaded

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
import torch  # noqa: E402
from amazon_chips import SIZE_PX, read_chips  # noqa: E402
from amazon_model import DATA, REPOSITORY  # noqa: E402
from amazon_model_folds import Sides  # noqa: E402
from measured import Result, add_json, write_json  # noqa: E402
from sklearn.metrics import average_precision_score  # noqa: E402

from geolabel.learn.dense import Agreement, Dense, make_dense  # noqa: E402
from geolabel.learn.engines import default_engine, equip  # noqa: E402
from geolabel.learn.forward import build_network, make_classifier  # noqa: E402
from geolabel.learn.store import load_predictor  # noqa: E402
from geolabel.learn.windows import Windows  # noqa: E402
from geolabel.model import BandContract, Head, ModelCard, for_source  # noqa: E402

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from geolabel.learn.dense.fit import Precision
    from geolabel.learn.predictor import Predictor

    Strip = tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]

CPU = torch.device("cpu")
CASES = (
    ("small-cnn-reflect", 64, 16),
    ("squeezenet-reflect", 64, 16),
    ("squeezenet-reflect", 48, 16),
    ("resnet18", 128, 32),
)
"""Architecture, tile and step, pixels."""
SIDE_PX = 2048
TILE_BY_TILE = 1000
SCENES = {
    "NAIP 2020": ("naip/m_4709963_se_14_1_20200831.tif", (1, 2, 3), 2),
    "NAIP 2009": ("naip/m_4709963_se_14_1_20090818.tif", (1, 2, 3), 2),
    "Landsat, Pará 1988": ("para-landsat/landsat5_1988_para.tif", (3, 2, 1), 1),
}
"""File, bands that are shown red, green and blue, and by what it is made coarser (NAIP to 10 m)."""
BUILT_IN = REPOSITORY / "geolabel" / "models" / "amazon-mining-rgb.safetensors"
MOSAIC = 40
"""Chips on a side."""


def read_scene(name: str) -> NDArray[Any]:
    """Pixels (3, height, width)."""
    path, bands, coarser = SCENES[name]
    with rasterio.open(DATA / path) as source:
        shape = (len(bands), source.height // coarser, source.width // coarser)
        return np.asarray(source.read(bands, out_shape=shape, resampling=rasterio.enums.Resampling.average))


def strip(pixels: NDArray[Any], tile: int, step: int, halo: int) -> Strip:
    """A picture with mirrored surroundings, and the corners of its tiles."""
    edges = (halo, halo)
    seen = np.pad(pixels, ((0, 0), edges, edges), mode="symmetric")
    starts = (np.arange(0, side - tile + 1, step) + halo for side in pixels.shape[1:])
    rows, cols = (part.ravel() for part in np.meshgrid(*starts, indexing="ij"))
    return seen, np.ones(seen.shape[1:], bool), rows, cols


def untrained(architecture: str, tile: int) -> Predictor:
    """A network of three bands and two classes."""
    bands = tuple(BandContract(name, 1.0, 0.0, 120.0, 40.0) for name in ("red", "green", "blue"))
    half = {"a": 0.5, "b": 0.5}
    heads = (Head("classes", "sigmoid", ("a", "b")),)
    card = ModelCard(architecture, heads, {}, bands, "uint8", 10.0, (tile, tile), half, half)
    torch.manual_seed(0)
    return make_classifier(card, build_network(card), CPU)


def rates(repeats: int, precision: Precision, cases: int) -> list[Result]:
    """Tiles per second, both ways."""
    scene, results = read_scene("NAIP 2020"), []
    missing = [(0, SIDE_PX - side) for side in scene.shape[1:]]
    scene = np.pad(scene, ((0, 0), *missing), mode="symmetric")
    print(f"{SIDE_PX} × {SIDE_PX} px, {precision}, {torch.get_num_threads()} threads; tiles per second")
    for architecture, tile, step in CASES[:cases]:
        model = untrained(architecture, tile)
        single = Windows(equip(model, replace(default_engine(CPU, tile, tile), precision=precision)))
        dense = make_dense(model, step, precision)
        place = strip(scene, tile, step, dense.halo)
        part = (*place[:2], place[2][:TILE_BY_TILE], place[3][:TILE_BY_TILE])
        found = [(rate(single, part), rate(dense, place)) for _ in range(repeats)]
        ratios = tuple(quick / slow for slow, quick in found)
        results.append(Result(f"{architecture}, {tile} px every {step}", ratios))
        one, other = (median(values) for values in zip(*found, strict=True))
        ratio = median(ratios)
        overlap = f"{1 - step / tile:.0%} of overlap"
        print(f"  {architecture:<20}{tile:>4} px every {step} ({overlap}), halo {dense.halo}: ", end="")
        print(f"tile by tile {one:.0f}, dense {other:.0f}, ratio {ratio:.1f}", flush=True)
    return results


def rate(answer: Windows | Dense, place: Strip) -> float:
    """Tiles per second."""
    began = time.perf_counter()
    answer(*place)
    return len(place[2]) / (time.perf_counter() - began)


def built_in() -> Predictor:
    """For 8-bit pictures."""
    model = load_predictor(BUILT_IN, CPU)
    return model.with_card(for_source(model.card, "uint8", [1.0] * 3, [0.0] * 3))


def scenes() -> list[Result]:
    """Agreement of the built-in model on natural scenes."""
    model, results = built_in(), []
    dense, single = make_dense(model, 16), Windows(model)
    for name in SCENES:
        place = strip(read_scene(name), SIZE_PX, 16, dense.halo)
        found = Agreement.of(dense(*place), single(*place))
        results.append(Result(f"{name}, r", (found.r,)))
        print(f"  {name}: {len(place[2])} tiles, r {found.r:.3f}, ", end="")
        print(f"difference {found.mean:.3f}, {found.largest:.3f} at the most", flush=True)
    return results


def chips() -> list[Result]:
    """Average precision of the built-in model on the chips of its test part."""
    everything = read_chips(DATA / "amazon-mining")
    test = everything.take(Sides(everything).test)
    pixels = np.ascontiguousarray(test.pixels.transpose(0, 3, 1, 2))
    model = built_in()
    dense = make_dense(model, SIZE_PX)
    single = model(pixels, np.ones((len(pixels), SIZE_PX, SIZE_PX), bool))
    ways = {
        "tile by tile": single,
        "dense, a mosaic": on_mosaic(dense, pixels),
        "dense, mirrored": alone(dense, pixels),
    }
    results = []
    for name, found in ways.items():
        r, score = Agreement.of(found, single).r, average_precision_score(test.mine, found[:, 0])
        results += [Result(f"{name}, average precision", (float(score),)), Result(f"{name}, r", (r,))]
        print(f"  {name}: average precision {score:.3f}, r {r:.3f}", flush=True)
    return results


def on_mosaic(dense: Dense, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Answers on chips (n, 3, 48, 48) that lie side by side in an order by chance: (n, 1)."""
    order = np.random.default_rng(0).permutation(len(pixels))
    found = np.empty((len(pixels), 1), np.float32)
    for start in range(0, len(order), MOSAIC**2):
        some = order[start : start + MOSAIC**2]
        high = math.ceil(len(some) / MOSAIC)
        laid = pixels[np.resize(some, high * MOSAIC)].reshape(high, MOSAIC, *pixels.shape[1:])
        whole = laid.transpose(2, 0, 3, 1, 4).reshape(3, high * SIZE_PX, MOSAIC * SIZE_PX)
        found[some] = dense(*strip(whole, SIZE_PX, SIZE_PX, dense.halo))[: len(some)]
    return found


def alone(dense: Dense, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Answers on chips (n, 3, 48, 48), each of them mirrored all around: (n, 1)."""
    return np.concatenate([dense(*strip(chip, SIZE_PX, SIZE_PX, dense.halo)) for chip in pixels])


def main() -> None:
    """Run what was asked for, and say what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="medians are shown (default: 3)")
    parser.add_argument("--only", choices=("rates", "answers"), help="a part")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of the rates (default: fp32)")
    parser.add_argument("--cases", type=int, default=len(CASES), help="of the rates, how many (default: all)")
    add_json(parser)
    told = parser.parse_args()
    if not (DATA / "naip").is_dir() or not (DATA / "para-landsat").is_dir():
        print(f"dense: no scenes at {DATA}; set GEOLABEL_TEST_DATA to the folder that holds naip and para-landsat")
        return
    results = rates(told.repeats, told.precision, told.cases) if told.only != "answers" else []
    if told.only != "rates":
        results += answers()
    write_json(told.json, results)


def answers() -> list[Result]:
    """The built-in model, both ways."""
    print("the built-in model on natural scenes")
    results = scenes()
    if (DATA / "amazon-mining" / "chips.csv").is_file():
        print("the built-in model on chips of its test part")
        results += chips()
    else:
        print(f"dense: no chips at {DATA / 'amazon-mining'}; average precision is left out")
    return results


if __name__ == "__main__":
    main()
