"""Does the network see more than colour? Artisanal mines in Amazonia, on sets and places that it has not seen.

    python benchmarks/amazon_mining.py [--repeats 3] [--quick]

Cuts ../shared/data/amazon-mining (or $GEOLABEL_TEST_DATA/amazon-mining) into a folder of chips and a CSV, and runs
geolabel's own commands on them: tile --images, split, train, evaluate, and predict over a mosaic of the unseen chips.
Beside it a random forest learns the same chips from their colour statistics. Both choose their threshold on the same
val chips and are scored once on the same test chips. How the chips are parted, and why, stands in amazon_chips.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from amazon_chips import Chips, composition, part_chips, read_chips, thin, write_chips
from amazon_forest import Judged, forest, judge

from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
OUT = REPOSITORY / "benchmarks" / "out" / "amazon-mining"
GSD_M = 10.0
MOSAIC_CRS = "EPSG:32721"
"""UTM 21S, over Amazonia; where the mosaic lies in it is made up."""
_QUICK_SHARE = 0.1
_AGREEMENT = 0.01
"""By how much the map's average precision may differ from that of evaluate: it stores probabilities in steps of .004."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    epochs: int | None
    model: str
    quick: bool
    seed: int
    repeats: int

    @property
    def train_words(self) -> list[str]:
        """Options of `geolabel train`; its own defaults where nothing was asked for."""
        epochs = self.epochs or (3 if self.quick else None)
        return ["--model", self.model, *(["--epochs", str(epochs)] if epochs else [])]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Both methods with one seed."""

    network: Judged
    trees: Judged
    train_s: float
    epochs: int


def parse() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, help="of training (default: geolabel's)")
    parser.add_argument("--model", default="small-cnn", help="network (default: small-cnn)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the chips and 3 epochs: does it run?")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--repeats", type=int, default=1, help="seeds; the table then shows medians (default: 1)")
    return Options(**vars(parser.parse_args()))


def geolabel(*words: str | Path, told: bool = True) -> tuple[dict[str, Any], float]:
    """Run a command of geolabel in OUT, as a person would; its report and its seconds."""
    command = ["geolabel", *(str(word) for word in words), "--json"]
    if told:
        print(f"\n$ {shlex.join(command)}", flush=True)
    began = time.perf_counter()
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=OUT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"amazon_mining: {shlex.join(command)} ended with {done.returncode}")
    seconds = time.perf_counter() - began
    print(f"  {seconds:.1f} s", flush=True)
    return json.loads(done.stdout), seconds


def prepare(options: Options, data: Path) -> tuple[Chips, NDArray[Any]]:
    """Cut, part, tile and split; the chips in the order of the index, and the part of each after the buffer."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    chips = read_chips(data)
    parts, seed = part_chips(chips)
    if options.quick:
        kept = thin(chips, _QUICK_SHARE)
        chips, parts = chips.take(kept), parts[kept]
    print(f"{len(chips)} chips, parted by draw {seed}\n{composition(chips, parts)}")
    write_chips(chips, parts, OUT / "chips", OUT / "chips.csv")
    geolabel(
        "tile", "--images", "chips", "--tags", "chips.csv", "--gsd", "10", "--bands", "red,green,blue",
        "-o", "tiles.parquet",
    )  # fmt: skip
    report, _ = geolabel("split", "tiles.parquet", "--by", "part", "--buffer", "2km")
    print(f"  {report['tiles']}, mines {({part: count['mine'] for part, count in report['positives'].items()})}")
    index = read_index(OUT / "tiles.parquet")
    stems = np.array([Path(path).stem for path in index.column("source")])
    assert np.array_equal(stems, chips.names), "the index lists the chips by name, as chips.csv does"
    return chips, index.column("split").astype(str)


def repeat(chips: Chips, parts: NDArray[Any], options: Options, seed: int) -> Repeat:
    """Train, evaluate and predict with one seed, and the forest beside it."""
    run = f"run{seed}"
    trained, train_s = geolabel(
        "train", "tiles.parquet", "-o", run, *options.train_words, "--seed", str(seed)
    )  # fmt: skip
    print(
        f"  {trained['parameters']:,} parameters, best of {trained['epochs']} epochs: {trained['best_epoch']}; "
        f"val average precision {trained['scores']['macro_average_precision']:.3f}"
    )
    model = f"{run}/model.safetensors"
    evaluated, _ = geolabel("evaluate", model, "tiles.parquet", "--split", "test", "-o", f"{run}/test.json")
    scores = evaluated["scores"]["classes"][0]
    unseen = chips.take(np.flatnonzero(parts == "test"))
    probability = predict_mosaic(unseen, model, run)
    network = judge(unseen.mine, probability, scores["threshold"])
    gap = abs(network.scores.average_precision - scores["average_precision"])
    print(f"  average precision of the map {network.scores.average_precision:.4f}, of evaluate {scores['average_precision']:.4f}")
    if gap > _AGREEMENT:
        sys.exit(f"amazon_mining: map and evaluate differ by {gap:.3f}, more than {_AGREEMENT}")
    network = replace(network, scores=replace(network.scores, **{name: scores[name] for name in _SHOWN}))
    return Repeat(network, forest(chips.pixels, chips.mine, parts, seed), train_s, int(trained["epochs"]))
