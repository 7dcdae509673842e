"""Chips per second of drawn tiles, read block by block, against a sequential read of the same chips; at least .8.

Sequential: rasterio reads the same windows one after another, sorted by block. Naive: some in the order in which they
were drawn. Both with a block cache of 256 MB: less than the raster, as with any larger one.
Run: python benchmarks/sampling.py [--chips 2000,10000] [--json FILE]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import rasterio
from big_raster import make
from measured import Result, add_json, over, write_json
from rasterio.windows import Window

from geolabel import raster
from geolabel.raster.scattered import open_scattered
from geolabel.tiling.ground import Ground
from geolabel.tiling.places import Places

SIDE, SIZE = 10_000, 96
REPEATS = 3
AIM = 0.8
CACHE = 256 << 20
NAIVE = 500
OUT = Path(__file__).parent / "out"

Read = Callable[[Path, Places, np.ndarray, np.ndarray], None]


def main() -> None:
    """Print a row for each way to draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", default="2000,10000", help="how many are drawn")
    add_json(parser)
    asked = parser.parse_args()
    counts, results = [int(count) for count in asked.chips.split(",")], []
    path = make(OUT / f"big-{SIDE}.tif", SIDE)
    info = raster.describe(path)
    began = time.perf_counter()
    ground = Ground.of([info], SIZE)
    print(f"ground of {SIDE:,}² px: {time.perf_counter() - began:.2f} s")
    print(f"{'drawn':30}{'chips':>8}{'drawing, s':>12}{'geolabel':>10}{'sequential':>12}{'naive':>8}{'ratio':>8}")
    ways = (("triplets", _triplets), ("clusters of 16", _clusters))
    for (what, draw), count in product(ways, counts):
        began = time.perf_counter()
        places = draw(ground, count)
        drawn_s = time.perf_counter() - began
        # in turn, so that whatever else the machine does meets both
        seconds = np.array([[_timed(way, path, places) for way in (_geolabel, _sequential)] for _ in range(REPEATS)])
        results.append(Result(f"{what}, {count}", over(*seconds.T[::-1].tolist())))
        ours, sequential = (count / statistics.median(column) for column in seconds.T.tolist())
        naive = NAIVE / _timed(_naive, path, places.take(np.arange(NAIVE)))
        ratio = ours / sequential
        print(
            f"{what:30}{count:>8,}{drawn_s:>12.3f}{ours:>10,.0f}{sequential:>12,.0f}{naive:>8,.0f}{ratio:>8.2f}"
            f"{'' if ratio >= AIM else '  below the aim'}",
            flush=True,
        )
    write_json(asked.json, results)


def _triplets(ground: Ground, count: int) -> Places:
    rings = {"positive": (SIZE, 5 * SIZE), "negative": (10 * SIZE, 25 * SIZE)}
    return Places.concat(ground.triplets(-(-count // 3), np.random.default_rng(0), **rings)).take(np.arange(count))


def _clusters(ground: Ground, count: int) -> Places:
    return ground.clusters(count, 16, 5 * SIZE, np.random.default_rng(0))


def _timed(read: Read, path: Path, places: Places) -> float:
    pixels = np.full((len(places), 4, SIZE, SIZE), 1, np.uint16)  # memory is there before the clock runs
    valid = np.full((len(places), SIZE, SIZE), fill_value=True)
    began = time.perf_counter()
    read(path, places, pixels, valid)
    return time.perf_counter() - began


def _geolabel(path: Path, places: Places, pixels: np.ndarray, valid: np.ndarray) -> None:
    with open_scattered(raster.describe(path)) as reader:
        reader.read(places.col, places.row, SIZE, pixels, valid)


def _sequential(path: Path, places: Places, pixels: np.ndarray, _valid: np.ndarray) -> None:
    with rasterio.Env(GDAL_CACHEMAX=CACHE), rasterio.open(path) as dataset:
        high, wide = dataset.block_shapes[0]
        order = np.lexsort((places.col, places.row, places.col // wide, places.row // high))
        for at in order.tolist():
            dataset.read(window=Window(places.col[at], places.row[at], SIZE, SIZE), out=pixels[at])


def _naive(path: Path, places: Places, pixels: np.ndarray, _valid: np.ndarray) -> None:
    with rasterio.Env(GDAL_CACHEMAX=CACHE), rasterio.open(path) as dataset:
        for at, (col, row) in enumerate(zip(places.col.tolist(), places.row.tolist(), strict=True)):
            dataset.read(window=Window(col, row, SIZE, SIZE), out=pixels[at])


if __name__ == "__main__":
    main()
