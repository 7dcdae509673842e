"""The work folder of a search for changes: prepared images and predictions stand there until the alerts are whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import ContractError, EmptyError, InputError, InterruptedRunError, OptionError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ENDING = ".work"
_NAME = "change.json"


@contextmanager
def work_folder(target: Path, told: Mapping[str, Any], *, overwrite: bool) -> Iterator[Path]:
    """A folder beside `target` to work in; the same job, told by `told`, goes on in it where it was stopped.

    It is taken away in the end, and where the input is at fault: another run would meet that again. Whatever else
    fails, what is done stays. Raises OutputError where it holds another job that is not to be
    overwritten, InterruptedRunError.
    """
    folder = work_of(target).folder
    stamp = hashlib.blake2b(json.dumps(files.to_json(told), sort_keys=True).encode(), digest_size=16).hexdigest()
    if folder.exists():
        record = folder / _NAME
        if not record.is_file():
            raise OutputError(f"{folder}: is in the way, and none of geolabel's; move it, or give another name with -o")
        if files.read_json(record, "the record of a work folder").get("stamp") != stamp:
            if not overwrite:
                raise OutputError(
                    f"{folder}: holds the work of another run (other images or options); give --overwrite to begin anew"
                )
            shutil.rmtree(folder)
    with files.writing(folder):
        folder.mkdir(exist_ok=True)
        files.write_json(folder / _NAME, {"stamp": stamp})
    try:
        yield folder
    except (KeyboardInterrupt, InterruptedRunError) as error:
        raise InterruptedRunError(f"interrupted; {folder} keeps what is done. Go on there with:") from error
    except (InputError, ContractError, EmptyError, OptionError):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    files.take_away(folder)


def work_of(target: Path) -> files.Work:
    """Where a search for changes is at work until `target` is whole."""
    return files.Work(target.with_name(target.name + ENDING), files.take_away)


def stamp_of(path: Path) -> str:
    """What tells one state of a file from another, of files that may be large."""
    return files.fingerprint(path) if path.exists() else str(path)
