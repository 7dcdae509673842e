"""Outputs: refused before any work, written whole or not at all, one process at a time."""

from __future__ import annotations

import errno
import json
import re
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel import provenance
from geolabel.errors import GeolabelError, OutputError
from geolabel.files.drafts import KEPT, REPLACED, begin, bring_back, draft_room, is_spent, let_go
from geolabel.files.locks import claim, held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

RECORD = "run.json"
"""Every folder that geolabel makes holds its manifest under this name."""
_HARDLY_ANY_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SAYS_FULL = re.compile(r"disk is full\b(?!\?)|no space left|disk quota", re.IGNORECASE)
"""In the words of SQLite, and of C."""


@dataclass(frozen=True, slots=True)
class Work:
    """A folder beside an output, in which what is done stands until the output is whole."""

    folder: Path
    clear: Callable[[Path], None]
    """Takes it away, drafts in it last."""


def check_new(
    path: Path,
    *,
    overwrite: bool,
    folder: str = "",
    inputs: Iterable[Path | None] = (),
    work: Work | None = None,
    shared: bool = False,
) -> None:
    """Refuse an output before any work: one that exists (unless `overwrite`), that cannot be written, or is an input.

    `folder` names the command whose folder it is to be; empty for a file. A folder is replaced only where the old one
    is empty, or holds a run.json of the same command. The output is claimed with its `work` folder: see `claim`, also
    for `shared`. Raises OutputError.
    """
    if not path.name.isprintable():
        raise OutputError(f"{path.name!r}: a name with a line break or the like; give another with -o")
    try:
        path.exists()
    except OSError as error:  # a name that no disk takes
        raise OutputError(
            f"{path.name[:80]}: cannot be written ({error.strerror}); give another name with -o"
        ) from error
    if path.is_symlink() and not path.exists():
        raise OutputError(f"{path}: is a link that leads nowhere; remove it, or choose another name with -o")
    place = path.resolve()
    for source in inputs:
        if source is not None and _is_there(source) and place in (source.resolve(), *source.resolve().parents):
            raise OutputError(f"{path}: is, or holds, the input {source}; write elsewhere with -o")
    trouble = _claimed(path, work, shared=shared)
    _check_kind(path, overwrite=overwrite, folder=folder)
    if trouble is not None:
        raise _output_error(path, trouble) from trouble


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no disk takes: whoever reads it says so
        return False


def claim_to_change(path: Path) -> None:
    """Claim what is there and is to be changed in its place: see `claim`. Raises OutputError."""
    try:
        if path.exists():
            claim(path)
    except OSError as error:
        raise _output_error(path, error) from error


def _claimed(path: Path, work: Work | None, *, shared: bool) -> OSError | None:
    """Claim an output, which may go into a folder that is not there yet; what is in the way of writing there."""
    try:
        claim(path, shared=shared)
        if work is not None:
            if not shared and is_spent(work.folder):
                work.clear(work.folder)
            claim(work.folder, shared=shared)
    except OSError as error:
        return error
    return None


def _check_kind(path: Path, *, overwrite: bool, folder: str) -> None:
    """Refuse what is there already, and is not to be replaced."""
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


def _command_of(folder: Path) -> str | None:
    """The command that made a folder, by its manifest; None where it has none."""
    if not (folder / RECORD).is_file():
        return None
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
    with _own(path, overwrite=overwrite), _draft(path, overwrite=overwrite) as draft:
        yield draft
        provenance.finish(draft)


@contextmanager
def new_directory(
    path: Path, command: str, *, overwrite: bool = False, work: Path | None = None, wait: bool = False
) -> Iterator[Path]:
    """Give a new draft folder beside `path`; rename it on success, remove it on error.

    The draft is made in the folder `work` where that lies on the same disk: then `is_spent(work)` tells whether it has
    got its name. With `wait`, another process that writes `path` is waited for.

    Raises OutputError where `path` exists, is a stranger's, cannot be written, or the disk is full.
    """
    with _own(path, overwrite=overwrite, folder=command, wait=wait):
        near = work is not None and work.stat().st_dev == path.parent.stat().st_dev
        with _draft(path, overwrite=overwrite, within=work if near else None) as draft:
            draft.mkdir()
            if near:
                begin(draft.parent)
            yield draft


