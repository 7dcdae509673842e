"""A process that has loaded everything, and forks one that runs a command: the same as `python -m geolabel`, but soon.

What is killed at random moments shall be killed at work, and not while it imports torch. Requests are lines of JSON on
stdin, answers on stdout: `{"words", "folder", "temporary", "told", "environment"}` gives a process id, which leads a
process group of its own; `{"wait": id}` gives how it ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A command at work."""

    group: int
    told: Path
    """What it says, out and err."""


class Zygote:
    """The process that forks, with settings of its own for the loader."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__ if __name__ != "__main__" else "tests.faults.zygote"],
            cwd=ROOT,
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1", **self._environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._ask(None) == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None):
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(self, words: list[str], folder: Path, temporary: Path, told: Path, **environment: str) -> Running:
        """Begin a command in `folder`."""
        asked = {"words": words, "folder": str(folder), "temporary": str(temporary), "told": str(told)}
        return Running(self._ask(asked | {"environment": environment}), told)

    def wait(self, running: Running) -> int:
        """How it ended: an exit code, or minus the signal."""
        return int(self._ask({"wait": running.group}))

    def _ask(self, request: object):
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _run(request: dict) -> None:
    """In the child: become the command."""
    os.setsid()
    told = os.open(request["told"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(told, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["folder"])
    os.environ.update(request["environment"], TMPDIR=request["temporary"])
    tempfile.tempdir = None
    sys.argv = ["geolabel", *request["words"]]
    from geolabel.cli.app import main

    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if "FULL_DISK_FOLDER" in request["environment"]:
            Path(request["told"]).with_suffix(".bytes").write_text(str(ctypes.CDLL(None).full_disk_written()))
        os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    """Load all, and answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # no command at work begins a thread here
    import geolabel.steps.change
    import geolabel.steps.export
    import geolabel.steps.label
    import geolabel.steps.predict
    import geolabel.steps.tile
    import geolabel.steps.train  # noqa: F401
    from geolabel.cli import commands  # noqa: F401
    from geolabel.learn import engines, loop  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        if request is None:
            answer: object = "ready"
        elif "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answers.flush()
            answer = os.fork()
            if not answer:
                _run(request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
