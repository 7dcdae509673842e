"""The last line of a folder's run.json: what made it, and what each file in it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geolabel import files, provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OUTPUTS = "outputs"
_LOG = "tensorboard"
"""To be watched while a network learns: each of its files is named after the host and the time."""


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write run.json into a folder in which all else is written. Raises OutputError."""
    files.write_json(folder / files.RECORD, record)
    close_record(folder)


def close_record(folder: Path) -> None:
    """Add to the run.json of a folder that is done what made it, and the digest of each file beside it.

    Raises InputError, OutputError.
    """
    record = dict(files.read_json(folder / files.RECORD, "the record of a folder"))
    told = provenance.said(folder / files.RECORD) or {}
    told.pop("content", None)  # that of a record would change with it
    found = files_in(folder)
    record |= {provenance.MADE: told} if told else {}
    record[OUTPUTS] = {name: provenance.content_digest(path) for name, path in found.items()}
    files.write_json(folder / files.RECORD, record)


def files_in(folder: Path) -> dict[str, Path]:
    """Name as seen from the folder → file, by name: all but the record, logs, and what is hidden."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    named = {path.relative_to(folder): path for path in paths}
    return {
        name.as_posix(): path
        for name, path in named.items()
        if name.as_posix() != files.RECORD and not any(part.startswith(".") or part == _LOG for part in name.parts)
    }
