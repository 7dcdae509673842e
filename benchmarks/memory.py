"""Peak memory of `geolabel predict` on 10,000 × 10,000 × 4 uint16; the limit is 1.5 GB.

Trains a small network on a corner, then predicts the whole in a process of its own and reads what the kernel says.
Run: python benchmarks/memory.py [SIDE …]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import geopandas
import numpy as np
import rasterio
import shapely
from big_raster import make

LIMIT_MB = 1_500
REPEATS = 3
OUT = Path(__file__).parent / "out"


def main() -> None:
    """Print a row a raster."""
    sides = [int(text) for text in sys.argv[1:]] or [10_000]
    model = train(make(OUT / "big-2048.tif", 2048))
    print(f"{'region':>16}{'tiles':>10}{'seconds':>10}{'tiles/s':>10}{'peak MB':>10}{'of the limit':>14}")
    for side in sides:
        path = make(OUT / f"big-{side}.tif", side)
        runs = [predict(path, model) for _ in range(REPEATS)]
        tiles = runs[0][0]
        seconds, peak = (statistics.median(run[at] for run in runs) for at in (1, 2))
        print(
            f"{f'{side} × {side}':>16}{tiles:>10,}{seconds:>10.1f}{tiles / seconds:>10.0f}{peak:>10.0f}"
            f"{peak / LIMIT_MB:>14.2f}"
        )


def train(region: Path) -> Path:
    """A model that tells bright cells from dark ones: the task is not the point here."""
    folder = OUT / "memory"
    model = folder / "run" / "model.safetensors"
    if model.exists():
        return model
    folder.mkdir(parents=True, exist_ok=True)
    with rasterio.open(region) as dataset:
        nir = dataset.read(4)
        side = 32
        means = nir.reshape(nir.shape[0] // side, side, -1, side).mean(axis=(1, 3))
        rows, cols = np.indices(means.shape)
        x, y = dataset.transform.c + cols * side * 10, dataset.transform.f - rows * side * 10
        boxes = shapely.box(x, y - side * 10, x + side * 10, y).ravel()
        names = np.where(means > np.median(means), "bright", "dark").ravel()
        geopandas.GeoDataFrame({"class": names}, geometry=boxes, crs=dataset.crs).to_file(folder / "cells.gpkg")
    tiles = str(folder / "tiles.parquet")
    for words in (
        ["tile", str(region), "--size", "64", "-o", tiles],
        ["label", tiles, "--vector", str(folder / "cells.gpkg"), "--field", "class"],
        ["split", tiles, "--block", "2km"],
        ["train", tiles, "--epochs", "2", "-o", str(folder / "run")],
    ):
        subprocess.run(
            [sys.executable, "-m", "geolabel", *words, "--overwrite"][: None if words[0] == "tile" else -1],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return model


def predict(region: Path, model: Path) -> tuple[int, float, float]:
    """Tiles, seconds and peak memory (MB) of one run."""
    out = OUT / "memory" / f"{region.stem}.geolabel"
    words = ["predict", str(region), "--model", str(model), "--stride", "64", "-o", str(out), "--overwrite", "--json"]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "geolabel", *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"predict failed with {process.returncode}")
    tiles = int(text.split('"tiles": ')[1].split(",")[0])
    return tiles, time.perf_counter() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
