"""Peak memory of `geolabel predict` on a raster 10,000 px wide, 4 bands, uint16; the limit is 1.5 GB.

An untrained network predicts in a process of its own; what the kernel says of that is printed. Memory should not depend
on the height of the region: the first row is the full 10,000 × 10,000 px, the others, with the default stride of half a
tile and more classes, are of 1,536 rows. Run: python benchmarks/memory.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import rasterio
from big_raster import BANDS, make
from rasterio.windows import Window

from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.learn import backbones
from geolabel.learn.forward import save_classifier
from geolabel.model import BandContract, Head, ModelCard

LIMIT_MB = 1_500
REPEATS = 3
SIDE = 10_000
OUT = Path(__file__).parent / "out"
CASES = ((SIDE, 64, 64, 2), (1_536, 256, 128, 2), (1_536, 256, 128, 9), (1_536, 256, 128, 17))
"""Height, tile side, stride, classes."""


def main() -> None:
    """Print a row a case."""
    whole = make(OUT / f"big-{SIDE}.tif", SIDE)
    print(
        f"{'region':>16}{'tile':>6}{'stride':>8}{'classes':>9}{'tiles':>9}{'seconds':>9}{'peak MB':>9}{'of limit':>10}"
    )
    for height, tile_px, stride, classes in CASES:
        region = whole if height == SIDE else crop(whole, height)
        model = untrained(tile_px, classes)
        runs = [predict(region, model, stride) for _ in range(REPEATS)]
        seconds, peak = (statistics.median(run[at] for run in runs) for at in (1, 2))
        print(
            f"{f'{SIDE} × {height}':>16}{tile_px:>6}{stride:>8}{classes:>9}{runs[0][0]:>9,}{seconds:>9.1f}{peak:>9.0f}"
            f"{peak / LIMIT_MB:>10.2f}",
            flush=True,
        )


def crop(whole: Path, height: int) -> Path:
    """The upper rows of a raster, once."""
    path = OUT / f"big-{SIDE}x{height}.tif"
    if not path.exists():
        with rasterio.open(whole) as source:
            profile = source.profile | {"height": height}
            with rasterio.open(path, "w", **profile) as part:
                part.write(source.read(window=Window(0, 0, source.width, height)))
                part.descriptions = source.descriptions
    return path


def untrained(tile_px: int, classes: int) -> Path:
    """A model file whose answers mean nothing: the task is not the point here."""
    names = tuple(f"class_{number}" for number in range(classes))
    card = ModelCard(
        architecture=backbones.OWN,
        heads=(Head("classes", "sigmoid", names),),
        scheme=complete(Scheme("memory", tuple(LabelClass(name) for name in names))).to_json(),
        bands=tuple(BandContract(band, 1.0, 0.0, 1_000.0, 500.0) for band in BANDS),
        dtype="uint16",
        gsd_m=10.0,
        tile_px=(tile_px, tile_px),
        presence=0.1,
        thresholds=dict.fromkeys(names, 0.9),
    )
    path = OUT / f"untrained-{tile_px}-{classes}.safetensors"
    save_classifier(path, card, backbones.start(backbones.OWN, len(BANDS), classes, "none", 0).state_dict())
    return path


def predict(region: Path, model: Path, stride: int) -> tuple[int, float, float]:
    """Tiles, seconds and peak memory (MB) of one run."""
    out = OUT / "memory.geolabel"
    words = [
        "predict",
        str(region),
        "--model",
        str(model),
        "--stride",
        str(stride),
        "-o",
        str(out),
        "--overwrite",
        "--json",
    ]
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
