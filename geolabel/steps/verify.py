"""`geolabel verify`: whether outputs, and what they were made of, are still what they were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from geolabel import files, provenance
from geolabel.errors import InputError
from geolabel.steps.record import OUTPUTS, files_in
from geolabel.steps.verifying.inputs import input_rows
from geolabel.steps.verifying.rows import FileRow, State, digest_of, row_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BAD: tuple[State, ...] = ("changed", "missing")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class MadeRow:
    """An output, and what made it."""

    output: str
    made_by: str
    version: str
    """Of geolabel."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What is as it was, and what is not."""

    outputs: tuple[MadeRow, ...]
    files: tuple[FileRow, ...]
    verdict: tuple[str, ...]
    """Sentences; the last sums up."""

    @property
    def healthy(self) -> bool:
        """Whether nothing that was written down is changed, and no output is missing."""
        return not any(row.state in _BAD for row in self.files)


def verify(outputs: Sequence[Path]) -> VerifyReport:
    """Compare outputs, folders or files, and their inputs, with what was written down when they were made.

    Outputs by a digest of all that is in them; inputs by the fingerprint that commands record of them, of large files a
    sample, where they are found. Nothing is written. Raises InputError for what geolabel did not make.
    """
    made: list[MadeRow] = []
    rows: list[FileRow] = []
    notes: list[str] = []
    for output in outputs:
        told, found, note = _folder(output) if output.is_dir() else _file(output)
        made.append(MadeRow(str(output), f"geolabel {told.get('command')}", _version(told)))
        rows += found if len(outputs) == 1 else [_within(output, row) for row in found]
        notes += [note] if note else []
    rows.sort(key=lambda row: row.state == "same")
    return VerifyReport(tuple(made), tuple(rows), (*notes, _sum(rows)))


def _folder(folder: Path) -> tuple[Mapping[str, Any], list[FileRow], str]:
    record = _record(folder)
    if record is None:
        raise InputError(
            f"{folder}: holds no run.json of geolabel's, so nothing is known of it; name a folder that geolabel made, "
            "or the files in it"
        )
    inputs = input_rows(record, folder)
    recorded, there = record.get(OUTPUTS), files_in(folder)
    if not isinstance(recorded, dict):
        rows = [FileRow(name, "output", "", "", "not recorded") for name in there]
        note = f"{folder}: its files were not recorded: the run did not come to its end, or an older geolabel made it."
        return record, [*rows, *inputs], note
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in recorded):
        raise InputError(f"{folder / files.RECORD}: is damaged (it names files elsewhere); make the folder again")
    rows = [row_of(name, "output", str(told), digest_of(folder / name), "missing") for name, told in recorded.items()]
    rows += [FileRow(name, "output", "", "", "new") for name in there if name not in recorded]
    return record, [*rows, *inputs], ""


def _file(path: Path) -> tuple[Mapping[str, Any], list[FileRow], str]:
    files.check_readable(path, "an output of geolabel")
    folder = next((up for up in path.absolute().parents if _recorded(up, path) is not None), None)
    if folder is not None:  # its folder knows it
        record = _record(folder) or {}
        row = row_of(path.name, "output", _recorded(folder, path), digest_of(path), "missing")
        return record, [row, *input_rows(record, folder)], f"{path}: compared with the run.json of its folder."
    try:
        told, found = provenance.read_made(path), provenance.sealed(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}); make it again, or restore it from a copy") from error
    if told is None:
        raise InputError(
            f"{path}: does not say that geolabel made it, or an older one did; name an output that says so, "
            "or its folder"
        )
    recorded, there = found or (None, None)
    row = row_of(path.name, "output", recorded, there, "not recorded")
    note = "" if found else f"{path}: {_unsealed(path)}"
    return told, [row, *input_rows(told, path.parent)], note


def _unsealed(path: Path) -> str:
    """Why a file that says what made it holds no digest of itself."""
    kind = path.suffix.lower()
    why = "is packed, and has no place for a digest of itself" if kind == ".pmtiles" else "was taken out of its folder"
    return f"{why}, so only its inputs can be compared."


def _record(folder: Path) -> dict[str, Any] | None:
    """The run.json of a folder that geolabel made."""
    path = folder / files.RECORD
    if not path.exists():
        return None
    record = files.read_json(path, "the run.json of a folder that geolabel made")
    return record if isinstance(record, dict) and isinstance(record.get("command"), str) else None


def _recorded(folder: Path, path: Path) -> str | None:
    """The digest that the run.json of a folder holds of a file in it."""
    if not (folder / files.RECORD).is_file():
        return None
    try:
        told = files.read_json(folder / files.RECORD, "a run.json")[OUTPUTS]
        found = told.get(path.absolute().relative_to(folder).as_posix())
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return str(found) if found else None


def _version(told: Mapping[str, Any]) -> str:
    made = told.get(provenance.MADE)
    versions = told.get("versions")
    known = told.get("version") or (made.get("version") if isinstance(made, dict) else None)
    return str(known or (versions.get("geolabel") if isinstance(versions, dict) else None) or "")


def _within(output: Path, row: FileRow) -> FileRow:
    base = output if output.is_dir() else output.parent
    return replace(row, file=(base / row.file).as_posix())


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])])


def _sum(rows: Sequence[FileRow]) -> str:
    """The result in one sentence."""
    output = [row for row in rows if row.role == "output"]
    read = [row for row in rows if row.role != "output"]
    bad = {state: [row.file for row in rows if row.state == state] for state in _BAD}
    if any(bad.values()):
        told = [f"{len(names)} {state} ({_some(names)})" for state, names in bad.items() if names]
        first = f"Not as it was made: {'; '.join(told)}"
    else:
        same = sum(row.state == "same" for row in output)
        first = f"All {same} files are as they were made" if same != 1 else "The file is as it was made"
        first = first if same else "Nothing that was written down is changed"
    others: tuple[tuple[Sequence[FileRow], State, str, str], ...] = (
        (read, "same", "1 input is the same", "{} inputs are the same"),
        (read, "not here", "1 input is not here", "{} inputs are not here"),
        (output, "new", "1 file is new", "{} files are new"),
        (rows, "not recorded", "1 was not recorded", "{} were not recorded"),
    )
    counted = [(sum(row.state == state for row in among), one, many) for among, state, one, many in others]
    return (
        "; ".join([first, *(one if count == 1 else many.format(count) for count, one, many in counted if count)]) + "."
    )
