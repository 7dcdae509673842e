"""A command on a disk that is full after some bytes: what it says, what it leaves, and that it works with more room."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.jobs import Job, lay_out
from tests.faults.zygote import Zygote

SOURCE = Path(__file__).with_name("full_disk.c")
_OF_TORCH = "torchinductor_"


def compiled(folder: Path) -> Path | None:
    """The disk that fills up, as a library; None where there is no C compiler."""
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        return None
    library = folder / "full_disk.so"
    subprocess.run([found, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@dataclass
class Filled:
    """What became of a command that ran out of room."""

    had_room: bool
    told: str
    faults: list[str] = field(default_factory=list)


def room_of(job: Job, materials: Path, folder: Path, zygote: Zygote) -> int:
    """Bytes that a command writes, where there is room."""
    disk = _disk(job, materials, folder)
    code, told = _run(job.words, disk, zygote, 1 << 40)
    assert code == 0, told
    shutil.rmtree(disk)
    return int((folder / "told.bytes").read_text())


def fill(job: Job, room: int, materials: Path, folder: Path, zygote: Zygote, draw: random.Random) -> Filled:
    """Give a command less room than it needs, then enough; every other time there is an old output to be replaced."""
    disk, old = _disk(job, materials, folder), {}
    words = job.words
    if job.makes and draw.random() < 0.5:
        code, told = _run(words, disk, zygote, 1 << 40)
        assert code == 0, told
        words = (*words, "--overwrite")
    old = _tree(disk)
    code, told = _run(words, disk, zygote, draw.randrange(room))
    found = Filled(code == 0, told)
    if code:
        lines = told.strip().splitlines()
        errors = [line for line in lines if not line.startswith("WARNING")]
        if code != 1 or len(errors) != 1 or "the disk is full" not in told or ".draft" in told:
            found.faults.append(f"exit {code}: {told.strip()}")
        now = _tree(disk)
        kept = {name for name in now if ".work" in name or ".shards" in name}  # what is done, to go on with
        found.faults += [f"{name} stays" for name in sorted(set(now) - set(old) - kept)]
        found.faults += [f"{name} is gone" for name in sorted(set(old) - set(now))]
        found.faults += [f"{name} was changed" for name in old if name in now and now[name] != old[name]]
        code, told = _run(words, disk, zygote, 1 << 40)
        if code:
            found.faults.append(f"with room: exit {code}: {told.strip()}")
    strays = [name for name in _tree(disk) if any(sign in name for sign in (".draft", "-lock", ".work", ".shards"))]
    found.faults += [f"{name} stays in the end" for name in strays]
    shutil.rmtree(disk)
    return found


def _disk(job: Job, materials: Path, folder: Path) -> Path:
    disk = folder / "disk"
    lay_out(job, materials, disk / "den")
    (disk / "temporary").mkdir()
    return disk


def _run(words: tuple[str, ...], disk: Path, zygote: Zygote, room: int) -> tuple[int, str]:
    full = {"FULL_DISK_FOLDER": str(disk), "FULL_DISK_BYTES": str(room)}
    running = zygote.start([*words], disk / "den", disk / "temporary", disk.parent / "told.txt", **full)
    return zygote.wait(running), running.told.read_text()


def _tree(disk: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(disk)): path.read_bytes() if path.is_file() else b""
        for path in disk.rglob("*")
        if _OF_TORCH not in str(path)
    }
