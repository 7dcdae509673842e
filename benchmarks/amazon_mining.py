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
import math
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import shapely
from amazon_chips import SIZE_PX, Chips, composition, part_chips, read_chips, thin, write_chips
from amazon_forest import Judged, by_set, forest, gain_interval
from rasterio.transform import from_origin
from sklearn.metrics import average_precision_score

from geolabel.scoring.multilabel import ClassScores
from geolabel.tiling.index import read_index
from geolabel.vector import Layer, write_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
OUT = REPOSITORY / "benchmarks" / "out" / "amazon-mining"
GSD_M = 10.0
MOSAIC_CRS = "EPSG:32721"
"""UTM 21S, over Amazonia; where the mosaic lies in it is made up."""
MOSAIC_CORNER_M = (300_000.0, 9_500_000.0)
_QUICK = 10
"""A quick run takes every tenth chip."""
_AGREEMENT = 0.015
"""How far the map's average precision may lie from that of evaluate: in its steps of .004, ties cost up to .01."""


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


def parse() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, help="of training (default: that of geolabel train)")
    parser.add_argument("--model", default="small-cnn", help="network (default: small-cnn)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the chips and 3 epochs: does it run?")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--repeats", type=int, default=1, help="seeds; the table then shows medians (default: 1)")
    return Options(**vars(parser.parse_args()))


def geolabel(*words: str | int | Path) -> tuple[dict[str, Any], float]:
    """Run a command of geolabel in OUT, as a person would; its report and its seconds."""
    command = ["geolabel", *(str(word) for word in words), "--json"]
    print(f"\n$ {shlex.join(command)}", flush=True)
    began = time.perf_counter()
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=OUT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone, unlike RUSAGE_CHILDREN
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"amazon_mining: {shlex.join(command)} ended with {process.returncode}")
    seconds = time.perf_counter() - began
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the kernel counts it as the child's at its start
    memory = f", peak memory {usage.ru_maxrss / 1024:.0f} MiB" if usage.ru_maxrss > own else ""
    print(f"  {seconds:.1f} s{memory}", flush=True)
    return json.loads(told), seconds


