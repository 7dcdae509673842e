"""What every folder that geolabel makes has: a manifest, and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import InputError
from geolabel.steps.inspection.options import told_options
from geolabel.steps.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a folder, or a folder in it."""

    file: str
    bytes: int
    """Of a folder, with all that is in it."""


@dataclass(frozen=True, slots=True)
class FolderReport:
    """A folder that some command made which has no report of its own here."""

    kind: Literal["folder"]
    path: Path
    made_by: str
    options: dict[str, str]
    counts: dict[str, str]
    """What the command counted, as it wrote it down."""
    versions: tuple[str, ...]
    attribution: tuple[str, ...]
    files: tuple[FileRow, ...]


def inspect_folder(folder: Path, record: dict[str, Any]) -> FolderReport:
    """Describe a folder by its manifest."""
    counts = record.get("counts")
    return FolderReport(
        kind="folder",
        path=folder,
        made_by=f"geolabel {record['command']}",
        options=options_of(record),
        counts={
            name: str(value) for name, value in (counts.items() if isinstance(counts, dict) else ()) if _is_plain(value)
        },
        versions=versions_of(record),
        attribution=tuple(map(str, record.get("attribution") or ())),
        files=files_of(folder),
    )


def read_record(folder: Path) -> dict[str, Any] | None:
    """A folder's manifest; None where it has none, or a stranger's. Raises InputError where it is damaged."""
    path = folder / files.RECORD
    if not path.is_file():
        return None
    record = files.read_json(path, "the run.json of a folder that geolabel made")
    if not isinstance(record, dict) or not isinstance(record.get("command"), str):
        return None
    return read_manifest(folder)


def part_of(record: dict[str, Any], path: Path, key: str, kind: type[Any] = dict) -> Any:
    """A part of a manifest, empty where there is none. Raises InputError where it is not of its kind."""
    found = record.get(key)
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise InputError(f"{path / files.RECORD}: its {key!r} is damaged; make the folder again")
    return found


def options_of(record: dict[str, Any]) -> dict[str, str]:
    """The options of a run that say something."""
    options = record.get("options")
    return told_options(str(record["command"]), options) if isinstance(options, dict) else {}


def versions_of(record: dict[str, Any]) -> tuple[str, ...]:
    """Libraries with the versions that a run had."""
    versions = record.get("versions")
    return tuple(f"{name} {number}" for name, number in versions.items()) if isinstance(versions, dict) else ()


def files_of(folder: Path) -> tuple[FileRow, ...]:
    """What lies in a folder, by name."""
    return tuple(
        FileRow(f"{entry.name}/" if entry.is_dir() else entry.name, _bytes(entry)) for entry in sorted(folder.iterdir())
    )


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())
    return path.stat().st_size


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
