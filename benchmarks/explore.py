"""`geolabel explore` on 50,000 tiles: seconds by part, peak memory, size of the page.

A made-up raster of four bands and 16 bits, 224 × 224 tiles of 64 px, no two of which repeat, with four classes in
patches; and the 10,315 chips of amazon_mining.py (run that first), by colour and texture and by the built-in model.
Six projections: UMAP, PCA and LDA, each in two and three dimensions. Every run is a process of its own; medians.

Run: python benchmarks/explore.py [--repeats 3] [--across 224] [--made-up] [--json FILE]
Then explore_page.py (a browser), explore_found.py (what is found)
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labels_run import apart, run
from measured import Result, add_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

OUT = Path(__file__).parent / "out" / "explore"
CHIPS = Path(__file__).parent / "out" / "amazon-mining" / "tiles.parquet"
ACROSS, TILE_PX, LIMIT_MB = 224, 64, 40.0
CPU = " (processors)"
CLASSES = ("forest", "field", "water", "mine")
CHIP_SETS = {
    "10,315 chips": (CHIPS, None),
    "10,315 chips, by a model": (CHIPS, "amazon-mining-rgb"),
}


def main() -> None:
    """A table a set of tiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--across", type=int, default=ACROSS, help="made-up tiles on a side")
    parser.add_argument("--made-up", action="store_true", help="these alone, not the chips")
    add_json(parser)
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(*given.inside)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    made_up = OUT / ("tiles.parquet" if given.across == ACROSS else f"tiles-{given.across}.parquet")
    apart(make, (made_up, given.across))
    sets = {f"{given.across**2:,} tiles": (made_up, None), **({} if given.made_up else CHIP_SETS)}
    results = []
    for name, (tiles, model) in sets.items():
        page = OUT / f"{name.replace(' ', '-').replace(',', '')}.html"
        words = [sys.executable, __file__, "--inside", tiles, page, *([model] if model else [])]
        costs = [run(words) for _ in range(given.repeats)]
        parts = [json.loads(cost.output) for cost in costs]
        size_mb = page.stat().st_size / 1e6
        results += [
            Result(f"{name}, MB of page for 1,000 tiles", (size_mb / json.loads(costs[0].output)["tiles"] * 1e3,)),
            Result(f"{name}, s", tuple(cost.seconds for cost in costs)),
            Result(f"{name}, peak MB", tuple(cost.peak_mb for cost in costs)),
        ]
        print(
            f"\n{name}: {statistics.median(cost.seconds for cost in costs):.1f} s in all, "
            f"peak {statistics.median(cost.peak_mb for cost in costs):.0f} MB, page {size_mb:.1f} MB of {LIMIT_MB:.0f}"
        )
        for part in parts[0]:
            if part != "tiles" and not part.endswith(CPU):
                wall, cpu = (statistics.median(one[part + kind] for one in parts) for kind in ("", CPU))
                print(f"  {part:24}{wall:8.1f} s, of processors {cpu:8.1f} s", flush=True)
    write_json(given.json, results)


def inside(tiles: str, page: str, model: str | None = None) -> None:
    """The step, with a clock on its parts; printed as JSON."""
    from geolabel.cli.process import prepare

    prepare()
    import geolabel.steps.explore as step
    from geolabel.progress import quiet
    from geolabel.steps.exploring import found, seeing
    from geolabel.steps.exploring import page as paged
    from geolabel.tiling.index import read_index

    quiet.set(True)
    seconds: dict[str, float] = defaultdict(float)
    for part, module, name in (
        ("one pass, all of it", step, "look"),
        ("… reading", seeing, "load_chips"),
        ("… signatures", seeing, "signatures"),
        ("… artefacts", seeing, "artefacts"),
        ("… pictures", seeing, "_paint"),
        ("neighbours", found, "nearest"),
        ("clusters", found, "_clusters"),
        ("", found, "project"),
        ("copies, leaks", found, "copies_of"),
        ("typical", found, "prototypical"),
        ("most different", found, "dissimilar"),
        ("separation", found, "separation_of"),
        ("page: atlas", paged, "make_atlas"),
        ("page: without pictures", step, "page_of"),
        ("page: as text", step, "document"),
        ("SVG", step, "scatter_plot"),
        ("PNG", step, "thumbnail_plot"),
        ("CSV", step, "write_table"),
    ):
        setattr(module, name, clocked(getattr(module, name), part, seconds))
    whole = clocked(step.explore, "the step, without imports", seconds)
    whole(Path(tiles), output=Path(page), model=model, method=("umap", "pca", "lda"), dims=(2, 3), overwrite=True)
    print(json.dumps({"tiles": len(read_index(Path(tiles))), **seconds}))


def clocked(work: Callable[..., Any], part: str, seconds: dict[str, float]) -> Callable[..., Any]:
    """The same function, which adds what it takes; of projections, by their name."""

    def watched(*given: Any, **named: Any) -> Any:
        told = part or f"{given[1].upper()} {given[2]}-D"
        began, worked = time.perf_counter(), time.process_time()
        found = work(*given, **named)
        seconds[told] += time.perf_counter() - began
        seconds[told + CPU] += time.process_time() - worked
        return found

    return watched


def make(what: tuple[Path, int]) -> None:
    """Raster and labelled, split tiles, once; so many on a side."""
    import numpy as np
    import pyarrow as pa
    from affine import Affine
    from scipy.ndimage import gaussian_filter

    from geolabel import raster
    from geolabel.grid import Grid
    from geolabel.labels.scheme import LabelClass, Scheme, complete
    from geolabel.steps.tile import tile
    from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index

    path, across = what
    if path.exists():
        return
    rng = np.random.default_rng(0)
    light = gaussian_filter(rng.normal(size=(across, across)), 4)
    kind = gaussian_filter(rng.normal(size=(len(CLASSES), across, across)), (0, 3, 3)).argmax(axis=0)
    levels = np.array([[350, 550, 300, 2800], [600, 900, 1000, 2400], [500, 600, 450, 250], [1200, 1500, 1900, 2300]])
    grains = np.array([120, 60, 15, 200])
    side = across * TILE_PX
    grid = Grid("EPSG:32719", Affine(10, 0, 350_000, 0, -10, 8_600_000), side, side)
    style = raster.BandStyle(("blue", "green", "red", "nir"), "uint16")
    with raster.write_cog(path.with_suffix(".tif"), grid, style) as writer:
        for row in range(across):
            noise = gaussian_filter(rng.standard_normal((4, TILE_PX, side), np.float32), (0, 1, 1)) * 3.5
            each = np.repeat(kind[row], TILE_PX)
            bright = np.repeat(1 + light[row] / light.std() * 0.15, TILE_PX)
            pixels = levels[each].T[:, None] * bright + grains[each] * noise
            writer.write(row * TILE_PX, pixels.clip(1, 10_000).astype(np.uint16))
    tile([path.with_suffix(".tif")], output=path, size=TILE_PX)
    index = read_index(path)
    shown = kind.ravel()
    parts = np.array(["train", "train", "train", "val", "test"])[rng.integers(0, 5, len(index))]
    columns = {
        "known": pa.array(np.ones(len(index), np.float32)),
        "split": dictionary(parts.tolist()),
        **{LABEL_PREFIX + name: pa.array((shown == at).astype(np.float32)) for at, name in enumerate(CLASSES)},
    }
    scheme = complete(Scheme("explore", tuple(LabelClass(name) for name in CLASSES))).to_json()
    done = index.with_columns(columns, scheme=scheme, split={"method": "random", "by": None, "seed": 0})
    write_index(path, done, overwrite=True)


if __name__ == "__main__":
    main()
