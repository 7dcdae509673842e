"""How far answers move with threads, workers, engine and precision: one prediction, run in several ways.

    python benchmarks/reproduce.py [FOLDER]

Prints a table, against the first way: the largest difference of a probability, the share of pixels of another class.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.cli.whole_way import TAUGHT, run, write_inputs  # noqa: E402 - the checkout is no package

_STEP = 0.004
"""Of probabilities as they are stored."""
_BASE = "--engine torch --precision fp32 --batch 16 --dense off"
WAYS = {
    "1 thread": (_BASE, {"OMP_NUM_THREADS": "1"}),
    "1 thread, again": (_BASE, {"OMP_NUM_THREADS": "1"}),
    "2 threads": (_BASE, {"OMP_NUM_THREADS": "2"}),
    "2 workers": (f"{_BASE} --workers 2", {"OMP_NUM_THREADS": "1"}),
    "8 tiles at a time": ("--engine torch --precision fp32 --batch 8 --dense off", {"OMP_NUM_THREADS": "1"}),
    "bf16": ("--engine torch --precision bf16 --batch 16 --dense off", {"OMP_NUM_THREADS": "1"}),
    "openvino": ("--engine openvino --precision fp32 --batch 16 --dense off", {"OMP_NUM_THREADS": "1"}),
}
"""Name → options of predict, and settings of the environment."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One way against the first."""

    way: str
    largest: float
    """Difference of a probability at a pixel."""
    other_class: float
    """Share of pixels."""


def measure(folder: Path) -> list[Moved]:
    """Train a small network in `folder`, and predict its region in every way that this machine can."""
    write_inputs(folder)
    run(folder, TAUGHT[:4])
    found: list[Moved] = []
    for at, (name, (options, around)) in enumerate(WAYS.items()):
        output = f"way-{at}.geolabel"
        try:
            run(folder, [f"predict region.tif --model run/model.safetensors {options} -o {output}"], around)
        except AssertionError as error:
            print(f"{name}: not on this machine ({str(error).strip().splitlines()[-1][:120]})", file=sys.stderr)
            continue
        found.append(_moved(name, folder / "way-0.geolabel", folder / output))
    return found


def _moved(name: str, first: Path, other: Path) -> Moved:
    levels = [_read(path / "probabilities.tif").astype(np.int64) for path in (first, other)]
    classes = [_read(path / "classes.tif") for path in (first, other)]
    moved = float(np.abs(levels[0] - levels[1]).max()) * _STEP
    return Moved(name, moved, float((classes[0] != classes[1]).mean()))


def _read(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(given or Path(scratch))
    print("| against 1 thread, torch, fp32 | largest difference of a probability | pixels of another class |")
    print("|---|---|---|")
    for row in rows:
        print(f"| {row.way} | {row.largest:.3f} | {100 * row.other_class:.3f} % |")


if __name__ == "__main__":
    _main()
