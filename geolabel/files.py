"""Whole-or-nothing writes, JSON, fingerprints and run manifests."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import platform
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel.errors import GeolabelError, InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RECORD = "run.json"
"""Every folder that geolabel makes holds its manifest under this name."""
_SAMPLE_BYTES = 1 << 16
_SAMPLES = 16
_HARDLY_ANY_BYTES = 1 << 20


def check_new(path: Path, *, overwrite: bool, folder: str = "", inputs: Iterable[Path | None] = ()) -> None:
    """Refuse an output before any work: one that exists (unless `overwrite`), that cannot be written, or is an input.

    `folder` names the command whose folder it is to be; empty for a file. A folder is replaced only where the old one
    is empty, or holds a run.json of the same command. Raises OutputError.
    """
    if not path.name.isprintable():
        raise OutputError(f"{path.name!r}: a name with a line break or the like; give another with -o")
    try:
        path.exists()
    except OSError as error:  # a name that no disk takes
        raise OutputError(
            f"{path.name[:80]}: cannot be written ({error.strerror}); give another name with -o"
        ) from error
    place = path.resolve()
    for source in inputs:
        if source is not None and source.exists() and place in (source.resolve(), *source.resolve().parents):
            raise OutputError(f"{path}: is, or holds, the input {source}; write elsewhere with -o")
    if path.exists() and not overwrite:
        hint = "--resume, " if folder in ("train", "tune", "embed train") else ""
        raise OutputError(f"{path}: exists already; give {hint}--overwrite, or another name with -o")
    if path.is_dir() and not folder:
        raise OutputError(f"{path}: is a folder; a file is to be written, choose another name with -o")
    if path.exists() and not path.is_dir() and (folder or not path.is_file()):
        raise OutputError(f"{path}: is no {'folder' if folder else 'file'}; choose another name with -o")
    if path.is_dir() and any(path.iterdir()) and _command_of(path) != folder:
        raise OutputError(
            f"{path}: is a folder that geolabel {folder} did not make and does not replace; choose another with -o"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _output_error(path, error) from error


def _command_of(folder: Path) -> str | None:
    """The command that made a folder, by its manifest; None where it has none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(record.get("command")) if isinstance(record, dict) else None


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a draft path beside `path`; rename it on success, remove it on error.

    Raises OutputError where `path` exists, cannot be written, or the disk is full.
    """
    check_new(path, overwrite=overwrite)
    with _draft(path, overwrite=overwrite) as draft:
        yield draft


@contextmanager
def new_directory(path: Path, command: str, *, overwrite: bool = False, room: Path | None = None) -> Iterator[Path]:
    """Give a new draft folder beside `path`; rename it on success, remove it on error.

    The draft is made in the folder `room` where that lies on the same disk: whoever is killed leaves it there.

    Raises OutputError where `path` exists, is a stranger's, cannot be written, or the disk is full.
    """
    check_new(path, overwrite=overwrite, folder=command)
    near = room is not None and room.stat().st_dev == path.parent.stat().st_dev
    with _draft(path, overwrite=overwrite, within=room if near else None) as draft:
        draft.mkdir()
        yield draft


@contextmanager
def work_directory(path: Path, command: str, *, overwrite: bool = False) -> Iterator[None]:
    """Make a folder that is worked in under its own name, so that a run that was killed can go on in it.

    A folder it replaces comes back where the work fails, and nothing of the work stays. Raises OutputError.
    """
    check_new(path, overwrite=overwrite, folder=command)
    with _room(path) as room:
        old = room / "replaced"
        if path.exists():
            path.replace(old)
        try:
            with writing(path):
                path.mkdir()
                yield
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            if old.exists():
                old.replace(path)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Put what goes wrong while `path` is written into words: a full disk, a folder that may not be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM):
            raise _output_error(path, error) from error
        raise
    except Exception as error:
        # GDAL, SQLite, Arrow and torch each have words of their own for it; the free room says it plainly
        told = isinstance(error, GeolabelError) and not isinstance(error, OutputError)
        if not told and shutil.disk_usage(path.parent).free < _HARDLY_ANY_BYTES:
            raise _disk_full(path) from error
        raise


@contextmanager
def _draft(path: Path, *, overwrite: bool, within: Path | None = None) -> Iterator[Path]:
    with _room(path, within) as room, writing(path):
        draft = room / path.name
        yield draft
        _move(draft, path, room / "replaced", overwrite=overwrite)


@contextmanager
def _room(path: Path, within: Path | None = None) -> Iterator[Path]:
    """A hidden folder beside `path`, or `within` another, on the same disk, gone afterwards."""
    room = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".draft", dir=within or path.parent))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _move(draft: Path, path: Path, replaced: Path, *, overwrite: bool) -> None:
    """Put `draft` in the place of `path`; an old folder is moved aside first, and back where that fails."""
    if path.exists() and not overwrite:  # somebody else was faster
        raise OutputError(f"{path}: appeared while this run was at work; give another name with -o")
    if not path.is_dir():
        draft.replace(path)
        return
    path.replace(replaced)
    try:
        draft.replace(path)
    except OSError:
        replaced.replace(path)
        raise


def _output_error(path: Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(path)
    return OutputError(f"{path.parent}: cannot be written ({error.strerror}); choose another folder with -o")


def _disk_full(path: Path) -> OutputError:
    return OutputError(f"{path}: the disk is full; free some space or write elsewhere with -o")


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
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: may not be read; check its permissions")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; {what} was expected, copy or download it again")


def fingerprint(path: Path) -> str:
    """Short hash of a file's size and of sixteen samples spread over it: cheap for a 30 GB mosaic.

    Files of up to 1 MiB are hashed whole. A folder is hashed by the names and sizes in it.
    """
    digest = hashlib.blake2b(digest_size=16)
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


def to_json(value: Any) -> Any:
    """Plain JSON values of dataclasses, paths, numpy scalars and arrays; NaN and infinity become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return to_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all, over what was there."""
    with new_file(path, overwrite=True) as draft:
        draft.write_text(json.dumps(to_json(value), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path, what: str) -> Any:
    """Read JSON. Raises InputError where the file is missing, empty or no JSON."""
    check_readable(path, what)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is not JSON ({error}); {what} was expected") from error


def versions() -> dict[str, str]:
    """Versions of what a result depends on, for manifests."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in ("geolabel", "torch", "timm", "rasterio", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
