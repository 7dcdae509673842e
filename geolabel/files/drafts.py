"""Folders that go with their run: drafts of outputs beside them, and scratch; and how those of the dead are told."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel.files import kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLACED = "replaced"
"""Name of what an output replaces, in the room of its draft, until the new one is whole."""
KEPT = "kept"
"""The same, of a folder that is worked in under its own name: it stays until that work is whole, whoever ends it."""
_BEGUN = "begun"
"""A file in the room of a draft that is made in a work folder: the draft is there, or has got its name."""
_ENDING = ".draft"
_LONGEST_BYTES = 200
"""Of a name that gets an ending of ours; file systems take 255."""
_SCRATCH = "geolabel-scratch-"
_SCRATCHES = re.compile(rf"\.?{_SCRATCH}[a-z0-9_]{{8}}")
_DRAFT = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.draft", re.DOTALL)


def hidden(name: str) -> str:
    """What an output is called in names of ours; of a long name, its hash."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= _LONGEST_BYTES else hashlib.blake2b(encoded, digest_size=16).hexdigest()


def is_draft(name: str) -> bool:
    """Whether a folder of that name holds a draft."""
    return _DRAFT.fullmatch(name) is not None


@contextmanager
def draft_room(path: Path, within: Path | None = None) -> Iterator[Path]:
    """A hidden folder for a draft of `path` beside it, gone afterwards; one in the folder `within` goes with that."""
    room = Path(tempfile.mkdtemp(prefix=f".{hidden(path.name)}.", suffix=_ENDING, dir=within or path.parent))
    try:
        yield room
    except BaseException:
        shutil.rmtree(room, ignore_errors=True)
        raise
    if within is None:
        shutil.rmtree(room, ignore_errors=True)


def begin(room: Path) -> None:
    """Note that the draft stands in its room; to be said before it may get its name."""
    (room / _BEGUN).touch()


def is_spent(work: Path) -> bool:
    """Whether nothing is left to do in a work folder: the draft in it has got its name, or it is empty."""
    if not work.is_dir():
        return False
    moved = any({entry.name for entry in room.iterdir()} == {_BEGUN} for room in _drafts(work))
    return moved or not any(work.iterdir())


def take_away(work: Path) -> None:
    """Remove a work folder, drafts in it last: should that be stopped, they tell that the rest may go."""
    drafts = _drafts(work)
    for entry in set(work.iterdir()) - set(drafts):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)


def sweep(path: Path) -> None:
    """Take away what a dead process left of the output `path`; what it was to replace comes back where it is missing.

    What a run was to replace that can be gone on with stays until then: see `let_go` and `bring_back`. Nobody may be at
    work on it: see `locks`.
    """
    if path.is_dir():
        for room in _drafts(path):
            shutil.rmtree(room, ignore_errors=True)
    for room in _rooms(path):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                path.rmdir()  # only begun; if it holds anything, it stays
        for old in (room / REPLACED, room / KEPT):
            if old.exists() and not path.exists():
                old.replace(path)
        if not (room / KEPT).exists():
            shutil.rmtree(room, ignore_errors=True)


def let_go(path: Path) -> None:
    """The folder `path` is whole: what it replaces, kept by a run that was killed, is not needed any more."""
    for room in _rooms(path):
        shutil.rmtree(room, ignore_errors=True)


def bring_back(path: Path) -> None:
    """Put back what a killed run was to replace, in the place of what it has done; nothing where it kept nothing."""
    for room in _rooms(path):
        if (room / KEPT).exists():
            shutil.rmtree(path, ignore_errors=True)
            (room / KEPT).replace(path)
        shutil.rmtree(room, ignore_errors=True)


def _rooms(path: Path) -> list[Path]:
    """The rooms beside `path` in which its drafts were made."""
    found = [(room, _DRAFT.fullmatch(room.name)) for room in _drafts(path.parent)]
    return [room for room, told in found if told is not None and told[1] == hidden(path.name)]


def _drafts(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if is_draft(entry.name) and entry.is_dir(follow_symlinks=False)]


@contextmanager
def scratch(within: Path | None = None) -> Iterator[Path]:
    """A folder for what is needed for a while only, in `within` or where the system keeps such; gone afterwards.

    Those of processes that died are swept from there before.
    """
    place = Path(tempfile.gettempdir()) if within is None else within
    sweep_scratch(place)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH if within is None else f".{_SCRATCH}", dir=place))
        descriptor, busy = _own(folder)
        if descriptor is not None or (folder.exists() and not busy):  # else who sweeps took it for a dead one's
            break
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def sweep_scratch(place: Path | None = None) -> None:
    """Take away scratch folders of processes that died, in a folder or where the system keeps such."""
    with suppress(OSError), os.scandir(place or tempfile.gettempdir()) as entries:
        found = [Path(entry.path) for entry in entries if _SCRATCHES.fullmatch(entry.name)]
        for folder in found:
            descriptor, _ = _own(folder)
            if descriptor is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)


def _own(folder: Path) -> tuple[int | None, bool]:
    """A descriptor of a folder that no process owns, None where one does or nobody can tell; and whether one does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, AttributeError):  # somebody else's; gone; Windows, which opens no folders
        return None, False
    answer = kernel.lock(descriptor)
    if answer == "ours" and kernel.is_at(descriptor, folder):
        return descriptor, False
    os.close(descriptor)
    return None, answer == "busy"
