"""What a report on labels holds, in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.steps.inspection.folder import FileRow, files_of, part_of, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How much there is of one class."""

    name: str
    color: str
    share: float | None
    """Mean over the tiles in which it is known."""
    ha: float | None
    tiles: int
    """With any share of it."""
    known: int
    """Tiles in which it is known, present or not."""


@dataclass(frozen=True, slots=True)
class LabelsReport:
    """The folder of `label --report`."""

    kind: Literal["label report"]
    path: Path
    tiles: int
    tiles_known: int
    area_ha: float | None
    unknown_share: float
    """Share of the tiles' area of which no source speaks."""
    imbalance: float | None
    """How many times more there is of the commonest class than of the rarest that there is."""
    sources: tuple[str, ...]
    """Of the labels."""
    agreement: tuple[str, ...]
    """Of each two sources: share of the area of which both speak where they say the same."""
    attribution: tuple[str, ...]
    versions: tuple[str, ...]
    classes: tuple[ClassRow, ...]
    files: tuple[FileRow, ...]
    notes: tuple[str, ...]


def inspect_labels(folder: Path, record: dict[str, Any]) -> LabelsReport:
    """Describe a report on labels. Raises InputError where it is damaged."""
    found = files.read_json(folder / "summary.json", "the summary of a report on labels")
    sources = part_of(record, folder, "inputs").get("label_sources") or ()
    return LabelsReport(
        kind="label report",
        path=folder,
        tiles=int(found.get("tiles") or 0),
        tiles_known=int(found.get("tiles_known") or 0),
        area_ha=found.get("area_ha"),
        unknown_share=float(found.get("unknown_share") or 0),
        imbalance=found.get("imbalance"),
        sources=tuple(str(entry.get("path") or entry.get("name")) for entry in sources),
        agreement=tuple(_agreements(part_of(found, folder, "confusion", list))),
        attribution=tuple(map(str, record.get("attribution") or ())),
        versions=versions_of(record),
        classes=tuple(_classes(part_of(found, folder, "classes", list))),
        files=files_of(folder),
        notes=tuple(map(str, part_of(found, folder, "notes", list))),
    )


def _agreements(confusions: list[dict[str, Any]]) -> Iterator[str]:
    for entry in confusions:
        if entry.get("agreement") is not None:
            yield f"{' and '.join(map(str, entry['sources']))} {entry['agreement']:.0%}"


def _classes(rows: list[dict[str, Any]]) -> Iterator[ClassRow]:
    """The report holds no colours: those of a scheme made of the names."""
    if not rows:
        return
    scheme = complete(Scheme("labels", tuple(LabelClass(str(row["name"])) for row in rows)))
    for row, entry in zip(rows, scheme.classes, strict=True):
        yield ClassRow(
            entry.name, entry.color, row.get("share"), row.get("ha"), int(row["tiles"]), int(row["tiles_known"])
        )
