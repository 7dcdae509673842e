"""Forest loss without labels: alerts beside the truth of made-up worlds, and Pucallpa's front from 1985 to 2020.

python benchmarks/change.py [--size 1024] [--seeds 21 22 23] [--worlds] [--json FILE]

The worlds are drawn from seeds at which nothing was chosen. Precision, recall and hectares are those of the demo; the
second line of each world is the same without aligning, normalising and masking clouds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from measured import Result, add_json, write_json

from geolabel.steps.change import change
from geolabel.steps.demo_alerts import score_alerts
from geolabel.steps.demo_world import write_world

if TYPE_CHECKING:
    from geolabel.steps.demo_alerts import AlertScore

DATES = ("2019-07-15", "2021-08-02")
YEARS = (1985, 1990, 1995, 2000, 2005, 2010, 2015, 2020)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23])
    parser.add_argument("--worlds", action="store_true", help="these alone, without Pucallpa")
    add_json(parser)
    options = parser.parse_args()
    found = [one for seed in options.seeds for one in _world(options.size, seed)]
    rows = [_row(*one) for one in found]
    print("| world | images | changes | recall | alerts | precision | true ha | alert ha | area error |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    write_json(options.json, _results(found))
    if not options.worlds:
        _pucallpa()


def _world(size: int, seed: int) -> list[tuple[int, str, AlertScore]]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = write_world(folder, size, seed)
        for told, as_they_are in (("prepared", False), ("as they are", True)):
            out = folder / f"{as_they_are}.alerts"
            images = [folder / "before.tif", folder / "after.tif"]
            change(images, dates=DATES, output=out, as_they_are=as_they_are)
            rows.append((seed, told, score_alerts(world, out, lost="forest")))
    return rows


def _row(seed: int, told: str, found: AlertScore) -> tuple[str, ...]:
    figures = (f"{found.recall:.2f}", str(found.alerts), f"{found.precision:.2f}")
    hectares = (f"{found.true_ha:.0f}", f"{found.alert_ha:.0f}", f"{found.area_error:+.0%}")
    return str(seed), told, str(found.changes), *figures, *hectares


def _results(found: list[tuple[int, str, AlertScore]]) -> list[Result]:
    """World by world."""
    return [
        Result(f"{told}, {name}", tuple(float(abs(getattr(one, name))) for _, way, one in found if way == told))
        for told in ("prepared", "as they are")
        for name in ("recall", "precision", "area_error")
    ]


def _pucallpa() -> None:
    """Hectares by year; there is no truth to compare with."""
    data = (
        Path(os.environ.get("GEOLABEL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "pucallpa-landsat"
    )
    if not data.is_dir():
        print(f"{data}: is not there, Pucallpa is left out")
        return
    with tempfile.TemporaryDirectory() as name:
        images = [data / f"{year}.tif" for year in YEARS]
        report = change(images, bands=("swir1", "nir", "red", "green"), mmu_ha=5, output=Path(name) / "pucallpa.alerts")
    print("\n| Pucallpa, first seen | alerts | ha | of high level |")
    print("|---|---|---|---|")
    for row in report.totals:
        print(f"| {row.year} | {row.alerts} | {row.area_ha:,.0f} | {row.high} |")
    years = np.diff(YEARS).sum()
    print(f"\nTogether {report.area_ha:,.0f} ha, {report.area_ha / years:,.0f} ha a year.")


if __name__ == "__main__":
    main()
