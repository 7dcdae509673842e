"""python -m benchmarks.claims: see the package."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks import claims
from benchmarks.claims.claim import HALF_HOUR_S
from benchmarks.claims.page import PAGE, page
from benchmarks.claims.record import DONE, load
from benchmarks.claims.registry import BENCHMARKS
from benchmarks.claims.run import BENCHMARKS as FOLDER
from benchmarks.claims.run import NO_DATA, run

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    """Do what is asked for; 1 where the page is not that of the results, or a benchmark did not come to its end."""
    parser = argparse.ArgumentParser(description=claims.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page", "peers", "list"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks (default: all)")
    parser.add_argument("--minutes", type=float, default=30.0, help="run: what is not done then is not measured")
    parser.add_argument("--check", action="store_true", help="page: write nothing, say whether it is up to date")
    given = parser.parse_intermixed_args()
    if unknown := set(given.names) - {one.name for one in BENCHMARKS}:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; `list` names them")
    if given.what == "list":
        for one in BENCHMARKS:
            print(f"{one.name:18}{len(one.claims):>3} claims, {one.limit_s:>4.0f} s at most: {' '.join(one.command)}")
    elif given.what == "peers":
        subprocess.run([sys.executable, FOLDER / "peers.py"], check=True)
    elif given.what == "run":
        failed = measure(given.names, given.minutes)
        write_page(check=False)
        return 1 if failed else 0
    return 1 if given.what == "page" and not write_page(check=given.check) else 0


def measure(names: Sequence[str], minutes: float) -> list[str]:
    """Run them, a word to each; those that failed or were too late.

    On a crowded machine more minutes give each of them more time as well.
    """
    failed: list[str] = []
    began, stretch = time.perf_counter(), max(1.0, 60 * minutes / HALF_HOUR_S)
    for one in BENCHMARKS:
        if one.name in names or not names:
            print(f"\n── {one.name}: {' '.join(one.command)}", flush=True)
            left_s = 60 * minutes - (time.perf_counter() - began)
            record = run(replace(one, limit_s=one.limit_s * stretch), left_s)
            record.save()
            print(f"── {one.name}: {record.outcome} after {record.seconds:.0f} s", flush=True)
            if record.outcome != DONE and not record.outcome.startswith(NO_DATA):
                failed.append(one.name)
    print(f"\nall of it took {(time.perf_counter() - began) / 60:.1f} minutes")
    if failed:
        print(f"not measured: {', '.join(failed)}")
    return failed


def write_page(*, check: bool) -> bool:
    """Write it, or tell whether it is what would be written."""
    found = {one.name: record for one in BENCHMARKS if (record := load(one.name)) is not None}
    text = page(BENCHMARKS, found)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return True
    same = PAGE.read_text(encoding="utf-8") == text
    print("docs/benchmarks.md is up to date" if same else "docs/benchmarks.md: run python -m benchmarks.claims page")
    return same


if __name__ == "__main__":
    sys.exit(main())
