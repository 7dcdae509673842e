"""A command killed at a moment, begun again as its user would, and compared with one that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from geolabel.steps.train import CHECKPOINT
from tests.faults.jobs import Job, lay_out
from tests.faults.zygote import Running, Zygote

_NAMED_BY_THE_CLOCK = ("tensorboard",)
"""Folders whose files have names of their own in each run."""
_OF_TORCH = "torchinductor_"
"""Where torch keeps what it compiled, for the next process."""
_STARTS = 6
"""More than these nobody needs to get through."""
_KILLS = 2
"""Of one run, at the most."""
_EARLY = 0.2
"""Share of the moments that lie anywhere; the others lie where the command is at its output."""
_TWICE = 0.25
"""Share of the runs that are killed again when they go on."""


@dataclass(frozen=True)
class Undisturbed:
    """What a command makes, and how long it takes."""

    content: dict[str, bytes]
    """All files afterwards, whose bytes are the same in each run."""
    again: tuple[dict[str, bytes], ...]
    """The same where the command is run once more, and once more, on what it has changed: its history tells of all."""
    names: frozenset[str]
    seconds: float
    at_work: float
    """Seconds until it claims its output."""


@dataclass
class Tally:
    """What became of all the moments of a command."""

    command: str
    moments: int = 0
    killed: int = 0
    """Where it was still at work."""
    resumed: int = 0
    """Where it went on with what was done."""
    equal: int = 0
    strays: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def undisturbed(job: Job, materials: Path, folder: Path, zygote: Zygote) -> Undisturbed:
    """Run a command twice in peace; what differs then is not compared."""
    found, again, seconds, at_work = [], [], 0.0, 0.0
    for number in range(2):
        den = folder / f"peace{number}"
        lay_out(job, materials, den)
        began = time.monotonic()
        running = _start(job.words, den, zygote)
        while not _claimed(den) and time.monotonic() < began + 60 and _lives(running):
            time.sleep(0.002)
        at_work = time.monotonic() - began
        code = zygote.wait(running)
        seconds = time.monotonic() - began
        assert code == 0, running.told.read_text()
        found.append(_tree(den))
        while job.changes and len(again) < _KILLS:
            assert zygote.wait(_start(job.words, den, zygote)) == 0
            again.append(_tree(den))
        shutil.rmtree(den)
    same = {name: content for name, content in found[0].items() if found[1].get(name) == content}
    return Undisturbed(same, tuple(again), frozenset(found[0]), seconds, min(at_work, seconds))


def kill_and_go_on(job: Job, peace: Undisturbed, materials: Path, folder: Path, zygote: Zygote, draw: random.Random):
    """Kill a command at a drawn moment, every fourth time twice; then start it until it is done: a tally of one."""
    den, tally, began = folder / "den", Tally(job.name, moments=1), time.monotonic()
    lay_out(job, materials, den)
    inputs = {name: content for name, content in _tree(den).items() if not name.startswith(job.changes or ("\0",))}
    words = job.words
    for _ in range(_KILLS if draw.random() < _TWICE else 1):
        tally.killed |= _killed(words, den, peace, zygote, draw)
        words = _next(job, words, den)
    tally.resumed = int("--resume" in words or any(den.glob("*.shards/*.npz")) or any(den.glob("*.work/*/*")))
    for _ in range(_STARTS):
        running = _start(words, den, zygote)
        code, told = zygote.wait(running), running.told.read_text()
        if code == 0 or _stands(job, told):
            break
        words = _advised(job, words, told)
    else:
        tally.faults.append(f"never done: {told.strip()}")
    found = _tree(den)
    different = [
        name
        for name, content in peace.content.items()
        if found.get(name) not in (content, *(one[name] for one in peace.again))
    ]
    strays = sorted(_shown(found) - _shown(peace.names))
    left = [path.name for path in (folder / "temporary").iterdir() if not path.name.startswith(_OF_TORCH)]
    tally.faults += [f"{name} differs" for name in different] + [f"{name} stays" for name in strays + left]
    tally.faults += [f"{name} was changed" for name, content in inputs.items() if found.get(name) != content]
    tally.equal, tally.strays = int(not different), len(strays) + len(left)
    tally.seconds = time.monotonic() - began
    shutil.rmtree(den)
    return tally


def _killed(words: tuple[str, ...], den: Path, peace: Undisturbed, zygote: Zygote, draw: random.Random) -> int:
    """Kill a command with all its children; 1 where it was still at work."""
    running = _start(words, den, zygote)
    if draw.random() < _EARLY:
        time.sleep(draw.uniform(0, peace.seconds))
    else:
        while not _claimed(den) and _lives(running):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 1.1 * (peace.seconds - peace.at_work)))
    try:
        os.killpg(running.group, signal.SIGKILL)
    except ProcessLookupError:  # not yet the leader of its group
        os.kill(running.group, signal.SIGKILL)
    return int(zygote.wait(running) == -signal.SIGKILL)


def _next(job: Job, words: tuple[str, ...], den: Path) -> tuple[str, ...]:
    """What a user types after a kill: what may be resumed is resumed."""
    resumable = job.name == "train" and (den / job.makes[0] / CHECKPOINT).exists()
    return (*job.words, "--resume") if resumable else words


def _stands(job: Job, told: str) -> bool:
    """Whether a command found its output whole: what has no --resume is there whole or not at all."""
    return job.name != "train" and "exists already" in told


def _advised(job: Job, words: tuple[str, ...], told: str) -> tuple[str, ...]:
    """What the message says is to be done."""
    if "--resume" in told and "--resume" not in words:
        return (*job.words, "--resume")
    return (*job.words, "--overwrite") if "--overwrite" in told else words


def _start(words: tuple[str, ...], den: Path, zygote: Zygote) -> Running:
    temporary = den.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    return zygote.start([*words], den, temporary, den.parent / "told.txt")


def _claimed(den: Path) -> bool:
    return any(path.name.endswith("-lock") for path in den.iterdir())


def _lives(running: Running) -> bool:
    state = Path(f"/proc/{running.group}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def _tree(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, by name; of a folder, nothing."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def _shown(names) -> set[str]:
    """Names without those that nobody can foretell."""
    return {name for name in names if not set(Path(name).parts[:-1]) & set(_NAMED_BY_THE_CLOCK)}
