"""geolabel's own commands, as a person would type them: what they report, how long they take, and their memory."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has run."""

    report: dict[str, Any]
    seconds: float
    peak_mb: float | None
    """None where it was less than this process's own: the kernel counts that as the child's at its start."""


def geolabel(folder: Path, *words: str | int | Path) -> Done:
    """Run a command in `folder`; the whole ends where it fails."""
    command = ["geolabel", *(str(word) for word in words), "--json"]
    print(f"\n$ {shlex.join(command)}", flush=True)
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone, unlike RUSAGE_CHILDREN
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
    seconds = time.perf_counter() - began
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = usage.ru_maxrss / 1024 if usage.ru_maxrss > own else None
    print(f"  {seconds:.1f} s{'' if peak_mb is None else f', peak memory {peak_mb:.0f} MB'}", flush=True)
    return Done(json.loads(told), seconds, peak_mb)
