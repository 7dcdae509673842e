"""Commands as fresh processes, and what the kernel says of each: seconds and peak memory."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
import venv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a command."""

    seconds: float
    peak_mb: float
    output: str
    """What it printed; of several runs the last."""


def run(words: Sequence[str | Path]) -> Cost:
    """Run a command; the whole ends where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen([str(word) for word in words], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, words))}\n{err.read().decode()}")
        return Cost(seconds, usage.ru_maxrss / 1024, out.read().decode())


def in_turn(commands: Mapping[str, Sequence[str | Path]], repeats: int) -> dict[str, Cost]:
    """Each once, and again: a machine whose speed drifts drifts for all. Medians."""
    runs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, words in commands.items():
            runs[name].append(run(words))
    return {
        name: Cost(
            statistics.median(cost.seconds for cost in found),
            statistics.median(cost.peak_mb for cost in found),
            found[-1].output,
        )
        for name, found in runs.items()
    }


def apart(make: Callable[[Any], None], argument: Any) -> None:
    """Call a function in a process of its own: a child begins with its parent's peak, so this one must stay small."""
    worker = multiprocessing.get_context("spawn").Process(target=make, args=(argument,))
    worker.start()
    worker.join()
    if worker.exitcode:
        raise SystemExit(f"{make.__name__} failed with {worker.exitcode}")


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with packages from the index, made once."""
    python, listed = folder / "bin" / "python", folder / "installed.txt"
    if not listed.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", *packages])
        listed.write_text(run([*pip, "list", "--format", "freeze"]).output, encoding="utf-8")
    return python
