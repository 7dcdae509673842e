"""Embedders on real land: each loss beside raw pixels, colours, principal components and networks that learned nothing.

    python benchmarks/embeddings.py [--only amazon|pucallpa] [--quick]

Mines in Amazonia (../shared/data/amazon-mining, embeddings_amazon.py) and Landsat scenes of Pucallpa with classes of
their own later date (pucallpa-landsat, embeddings_pucallpa.py), or those folders in $GEOLABEL_TEST_DATA. geolabel's own
commands train each variant and judge it on places that did not train; how often and on how many tiles stands in
embeddings_run.py. Learning rate and number of epochs are the same for all variants of a data set and were set before
any score of test was seen; the epoch that is judged is the one with the best score on val.

What is known is kept in benchmarks/out/embeddings, variant by variant: a run that was cut off goes on there, one whose
options have changed is done again. Remove the folder to begin anew.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import embeddings_amazon
import embeddings_pucallpa
from amazon_command import geolabel
from embeddings_run import Lesson, Variant, teach
from embeddings_table import show

BENCHMARKS = Path(__file__).resolve().parent
DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", BENCHMARKS.parents[1] / "shared" / "data"))
CLASSIFIER_EPOCHS = 3
"""After which a classifier has seen as many chips as an embedder of the same tiles: 8 × 40 × 48 of 6,148."""

AMAZON = (
    Variant("triplet, hard", ("--mining", "hard-negative,hard-positive")),
    Variant("triplet, hard, soft margin", ("--mining", "hard-negative,hard-positive", "--soft-margin")),
    Variant("triplet", ()),
    Variant("triplet, semi-hard", ("--mining", "semi-hard")),
    Variant("magnet", ("--loss", "magnet")),
    Variant("contrastive", ("--loss", "contrastive")),
    Variant("triplet, by set", ("--by", "set", "--mining", "semi-hard")),
    Variant("quadruplet, by set", ("--by", "set", "--loss", "quadruplet")),
    Variant("magnet, by set", ("--by", "set", "--loss", "magnet")),
    Variant("magnet, by place", ("--by", "place", "--loss", "magnet")),
)
_RINGS = ("--no-supervised", "--max-pos-dist", "2", "--min-neg-dist", "5", "--max-neg-dist", "15")
_COLOURS_KEPT = ("--augment", "dihedral")
"""Without changes of light, which hide what a class defined by its colours is known by."""
PUCALLPA = (
    Variant("triplet", ()),
    Variant("quadruplet", ("--loss", "quadruplet")),
    Variant("magnet", ("--loss", "magnet")),
    Variant("contrastive", ("--loss", "contrastive")),
    Variant("triplet of shares", ("--targets", "shares")),
    Variant("triplet of shares, colours kept", ("--targets", "shares", *_COLOURS_KEPT)),
    Variant("triplet, near and far", _RINGS),
    Variant("triplet, near and far, colours kept", (*_RINGS, *_COLOURS_KEPT)),
    Variant("magnet, near and far", (*_RINGS, "--loss", "magnet")),
    Variant("tile2vec", (*_RINGS, "--loss", "tile2vec", "--no-norm-output", "--margin", "10")),
)
SEGMENTED = ("triplet-near-and-far",)
"""Runs whose trunks are probed pixel by pixel: such as have seen no labels."""
_COMMON = {
    "amazon": ("--lr", "1e-3", "--epochs", "8", "--steps", "40", "--batch", "48"),
    "pucallpa": ("--lr", "1e-3", "--epochs", "12", "--steps", "64", "--batch", "48"),
}
_QUICK = ("--lr", "1e-3", "--epochs", "1", "--steps", "4", "--batch", "24")


def main() -> int:
    """Run what is not there yet, and show all that is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=("amazon", "pucallpa"), help="one of the data sets (default: both)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the chips, one short epoch: does it run?")
    told = parser.parse_args()
    out = BENCHMARKS / "out" / ("embeddings-quick" if told.quick else "embeddings")
    for name, folder, run in (("amazon", "amazon-mining", _amazon), ("pucallpa", "pucallpa-landsat", _pucallpa)):
        if told.only in (None, name):
            if not (DATA / folder).is_dir():
                print(
                    f"embeddings: no data at {DATA / folder}; set GEOLABEL_TEST_DATA to the folder that holds {folder}"
                )
                return 1
            run(DATA / folder, out / name, quick=told.quick)
    return 0


def _amazon(data: Path, out: Path, *, quick: bool) -> None:
    embeddings_amazon.prepare(data, out, quick=quick)
    common = _QUICK if quick else _COMMON["amazon"]
    classifier = out / "classifier" / "model.safetensors"
    if not classifier.exists():
        epochs = 1 if quick else CLASSIFIER_EPOCHS
        geolabel(
            out, "train", "tiles.parquet", "-o", "classifier", "--model", "small-cnn", "--epochs", epochs, "--overwrite"
        )
    beside = ("--baselines", "all", "--supervised", str(classifier.relative_to(out)))
    lesson = Lesson(out, "tiles.parquet", "tiles.parquet", common, 150 if quick else 1500)
    show("Mines in Amazonia", [teach(lesson, one, () if at else beside) for at, one in enumerate(AMAZON)])


def _pucallpa(data: Path, out: Path, *, quick: bool) -> None:
    embeddings_pucallpa.prepare(data, out)
    common = _QUICK if quick else _COMMON["pucallpa"]
    lesson, beside = Lesson(out, "past.parquet", "judged.parquet", common, 200), ("--baselines", "all")
    taught = [teach(lesson, one, () if at else beside) for at, one in enumerate(PUCALLPA)]
    show("What the land of Pucallpa became", taught)
    for one in SEGMENTED:
        embeddings_pucallpa.segment(data, out, one, 2_000 if quick else 20_000)


if __name__ == "__main__":
    sys.exit(main())
