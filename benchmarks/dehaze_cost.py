"""Haze removal of whole rasters: megapixels a second beside a plain copy, and peak memory.

A made-up world under a veil of t .7, side by side, four bands of 16 bits, 5,000 × 5,000 and 10,000 × 10,000 px, as a
COG. The copy reads and writes the same file by the same reader and writer, strip by strip, and does nothing else. Each
is a process of its own, from start to end, in turns; medians, by the clock and of processor time.

Run: python benchmarks/dehaze_cost.py [--repeats 3] [--sides 5000,10000] [--plain] [--json FILE]
(TMPDIR: where the rasters go, 4 GB)
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labels_run import apart, run
from measured import Result, add_json, over, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_GB = 1.5


def main() -> None:
    """A row a way and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sides", default="5000,10000", help="of the rasters, pixels, the smaller first")
    parser.add_argument("--plain", action="store_true", help="without contrast and shadows")
    add_json(parser)
    parser.add_argument("--copy", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.copy:
        copy(*given.copy)
        return
    peaks, results = [], []
    for side in map(int, given.sides.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path, out = Path(folder) / "hazy.tif", Path(folder) / "out.tif"
            apart(make, (path, side))
            command = [sys.executable, "-m", "geolabel", "dehaze", path, "-o", out, "--overwrite"]
            ways = {
                "copy": [sys.executable, __file__, "--copy", path, out],
                "dehaze": command,
            }
            if not given.plain:
                ways["--contrast clahe --shadows .3"] = [*command, "--contrast", "clahe", "--shadows", ".3"]
            found: dict[str, list[Measured]] = {way: [] for way in ways}
            for _ in range(given.repeats):
                for way, words in ways.items():
                    found[way].append(measured(words))
        costs = {way: median(those) for way, those in found.items()}
        for way, cost in costs.items():
            print(row(side, way, cost, costs["copy"]), flush=True)
        peaks.append(costs["dehaze"].peak_mb / 1e3)
        copied, cleared = ([one.cpu for one in found[way]] for way in ("copy", "dehaze"))
        results.append(Result(f"{side}, by a copy", over(cleared, copied)))
        results.append(Result(f"{side}, peak MB", tuple(one.peak_mb for one in found["dehaze"])))
    print(f"the larger one: {peaks[-1] / peaks[0]:.2f} × the memory; at most {max(peaks):.2f} GB of {LIMIT_GB}")
    write_json(given.json, [*results, Result("growth", over(results[-1].turns, results[1].turns))])


@dataclass(frozen=True, slots=True)
class Measured:
    """A run, or the median of some."""

    seconds: float
    cpu: float
    """Seconds of processors."""
    peak_mb: float


def measured(words: Sequence[str | Path]) -> Measured:
    """Run a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = run(words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(cost.seconds, cpu, cost.peak_mb)


def median(found: Sequence[Measured]) -> Measured:
    """Of each number."""
    return Measured(*(statistics.median(getattr(one, name) for one in found) for name in Measured.__slots__))


def row(side: int, way: str, cost: Measured, plain: Measured) -> str:
    """As it is printed."""
    area = side**2 / 1e6
    told = f"{side:7,} px  {way:32}{cost.seconds:7.1f} s{area / cost.seconds:7.1f} Mpx/s"
    told += f"{cost.seconds / plain.seconds:6.1f} × copy; {cost.cpu:6.1f} s of processors"
    return told + f"{area / cost.cpu:6.1f} Mpx/s{cost.cpu / plain.cpu:6.1f} ×; {cost.peak_mb:6.0f} MB"


def make(where: tuple[Path, int]) -> None:
    """The hazy raster."""
    import numpy as np
    from affine import Affine

    from geolabel import raster
    from geolabel.grid import Grid
    from geolabel.world import BANDS, make_world

    path, side = where
    names = ("red", "green", "blue", "nir")
    world = make_world(1024, 0).after.image[[BANDS.index(name) for name in names]].astype(np.float32)
    world[:3] = world[:3] * 0.7 + 8000 * 0.3
    grid = Grid("EPSG:32719", Affine(10, 0, 350_000, 0, -10, 8_600_000), side, side)
    rows = np.tile(world, (1, 1, -(-side // 1024)))[:, :, :side].astype(np.uint16)
    with raster.write_cog(path, grid, raster.BandStyle(names, "uint16", nodata=0)) as writer:
        for top in range(0, side, 512):
            writer.write(top, rows[:, top % 1024 : top % 1024 + 512][:, : side - top])


def copy(path: Path, target: Path) -> None:
    """Read and write, and nothing else."""
    from geolabel import raster
    from geolabel.grid import Window

    info = raster.describe(path)
    target.unlink(missing_ok=True)
    style = raster.BandStyle(info.band_names, info.dtype, nodata=info.nodata)
    with raster.open_raster(info) as reader, raster.write_cog(target, info.grid, style) as writer:
        for top in range(0, info.height, 512):
            writer.write(top, reader.read(Window(0, top, info.width, min(512, info.height - top)))[0])


if __name__ == "__main__":
    main()
