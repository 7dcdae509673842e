"""Runs benchmarks one after the other, each within its time; what fails is kept as failed, and the next one begins."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.claims.machine import machine, versions
from benchmarks.claims.record import DONE, Figure, Record

if TYPE_CHECKING:
    from benchmarks.claims.claim import Benchmark

BENCHMARKS = Path(__file__).parents[1]
DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", BENCHMARKS.parents[1] / "shared" / "data"))
NO_DATA = "no data here"
_TOLD = 160
"""Letters of a failure that are kept."""


def run(benchmark: Benchmark, left_s: float) -> Record:
    """Measure within its own limit and the time that is left for all; never fails itself."""
    began, processor, load = time.perf_counter(), _processor_s(), os.getloadavg()[0]
    missing = [name for name in benchmark.data if not (DATA / name).is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        if missing:
            outcome = f"{NO_DATA}: {', '.join(missing)}"
        elif left_s <= 0:
            outcome = "not run: the time for all benchmarks was over"
        else:
            outcome = _run(benchmark, path, min(benchmark.limit_s, left_s))
        figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return Record(
        name=benchmark.name,
        command=f"python benchmarks/{' '.join(benchmark.command)}",
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        outcome=outcome,
        seconds=round(time.perf_counter() - began, 1),
        processor_s=round(_processor_s() - processor, 1),
        load=(round(load, 1), round(os.getloadavg()[0], 1)),
        machine=machine(),
        versions=versions(),
        figures=tuple(Figure(one["name"], tuple(_short(x) for x in one["turns"]), one["why"]) for one in figures),
    )


def _run(benchmark: Benchmark, path: Path, limit_s: float) -> str:
    """The script, with all that it starts, ended where it takes too long; the outcome."""
    words = [sys.executable, BENCHMARKS / benchmark.command[0], *benchmark.command[1:], "--json", path]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            [str(word) for word in words], stdout=sys.stdout, stderr=told, cwd=BENCHMARKS.parent, start_new_session=True
        )
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"out of time after {limit_s:.0f} s"
        except KeyboardInterrupt:
            _end(process)
            raise
        told.seek(0)
        lines = [line.strip() for line in told.read().splitlines() if line.strip()]
    if status:
        print("\n".join(lines[-20:]), file=sys.stderr)
        return f"failed: {lines[-1][:_TOLD] if lines else f'exit status {status}'}"
    return DONE if path.exists() else "failed: it gave no figures"


def _processor_s() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and its children, which are a session of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _short(value: float) -> float:
    """Six significant digits: more are noise in a file that is kept."""
    return float(f"{value:.6g}")
