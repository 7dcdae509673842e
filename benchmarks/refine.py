"""Do `--refine` and dense windows draw mines where they are? On the made-up world, whose truth is known to the pixel.

The labels and tiles are those of `geolabel demo`; a small-cnn-reflect learns them with half of its batches amid other
tiles, and predicts the second date: tile by tile, by dense windows, and refined. Printed is how the pixels that are
detected as mines lie on the true ones, and how many mines are touched at all. Run: python benchmarks/refine.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rasterio
from scipy import ndimage

from geolabel.model import read_card

OUT = Path(__file__).parent / "out" / "refine"
EPOCHS, SEED = 16, 7
WAYS = {"tile by tile": ("--dense", "off"), "dense windows": ("--dense", "on"), "refined": ("--refine",)}


def main() -> None:
    """Print a row a way."""
    world, run_folder = OUT / "world", OUT / "run"
    if not world.exists():
        geolabel("demo", world)
    learn = ("--presence", 0.05, "--epochs", EPOCHS, "--seed", SEED, "--overwrite")
    geolabel(
        "train", world / "tiles.parquet", "--model", "small-cnn-reflect", "--context", 0.5, *learn, "-o", run_folder
    )
    model = run_folder / "model.safetensors"
    card = read_card(model)
    band = card.classes.index("quarry")
    with rasterio.open(world / "truth" / "after.tif") as truth:
        code = next(value for value, name in names(truth).items() if name == "quarry")
        true = truth.read(1) == code
    mines, count = ndimage.label(true)
    print(f"{'':>14}{'precision':>11}{'recall':>9}{'IoU':>7}{'mines found':>14}{'seconds':>9}")
    for way, words in WAYS.items():
        out = OUT / "prediction"
        began = time.perf_counter()
        geolabel("predict", world / "after.tif", "--model", model, "--stride", 16, *words, "-o", out, "--overwrite")
        seconds = time.perf_counter() - began
        with rasterio.open(out / "probabilities.tif") as found:
            levels, shown = found.read(band + 1), found.read_masks(band + 1) > 0
        seen = (levels >= round(card.thresholds["quarry"] * 250)) & shown
        both = (seen & true & shown).sum()
        touched = len(np.unique(mines[seen & true]))
        print(
            f"{way:>14}{both / max(seen.sum(), 1):>11.3f}{both / (true & shown).sum():>9.3f}"
            f"{both / ((seen | true) & shown).sum():>7.3f}{f'{touched} of {count}':>14}{seconds:>9.1f}",
            flush=True,
        )


def names(dataset: rasterio.DatasetReader) -> dict[int, str]:
    """Value → name of the classes of a truth raster, from the table beside it."""
    rows = (OUT / "world" / "truth" / "legend.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert dataset.count == 1
    return {int(value): name for value, name in (row.split(",")[:2] for row in rows)}


def geolabel(*words: object) -> None:
    """Run a command; it must end well."""
    subprocess.run([sys.executable, "-m", "geolabel", *map(str, words), "-q"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
