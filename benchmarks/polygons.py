"""Polygons of a large map: geolabel's outlines beside `rasterio.features.shapes` over the whole.

    python benchmarks/polygons.py [--side 10000] [--repeats 3] [--json FILE]

A made-up map of one class, smooth patches of all sizes, once clean and once with 1 % of its pixels turned at random;
probabilities go with it. Each way runs in a process of its own and ends with shapely polygons in memory: `shapes` gets
the whole map and its outlines become polygons by `shapely.geometry.shape`, `outline` gets strips of 512 rows;
`everything` adds a seed threshold, 4 pixels at the least, holes of fewer than 9 filled, and simplification by a pixel.
What the kernel says of each process is printed (start and reading included), medians of the repeats, and the ratios to
`shapes`: below 1 is better.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from labels_run import apart, middle, turns
from measured import Result, add_json, over, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = Path(__file__).parent / "out"
ROWS = 512
PRESENT, SEED = 125, 160
"""Levels, of 250, from which on a pixel counts, and which a patch has to reach somewhere."""
SPECKLE = {"clean": 0.0, "speckled": 0.01}
WAYS = ("shapes", "outline", "everything")


def main() -> None:
    """Print a row a way and map."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "MAP"))
    add_json(parser)
    options = parser.parse_args()
    if options.one:
        way, which = options.one
        print({"shapes": shapes, "outline": outline, "everything": everything}[way](map_path(which, options.side)))
        return
    print(f"{options.side} × {options.side} px, {options.repeats} repeats\n")
    print(f"{'map':<10}{'way':<12}{'polygons':>10}{'seconds':>9}{'peak MB':>9}{'time':>8}{'memory':>8}")
    results = []
    for which in SPECKLE:
        apart(make, (which, options.side))
        words = [sys.executable, Path(__file__), "--side", str(options.side), "--one"]
        every = turns({way: [*words, way, which] for way in WAYS}, options.repeats)
        costs = {way: middle(found) for way, found in every.items()}
        base = costs["shapes"]
        for way in WAYS[1:]:
            for what, field in (("time", "seconds"), ("memory", "peak_mb")):
                ours, theirs = ([getattr(cost, field) for cost in every[one]] for one in (way, "shapes"))
                results.append(Result(f"{which}, {way}, {what}", over(ours, theirs)))
        for way, cost in costs.items():
            ratios = f"{cost.seconds / base.seconds:>8.2f}{cost.peak_mb / base.peak_mb:>8.2f}"
            print(f"{which:<10}{way:<12}{int(cost.output):>10,}{cost.seconds:>9.1f}{cost.peak_mb:>9.0f}{ratios}")
    write_json(options.json, results)


def map_path(which: str, side: int) -> Path:
    """Levels of the probability, uint8 row by row."""
    return OUT / f"polygons-{which}-{side}.raw"


def make(what: tuple[str, int]) -> None:
    """Write a map: noise made smooth at three scales, in strips."""
    from scipy import ndimage

    which, side = what
    path = map_path(which, side)
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    scales = (40, 160, 640)
    nodes = [ndimage.gaussian_filter(rng.standard_normal((side // scale + 3,) * 2), 0.7) for scale in scales]
    with path.open("wb") as stream:
        for top in range(0, side, ROWS):
            rows, cols = np.arange(top, min(top + ROWS, side)), np.arange(side)
            level = sum(between(node, rows / scale, cols / scale) for node, scale in zip(nodes, scales, strict=True))
            levels = np.clip(PRESENT + 60 * (level - 0.3), 0, 250).astype(np.uint8)
            turned = rng.random(levels.shape) < SPECKLE[which]
            stream.write(np.where(turned, 250 - levels, levels).astype(np.uint8).tobytes())


def between(nodes: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Values between the nodes of a lattice, bilinear: (rows, cols)."""
    i, j = rows.astype(int), cols.astype(int)
    down, across = (rows - i)[:, None], cols - j
    upper, lower = nodes[i], nodes[i + 1]
    return (upper[:, j] * (1 - across) + upper[:, j + 1] * across) * (1 - down) + (
        lower[:, j] * (1 - across) + lower[:, j + 1] * across
    ) * down


def shapes(path: Path) -> int:
    """What one writes with rasterio."""
    import rasterio.features
    from shapely.geometry import shape

    side = int(path.stat().st_size ** 0.5)
    present = (np.fromfile(path, np.uint8).reshape(side, side) >= PRESENT).view(np.uint8)
    found = rasterio.features.shapes(present, mask=present, transform=Affine(10, 0, 500_000, 0, -10, 9_000_000))
    return len([shape(geometry) for geometry, _ in found])


def outline(path: Path) -> int:
    """The same by geolabel, in strips."""
    from geolabel import maps

    strips, grid = opened(path)
    return len(maps.outline(strips, grid, scale=0.004))


def everything(path: Path) -> int:
    """And made ready for a map."""
    from geolabel import maps

    strips, grid = opened(path)
    found = maps.outline(strips, grid, scale=0.004, min_pixels=4, seeds=[SEED], fill_pixels=9)
    return len(maps.simplify(found, 10.0))


def opened(path: Path):  # noqa: ANN201 - geolabel is imported by its own process only
    """Strips of a map, and its grid."""
    from geolabel.grid import Grid
    from geolabel.maps import Strip

    side = int(path.stat().st_size ** 0.5)

    def strips() -> Iterator[Strip]:
        with path.open("rb") as stream:
            for top in range(0, side, ROWS):
                rows = min(ROWS, side - top)
                levels = np.fromfile(stream, np.uint8, rows * side).reshape(1, rows, side)
                yield Strip(top, levels >= PRESENT, levels)

    return strips(), Grid("EPSG:32721", Affine(10, 0, 500_000, 0, -10, 9_000_000), side, side)


if __name__ == "__main__":
    main()
