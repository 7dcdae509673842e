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

from measured import PEER_NOT_INSTALLED, Result, over

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


def turns(commands: Mapping[str, Sequence[str | Path]], repeats: int) -> dict[str, list[Cost]]:
    """Each once, and again: a machine whose speed drifts drifts for all."""
    runs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, words in commands.items():
            runs[name].append(run(words))
    return runs


def middle(costs: Sequence[Cost]) -> Cost:
    """Medians."""
    seconds, peak_mb = (statistics.median(getattr(cost, name) for cost in costs) for name in ("seconds", "peak_mb"))
    return Cost(seconds, peak_mb, costs[-1].output)


def in_turn(commands: Mapping[str, Sequence[str | Path]], repeats: int) -> dict[str, Cost]:
    """Medians of turns."""
    return {name: middle(costs) for name, costs in turns(commands, repeats).items()}


def times_as_fast(costs: Mapping[str, Sequence[Cost]], one: str, other: str) -> Result:
    """How many times as fast as another one is, turn by turn; not measured where the other was left out."""
    if other not in costs:
        return Result(f"{one}, by {other}", (), PEER_NOT_INSTALLED)
    theirs, ours = ([cost.seconds for cost in costs[name]] for name in (other, one))
    return Result(f"{one}, by {other}", over(theirs, ours))


def apart(make: Callable[[Any], None], argument: Any) -> None:
    """Call a function in a process of its own: a child begins with its parent's peak, so this one must stay small."""
    worker = multiprocessing.get_context("spawn").Process(target=make, args=(argument,))
    worker.start()
    worker.join()
    if worker.exitcode:
        raise SystemExit(f"{make.__name__} failed with {worker.exitcode}")


def installed(folder: Path) -> Path | None:
    """The interpreter of an environment that has been made; None where it has not."""
    return folder / "bin" / "python" if (folder / "installed.txt").exists() else None


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with packages from the index, made once."""
    python, listed = folder / "bin" / "python", folder / "installed.txt"
    if not listed.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", *packages])
        listed.write_text(run([*pip, "list", "--format", "freeze"]).output, encoding="utf-8")
    return python
