"""`geolabel demo` from its first command to its last: how long it takes, and its scores against the made-up truth.

Run: python benchmarks/demo.py [--size 1536] [--epochs 16] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from labels_run import run
from measured import Result, add_json, write_json

FREQUENT = 100
"""Tiles with a class, from which on its score is told: the rarer ones hang on a handful."""


def main() -> None:
    """Run it once, in a folder that goes away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1536)
    parser.add_argument("--epochs", type=int, default=16)
    add_json(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = ("--size", str(asked.size), "--epochs", str(asked.epochs))
        cost = run([sys.executable, "-m", "geolabel", "demo", Path(folder) / "demo", *size, "--json"])
    report = json.loads(cost.output[cost.output.index('{"folder"') :])
    frequent = [one["average_precision"] for one in report["tile_scores"] if one["positives"] >= FREQUENT]
    forest = report["alerts"][0]
    found = {
        "seconds": cost.seconds,
        "least average precision of frequent classes": min(frequent),
        "forest loss, recall": forest["recall"],
        "forest loss, precision": forest["precision"],
        "mines found": report["mines"]["found"] / report["mines"]["mines"],
    }
    for name, value in found.items():
        print(f"{name:48}{value:8.3f}")
    write_json(asked.json, [Result(name, (float(value),)) for name, value in found.items()])


if __name__ == "__main__":
    main()