@contextmanager
def work_directory(path: Path, command: str, *, overwrite: bool = False) -> Iterator[None]:
    """Make a folder that is worked in under its own name, so that a run that was killed can go on in it.

    A folder it replaces comes back where the work fails, and nothing of the work stays; of a run that was killed it is
    kept until somebody has gone on with that to its end, or begins anew. Raises OutputError.
    """
    with _own(path, overwrite=overwrite, folder=command), writing(path):
        bring_back(path)
        with draft_room(path) as room:
            old = room / KEPT
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
            if old.exists():
                old.replace(room / REPLACED)  # at once: from here on the new one is whole


@contextmanager
def resumed_directory(path: Path) -> Iterator[None]:
    """Go on in a folder of `work_directory`; what is done stays where the work fails. Raises OutputError."""
    with writing(path), held(path):
        yield
        let_go(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Put what goes wrong while `path` is written into words: a full disk, a folder that may not be written."""
    try:
        yield
    except OSError as error:
        if error.errno in (*_FULL, errno.EACCES, errno.EROFS, errno.EPERM):
            raise _output_error(path, error) from error
        raise
    except Exception as error:
        # GDAL, SQLite, Arrow and torch each have words of their own for it; the free room says it plainly
        told = isinstance(error, GeolabelError) and not isinstance(error, OutputError)
        if not told and (_says_full(error) or shutil.disk_usage(path.parent).free < _HARDLY_ANY_BYTES):
            raise _disk_full(path) from error
        raise


def _says_full(error: BaseException) -> bool:
    """Whether an error, or what it came of, is one of a full disk."""
    cause: BaseException | None = error
    while cause is not None:
        if (isinstance(cause, OSError) and cause.errno in _FULL) or _SAYS_FULL.search(str(cause)):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@contextmanager
def _own(path: Path, *, overwrite: bool, folder: str = "", wait: bool = False) -> Iterator[None]:
    """Hold `path` while it is written; it is there to be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(held(path, wait=wait))
            _check_kind(path, overwrite=overwrite, folder=folder)
            holds = stack.pop_all()
    except OSError as error:
        _check_kind(path, overwrite=overwrite, folder=folder)
        raise _output_error(path, error) from error
    with holds:
        yield


@contextmanager
def _draft(path: Path, *, overwrite: bool, within: Path | None = None) -> Iterator[Path]:
    with writing(path), draft_room(path, within) as room, writing(path):
        draft = room / path.name
        with provenance.landing(draft.parent, path.parent), _named(draft, path):
            yield draft
        _move(draft, path, overwrite=overwrite)


@contextmanager
def _named(draft: Path, path: Path) -> Iterator[None]:
    """Call a draft in errors by the name that it is to have."""
    try:
        yield
    except OutputError as error:
        if str(draft) not in str(error):
            raise
        raise OutputError(str(error).replace(str(draft), str(path))) from error


def _move(draft: Path, path: Path, *, overwrite: bool) -> None:
    """Put `draft` in the place of `path`; an old folder is moved aside first, and back where that fails."""
    if path.exists() and not overwrite:  # somebody else was faster
        raise OutputError(f"{path}: appeared while this run was at work; give another name with -o")
    if not path.is_dir():
        draft.replace(path)
        return
    with draft_room(path) as room:
        replaced = room / REPLACED
        path.replace(replaced)
        try:
            draft.replace(path)
        except OSError:
            replaced.replace(path)
            raise


def _output_error(path: Path, error: OSError) -> OutputError:
    if error.errno in _FULL:
        return _disk_full(path)
    return OutputError(f"{path.parent}: cannot be written ({error.strerror}); choose another folder with -o")


def _disk_full(path: Path) -> OutputError:
    return OutputError(f"{path}: the disk is full; free some space or write elsewhere with -o")
