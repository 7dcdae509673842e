# ruff: noqa: T201
"""`python -m tests.faults --moments 50`: kill each command so often, and print what became of it, as Markdown.

`--seed` draws other moments, `--only NAME …` some commands. Takes about three seconds a moment.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.jobs import JOBS, prepare
from tests.faults.killing import Tally, kill_and_go_on, undisturbed
from tests.faults.zygote import Zygote


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[job.name for job in JOBS])
    asked = parser.parse_args()
    print("| command | moments | killed at work | resumed | results equal | stray files | seconds |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as name, Zygote() as zygote:
        folder = Path(name)
        (folder / "materials").mkdir()
        prepare(folder / "materials")
        for job in JOBS:
            if job.name in asked.only:
                _row(_tallied(job, folder, zygote, asked.moments, random.Random(f"{asked.seed} {job.name}")))


def _tallied(job, folder: Path, zygote: Zygote, moments: int, draw: random.Random) -> Tally:
    peace, total = undisturbed(job, folder / "materials", folder, zygote), Tally(job.name)
    unequal = sorted(peace.names - set(peace.content))
    print(
        f"{job.name}: {peace.seconds:.1f} s, at its output after {peace.at_work:.1f}; differ: {unequal}",
        file=sys.stderr,
    )
    for number in range(moments):
        one = kill_and_go_on(job, peace, folder / "materials", folder, zygote, draw)
        for what in ("moments", "killed", "resumed", "equal", "strays", "seconds"):
            setattr(total, what, getattr(total, what) + getattr(one, what))
        for fault in one.faults:
            print(f"{job.name} {number}: {fault}", file=sys.stderr, flush=True)
    return total


def _row(tally: Tally) -> None:
    cells = (tally.command, tally.moments, tally.killed, tally.resumed, tally.equal, tally.strays, round(tally.seconds))
    print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
