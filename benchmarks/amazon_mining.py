"""Artisanal mines in Amazonia, on sets and places that no model has seen: networks, forests, features, in one table.

    python benchmarks/amazon_mining.py [--models small-cnn,rf] [--epochs 12] [--repeats 1] [--quick]

Cuts ../shared/data/amazon-mining (or $GEOLABEL_TEST_DATA/amazon-mining) into a folder of chips and a CSV, and runs
geolabel's own commands on them: tile --images, split, then train and evaluate for each model. `forest` is another
program, scikit-learn on statistics of colour (amazon_forest.py). Each model chooses its epoch and its threshold on the
same val chips, and is scored once on the same test chips. How the chips are parted, and why, stands in amazon_chips.py.
The first network also predicts a mosaic of the unseen chips: map and scores must agree.

Each model's result is kept in benchmarks/out as soon as it is known. A run that was cut off goes on there, and the
table shows what is there for these epochs; remove the folder to begin anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from amazon_chips import Chips, composition, part_chips, read_chips, thin, write_chips
from amazon_command import geolabel
from amazon_forest import forest
from amazon_map import check_map
from amazon_table import Result, show
from sklearn.metrics import average_precision_score

from geolabel.learn.chips import Chips as Pixels
from geolabel.learn.device import choose_device
from geolabel.learn.predictor import predict_chips
from geolabel.learn.store import load_predictor
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

BENCHMARKS = Path(__file__).resolve().parent
DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", BENCHMARKS.parents[1] / "shared" / "data"))
SQUEEZENET = DATA / "squeezenet-imagenet" / "squeezenet1_0_torchvision_fp16.npz"
FOREST = "forest"
NETWORKS: dict[str, tuple[str, ...]] = {
    "small-cnn": ("--model", "small-cnn"),
    "cnn": ("--model", "cnn"),
    "densenet-small": ("--model", "densenet-small"),
    "resnet18": ("--model", "resnet18"),
    "squeezenet, frozen": ("--model", "squeezenet1_0", "--weights", str(SQUEEZENET), "--freeze-epochs", "{epochs}"),
    "squeezenet, fine-tuned": (
        "--model", "squeezenet1_0", "--weights", str(SQUEEZENET), "--freeze-epochs", "1", "--lr", "3e-4",
    ),
}  # fmt: skip
"""Options of `geolabel train`; what is not named is its default."""
BASELINES: dict[str, tuple[str, ...]] = {
    "rf": ("--model", "rf"),
    "rf on squeezenet": ("--model", "rf", "--features", "squeezenet1_0", "--weights", str(SQUEEZENET)),
}
MODELS = (FOREST, *BASELINES, *NETWORKS)
_QUICK = 10
"""A quick run takes every tenth chip."""
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    models: tuple[str, ...]
    epochs: int
    repeats: int
    quick: bool

    @property
    def out(self) -> Path:
        """Where all of it lies."""
        return BENCHMARKS / "out" / ("amazon-mining-quick" if self.quick else "amazon-mining")


def parse() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", help=f"some of: {'; '.join(MODELS)} (with ; between them; default: all)")
    parser.add_argument("--epochs", type=int, default=12, help="of networks, at the most (default: 12)")
    parser.add_argument("--repeats", type=int, default=1, help="seeds; the table then shows medians (default: 1)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the chips, 2 epochs: does it run?")
    told = parser.parse_args()
    models = tuple(name.strip() for name in told.models.split(";")) if told.models else MODELS
    if unknown := set(models) - set(MODELS):
        parser.error(f"--models {'; '.join(sorted(unknown))}: choose from {'; '.join(MODELS)}")
    return Options(models, 2 if told.quick else told.epochs, told.repeats, told.quick)


def prepare(options: Options) -> tuple[Chips, NDArray[Any]]:
    """Cut, part, tile and split, once; the chips in the order of the index, and the part of each after the buffer."""
    out = options.out
    chips = read_chips(DATA / "amazon-mining")
    chips = chips.take(thin(chips, _QUICK)) if options.quick else chips
    if not (out / "ready").exists():
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        every = read_chips(DATA / "amazon-mining")
        parts, seed = part_chips(every)
        parts = parts[np.isin(every.names, chips.names)]
        print(f"{len(chips)} chips, parted by draw {seed}\n{composition(chips, parts)}")
        write_chips(chips, parts, out / "chips", out / "chips.csv")
        geolabel(
            out, "tile", "--images", "chips", "--tags", "chips.csv", "--gsd", "10", "--bands", "red,green,blue",
            "-o", "tiles.parquet",
        )  # fmt: skip
        report = geolabel(out, "split", "tiles.parquet", "--by", "part", "--buffer", "2km").report
        print(f"  {report['tiles']}, mines { ({part: count['mine'] for part, count in report['positives'].items()}) }")
        (out / "ready").touch()
    index = read_index(out / "tiles.parquet")
    stems = np.array([Path(path).stem for path in index.column("source")])
    assert np.array_equal(stems, chips.names), "the index lists the chips by name, as chips.csv does"
    return chips, index.column("split").astype(str)


def judge(name: str, seed: int, chips: Chips, parts: NDArray[Any], options: Options, run: Path) -> Result:
    """Train and evaluate a model with one seed."""
    epochs = options.epochs if name in NETWORKS else 0
    words = [word.format(epochs=epochs) for word in (NETWORKS | BASELINES)[name]]
    words += ["--epochs", str(epochs)] if epochs else []
    trained = geolabel(options.out, "train", "tiles.parquet", "-o", run, *words, "--seed", seed, "--overwrite")
    model = run / "model.safetensors"
    told = geolabel(
        options.out, "evaluate", model, "tiles.parquet", "--split", "test", "-o", run / "test", "--overwrite"
    ).report
    scores = told["scores"]["classes"][0]
    test = chips.take(np.flatnonzero(parts == "test"))
    predictor = load_predictor(model, choose_device("auto"))
    pixels = Pixels(test.pixels.transpose(0, 3, 1, 2), np.ones(test.pixels.shape[:3], bool))
    probability = predict_chips(predictor, pixels, np.arange(len(test)))[:, 0]
    found = average_precision_score(test.mine, probability)
    assert abs(found - scores["average_precision"]) < _EXACT, "the model file answers as evaluate says"
    report = trained.report
    print(
        f"  {name}, seed {seed}: average precision on val {report['scores']['macro_average_precision']:.3f}, ", end=""
    )
    print(f"on test {found:.3f}", flush=True)
    return Result(
        name=name,
        seed=seed,
        epochs=epochs,
        best_epoch=report["best_epoch"],
        parameters=report["parameters"],
        train_s=trained.seconds,
        peak_mb=trained.peak_mb,
        threshold=scores["threshold"],
        val_average_precision=report["scores"]["macro_average_precision"],
        **{key: scores[key] for key in ("average_precision", "auc", "f1", "precision", "recall")},
        probability=tuple(probability.tolist()),
    )


def judge_forest(seed: int, chips: Chips, parts: NDArray[Any]) -> Result:
    """The other program's forest, on the same chips."""
    began = time.perf_counter()
    trees = forest(chips.pixels, chips.mine, parts, seed)
    scores = trees.scores
    print(f"\n{FOREST}, seed {seed}: average precision on test {scores.average_precision:.3f}", flush=True)
    return Result(
        name=FOREST,
        seed=seed,
        epochs=0,
        best_epoch=0,
        parameters=0,
        train_s=time.perf_counter() - began,
        peak_mb=None,
        threshold=scores.threshold,
        val_average_precision=float("nan"),
        average_precision=scores.average_precision,
        auc=scores.auc,
        f1=scores.f1,
        precision=scores.precision,
        recall=scores.recall,
        probability=tuple(trees.probability.tolist()),
    )


def main() -> int:
    """Run what is not there yet, and show all that is."""
    options = parse()
    if not (DATA / "amazon-mining" / "chips.csv").is_file():
        print(f"amazon_mining: no data at {DATA}; set GEOLABEL_TEST_DATA to the folder that holds amazon-mining")
        return 1
    chips, parts = prepare(options)
    test = chips.take(np.flatnonzero(parts == "test"))
    results, first = [], next((name for name in options.models if name in NETWORKS), "")
    for seed in range(options.repeats):
        for name in options.models:
            epochs = f"-{options.epochs}" if name in NETWORKS else ""
            run = options.out / f"{name.replace(', ', '-').replace(' ', '-')}{epochs}-{seed}"
            path = run.with_suffix(".json")
            if not path.exists():
                result = (
                    judge_forest(seed, chips, parts)
                    if name == FOREST
                    else judge(name, seed, chips, parts, options, run)
                )
                if name == first and seed == 0:
                    check_map(test, run / "model.safetensors", result.average_precision, options.out)
                result.save(path)
            results.append(Result.load(path))
    show(test, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
