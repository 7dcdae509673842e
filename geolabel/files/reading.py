"""Inputs before they are read: whether they can be, and what tells one state of a file from another."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from geolabel.errors import InputError

_SAMPLE_BYTES = 1 << 16
_SAMPLES = 16


def check_readable(path: Path, what: str) -> None:
    """Raise InputError where `path` is no readable, non-empty file."""
    try:
        there = path.exists()
    except OSError as error:  # a name that no disk takes
        raise InputError(f"{str(path)[:80]}: no such file ({error.strerror}); {what} was expected") from error
    if not there:
        raise InputError(f"{path}: no such file; {what} was expected")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; {what} was expected")
    if not path.is_file():
        raise InputError(f"{path}: is a device or a pipe; save what it gives as a file; {what} was expected")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: may not be read; check its permissions")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; {what} was expected, copy or download it again")


def is_file(path: Path) -> bool:
    """Whether a file is there; it is not for a name that no disk takes, such as the names of many files in one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether a file or folder is there; none is of a name that no disk takes."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises there


def fingerprint(path: Path) -> str:
    """Short hash of a file's size and of sixteen samples spread over it: cheap for a 30 GB mosaic.

    Files of up to 1 MiB are hashed whole. A folder is hashed by the names and sizes in it. Raises InputError of a
    device or a pipe, which may have no end, and OSError.
    """
    digest = hashlib.blake2b(digest_size=16)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: is a device or a pipe; save what it gives as a file")
    if path.is_dir():
        for entry in sorted(path.iterdir()):
            digest.update(f"{entry.name}:{entry.stat().st_size};".encode())
        return digest.hexdigest()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as stream:
        if size <= _SAMPLE_BYTES * _SAMPLES:
            digest.update(stream.read())
        else:
            for sample in range(_SAMPLES):
                stream.seek((size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def relative_to(path: Path, other: Path) -> str:
    """A path as the file `other` names it: relative to the folder in which that lies."""
    return Path(os.path.relpath(path.resolve(), other.parent.resolve())).as_posix()
