"""One writer an output: locks that the kernel frees with their owner, and what dead owners left is swept.

A lock is a hidden file beside the output, and goes with the run; who dies leaves the file, but not the lock on it.
Where the file system knows no locks, or the system has none of this kind (Windows), work goes on without.
"""

from __future__ import annotations

import os
import platform
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import OutputError
from geolabel.files import kernel
from geolabel.files.drafts import hidden, is_draft, sweep, sweep_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK = "geolabel-lock"
_TOLD_BYTES = 256


@dataclass(slots=True)
class _Hold:
    """A lock of this process."""

    descriptor: int | None
    """Of the lock's file; None where there are no locks."""
    shared: bool
    times: int = 1
    """How often it was taken: by a step, and by the writers within it."""


_holds: dict[Path, _Hold] = {}
_scopes: list[list[tuple[Path, list[Path]]]] = []
"""What is claimed within each, and the folders that were made for it."""
_guard = threading.RLock()


@contextmanager
def claims() -> Iterator[None]:
    """What is claimed within is held until its end: a command has its outputs from the first check to the last byte."""
    _scopes.append([])
    try:
        yield
    finally:
        for path, made in reversed(_scopes.pop()):
            _drop(path)
            _unmake(made)


def claim(path: Path, *, shared: bool = False) -> None:
    """Hold the output `path` until the end of `claims()`; outside of one, only see that nobody else does.

    With `shared`, other processes that share it may be at work on it as well. Whoever has an output alone first sweeps
    what a dead owner left of it. Folders missing above it are made, and go at the end if nothing came into them.
    Raises OutputError where another process is at work, OSError where nothing can be written beside `path`.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _place(path).name or _is_covered(path):  # the root of all is refused for what it is
        return
    try:
        _take(path, shared=shared)
    except BaseException:
        _unmake(made)
        raise
    if _scopes:
        _scopes[-1].append((path, made))
    else:
        _drop(path)


def _unmake(folders: list[Path]) -> None:
    """Take folders away that were made for an output which did not come, the innermost first."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextmanager
def held(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold `path`, if it does not lie in something that this process holds; with `wait`, when others are done with it.

    Raises OutputError, OSError.
    """
    if _is_covered(path):
        yield
        return
    _take(path, wait=wait)
    try:
        yield
    finally:
        _drop(path)


def _is_covered(path: Path) -> bool:
    """Whether an output lies in a draft, or in something that this process holds."""
    with _guard:
        return any(is_draft(parent.name) or parent in _holds for parent in _place(path).parents)


def _take(path: Path, *, shared: bool = False, wait: bool = False) -> None:
    place = _place(path)
    with _guard:
        hold = _holds.get(place)
        if hold is not None:
            hold.times += 1
            return
        descriptor, stale = _locked(path, shared=shared, wait=wait)
        _holds[place] = _Hold(descriptor, shared)
    if stale and not shared:
        sweep(path)
        sweep_scratch()
    if descriptor is not None:
        with suppress(OSError):  # on a full disk nobody is told the number
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {platform.node()}".encode(), 0)


def _drop(path: Path) -> None:
    place = _place(path)
    with _guard:
        hold = _holds[place]
        hold.times -= 1
        if hold.times:
            return
        del _holds[place]
    if hold.descriptor is None:
        return
    file = _lock_of(place)
    with suppress(OSError):
        # the last of those who share it takes the file away
        if (not hold.shared or kernel.lock(hold.descriptor) == "ours") and kernel.is_at(hold.descriptor, file):
            file.unlink()
    os.close(hold.descriptor)


def _locked(path: Path, *, shared: bool, wait: bool) -> tuple[int | None, bool]:
    """The locked file of an output, and whether a dead owner had left it; None where the file system has no locks."""
    file = _lock_of(_place(path))
    while True:
        descriptor, stale = _opened(file)
        try:
            answer = kernel.lock(descriptor, shared=shared, wait=wait)
            if answer == "ours" and kernel.is_at(descriptor, file):  # else its owner took it away meanwhile
                return descriptor, stale
            owner = _owner(descriptor) if answer == "busy" else ""
        except BaseException:  # interrupted while it waits
            os.close(descriptor)
            raise
        os.close(descriptor)
        if answer == "busy":
            raise OutputError(f"{path}: another geolabel{owner} is writing it; wait for it, or write elsewhere with -o")
        if answer == "unknown":
            with suppress(OSError):
                file.unlink()
            return None, False


def _opened(lock: Path) -> tuple[int, bool]:
    """A lock's file, and whether it was there already."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        try:
            return os.open(lock, flags | os.O_CREAT | os.O_EXCL, 0o666), False
        except FileExistsError:
            pass
        with suppress(FileNotFoundError):
            try:
                return os.open(lock, flags), True
            except PermissionError:  # somebody else's
                return os.open(lock, flags & ~os.O_RDWR | os.O_RDONLY), True


def _owner(descriptor: int) -> str:
    """Who holds a lock, for a message; nothing where that cannot be told."""
    with suppress(OSError, ValueError):
        number, _, host = os.pread(descriptor, _TOLD_BYTES, 0).decode().partition(" ")
        if number:
            return f" (process {number})" if host == platform.node() else f" (process {number} on {host})"
    return ""


def _place(path: Path) -> Path:
    """One name for each output, however it is spelled; of a link, that of the link, which is replaced."""
    return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


def _lock_of(place: Path) -> Path:
    return place.with_name(f".{hidden(place.name)}.{_LOCK}")


def _let_go() -> None:
    """A forked child works in what its parent holds, but a lock dies with the parent."""
    for hold in _holds.values():
        if hold.descriptor is not None:
            os.close(hold.descriptor)
            hold.descriptor = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