def prepare(options: Options, data: Path) -> tuple[Chips, NDArray[Any]]:
    """Cut, part, tile and split; the chips in the order of the index, and the part of each after the buffer."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    chips = read_chips(data)
    parts, seed = part_chips(chips)
    if options.quick:
        kept = thin(chips, _QUICK)
        chips, parts = chips.take(kept), parts[kept]
    print(f"{len(chips)} chips, parted by draw {seed}\n{composition(chips, parts)}")
    write_chips(chips, parts, OUT / "chips", OUT / "chips.csv")
    geolabel(
        "tile", "--images", "chips", "--tags", "chips.csv", "--gsd", "10", "--bands", "red,green,blue",
        "-o", "tiles.parquet",
    )  # fmt: skip
    report, _ = geolabel("split", "tiles.parquet", "--by", "part", "--buffer", "2km")
    print(f"  {report['tiles']}, mines { ({part: count['mine'] for part, count in report['positives'].items()}) }")
    index = read_index(OUT / "tiles.parquet")
    stems = np.array([Path(path).stem for path in index.column("source")])
    assert np.array_equal(stems, chips.names), "the index lists the chips by name, as chips.csv does"
    return chips, index.column("split").astype(str)


def repeat(chips: Chips, parts: NDArray[Any], options: Options, seed: int) -> Repeat:
    """Train, evaluate and predict with one seed, and the forest beside it."""
    run = Path(f"run{seed}")
    trained, seconds = geolabel("train", "tiles.parquet", "-o", run, *options.train_words, "--seed", seed)
    print(
        f"  {trained['parameters']:,} parameters, best of {trained['epochs']} epochs: {trained['best_epoch']}; "
        f"average precision on val {trained['scores']['macro_average_precision']:.3f}"
    )
    model = run / "model.safetensors"
    evaluated, _ = geolabel("evaluate", model, "tiles.parquet", "--split", "test", "-o", run / "test")
    scores = ClassScores(**evaluated["scores"]["classes"][0])
    unseen = chips.take(np.flatnonzero(parts == "test"))
    probability = predict_mosaic(unseen, model, run)
    found = average_precision_score(unseen.mine, probability)
    print(f"  average precision of the map {found:.4f}, of evaluate {scores.average_precision:.4f}")
    if abs(found - scores.average_precision) > _AGREEMENT:
        sys.exit(f"amazon_mining: map and evaluate differ by more than {_AGREEMENT}")
    trees = forest(chips.pixels, chips.mine, parts, seed)
    print(f"  average precision with seed {seed}: network {scores.average_precision:.3f}, ", end="")
    print(f"forest {trees.scores.average_precision:.3f}", flush=True)
    return Repeat(Judged(probability, scores), trees, seconds)


def predict_mosaic(chips: Chips, model: Path, run: Path) -> NDArray[np.float64]:
    """Lay chips out as one GeoTIFF, predict it tile by tile, and read the probability of each chip back: (n,)."""
    columns = math.ceil(math.sqrt(len(chips)))
    row, column = np.divmod(np.arange(len(chips)), columns)
    write_mosaic(chips, row, column)
    folder = run / "mosaic.geolabel"
    report, seconds = geolabel("predict", "mosaic.tif", "--model", model, "--stride", SIZE_PX, "-o", folder)
    speed = report["valid_km2"] / seconds
    print(
        f"  {report['valid_km2']:.0f} km², {speed:.0f} km²/s with start-up; {report['detections']['mine']} detections"
    )
    with rasterio.open(OUT / folder / "probabilities.tif") as dataset:
        stored = dataset.read(1)[SIZE_PX // 2 :: SIZE_PX, SIZE_PX // 2 :: SIZE_PX]
        return np.asarray(stored[row, column] * dataset.scales[0], dtype=np.float64)


def write_mosaic(chips: Chips, row: NDArray[np.int64], column: NDArray[np.int64]) -> None:
    """Chips side by side in a place made up, 10 m a pixel; and the outlines of those with mines as a GeoPackage."""
    side = SIZE_PX * GSD_M
    pixels = np.zeros((3, (row.max() + 1) * SIZE_PX, (column.max() + 1) * SIZE_PX), np.uint8)
    for chip, top, left in zip(chips.pixels, row * SIZE_PX, column * SIZE_PX, strict=True):
        pixels[:, top : top + SIZE_PX, left : left + SIZE_PX] = chip.transpose(2, 0, 1)
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "height": pixels.shape[1], "width": pixels.shape[2]}
    place = {"crs": MOSAIC_CRS, "transform": from_origin(*MOSAIC_CORNER_M, GSD_M, GSD_M)}
    tiling = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    with rasterio.open(OUT / "mosaic.tif", "w", **profile, **place, **tiling) as dataset:
        dataset.descriptions = ("red", "green", "blue")
        dataset.write(pixels)
    west, north = MOSAIC_CORNER_M[0] + column[chips.mine] * side, MOSAIC_CORNER_M[1] - row[chips.mine] * side
    outlines = shapely.box(west, north - side, west + side, north)
    truth = OUT / "mosaic_truth.gpkg"
    truth.unlink(missing_ok=True)
    write_layer(truth, Layer("mines", outlines, {"chip": chips.names[chips.mine]}, MOSAIC_CRS, "Polygon"), "GPKG")


def show(chips: Chips, repeats: Sequence[Repeat], seed: int) -> None:
    """The table: medians of all repeats, then the first one by set."""
    mines = int(chips.mine.sum())
    print(f"\n{len(chips)} unseen chips, {mines} mines; by chance the average precision is {mines / len(chips):.2f}")
    print(f"median of {len(repeats)} repeat(s), seeds {seed}–{seed + len(repeats) - 1}\n")
    print(f"  {'':<20}{'network':>9}{'forest':>9}")
    for name in ("average_precision", "f1", "precision", "recall", "auc"):
        pair = [[getattr(getattr(one, method).scores, name) for one in repeats] for method in ("network", "trees")]
        spread = f"   all: {', '.join(f'{value:.3f}' for value in pair[0])}" if len(repeats) > 1 else ""
        print(f"  {name.replace('_', ' '):<20}{median(pair[0]):>9.3f}{median(pair[1]):>9.3f}{spread}")
    middle = sorted(repeats, key=lambda found: found.network.scores.average_precision)[(len(repeats) - 1) // 2]
    both = (middle.network.probability, middle.trees.probability)
    for title, groups in (("chips", np.arange(len(chips))), ("sets", chips.sets)):
        low, high = gain_interval(chips.mine, *both, groups)
        print(f"  gain in average precision, 95 % interval over {title}: {low:+.3f} … {high:+.3f}")
    print(f"\n  training took {median(found.train_s for found in repeats):.0f} s; the middle repeat by set:")
    print(by_set(chips.sets, chips.mine, middle.network, middle.trees))


def main() -> int:
    """Run it all."""
    options = parse()
    data = Path(os.environ.get("GEOLABEL_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "amazon-mining"
    if not (data / "chips.csv").is_file():
        print(f"amazon_mining: no data at {data}; set GEOLABEL_TEST_DATA to the folder that holds amazon-mining")
        return 1
    chips, parts = prepare(options, data)
    repeats = [repeat(chips, parts, options, options.seed + turn) for turn in range(options.repeats)]
    show(chips.take(np.flatnonzero(parts == "test")), repeats, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
