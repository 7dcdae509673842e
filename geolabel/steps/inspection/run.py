"""What the folder of a training, of an evaluation and of a report on labels hold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import InputError
from geolabel.steps.inspection.folder import FileRow, files_of, options_of, part_of, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL, HISTORY, CHECKPOINT, METRICS = "model.safetensors", "history.csv", "checkpoint.ckpt", "metrics.json"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class EpochRow:
    """An epoch; what a training of another kind does not measure is None."""

    epoch: int
    best: bool
    """Whether no epoch before was better."""
    train_loss: float | None
    val_loss: float | None
    val_average_precision: float | None
    val_f1: float | None
    active: float | None
    """Share of the tuples that still taught something; of embedders."""
    score: float | None
    """By which an embedder's epochs are judged."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Scores of a class."""

    name: str
    tiles: int | None
    positives: int | None
    average_precision: float | None
    auc: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The folder of a training."""

    kind: Literal["training run"]
    path: Path
    made_by: str
    state: str
    """Finished, or at which epoch it was stopped."""
    epochs: int
    best_epoch: int | None
    seconds: float | None
    """Of all epochs; None where it has none."""
    tiles_fingerprint: str
    """Of the index it was trained on."""
    options: dict[str, str]
    """That are not as by default."""
    versions: tuple[str, ...]
    history: tuple[EpochRow, ...]
    """Some of the epochs, the best among them."""
    scores: tuple[ScoreRow, ...]
    """On the validation tiles, which chose the model."""
    files: tuple[FileRow, ...]


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The folder of an evaluation."""

    kind: Literal["evaluation"]
    path: Path
    model: str
    split: str
    """Part of the tiles that was scored."""
    tiles: int | None
    method: str
    """How the parts were drawn."""
    macro_average_precision: float | None
    macro_auc: float | None
    macro_f1: float | None
    options: dict[str, str]
    versions: tuple[str, ...]
    scores: tuple[ScoreRow, ...]
    files: tuple[FileRow, ...]
    doubts: tuple[str, ...]
    """What a reader of the numbers should know."""


def inspect_training(folder: Path, record: dict[str, Any]) -> TrainingReport:
    """Describe the folder of `train` or `embed train`, finished or not. Raises InputError where it is damaged."""
    rows = _history(folder / HISTORY)
    best = max((row.epoch for row in rows if row.best), default=None)
    metrics = _metrics(folder)
    return TrainingReport(
        kind="training run",
        path=folder,
        made_by=f"geolabel {record['command']}",
        state=_state(folder, len(rows)),
        epochs=len(rows),
        best_epoch=best,
        seconds=_seconds(folder / HISTORY),
        tiles_fingerprint=str(record.get("tiles_fingerprint") or ""),
        options=options_of(record),
        versions=versions_of(record),
        history=_some(rows, best),
        scores=tuple(_scores(metrics.get("val"))),
        files=files_of(folder),
    )


def inspect_evaluation(folder: Path, record: dict[str, Any]) -> EvaluationReport:
    """Describe the folder of an evaluation. Raises InputError where it is damaged."""
    metrics = _metrics(folder)
    scores = part_of(metrics, folder, "scores")
    return EvaluationReport(
        kind="evaluation",
        path=folder,
        model=str(metrics.get("model") or part_of(record, folder, "inputs").get("model") or ""),
        split=str(metrics.get("split") or ""),
        tiles=metrics.get("tiles"),
        method=str(metrics.get("method") or ""),
        macro_average_precision=scores.get("macro_average_precision"),
        macro_auc=scores.get("macro_auc"),
        macro_f1=scores.get("macro_f1"),
        options=options_of(record),
        versions=versions_of(record),
        scores=tuple(_scores(scores)),
        files=files_of(folder),
        doubts=tuple(map(str, part_of(metrics, folder, "doubts", list))),
    )


def _metrics(folder: Path) -> dict[str, Any]:
    path = folder / METRICS
    found = files.read_json(path, "the scores of a run") if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _state(folder: Path, epochs: int) -> str:
    if (folder / METRICS).is_file() and (folder / MODEL).is_file():
        return "finished"
    resumed = "; train --resume goes on" if (folder / CHECKPOINT).is_file() else ""
    return f"not finished, {epochs} epochs done{resumed}"


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _history(path: Path) -> list[EpochRow]:
    """Epochs of a run; none where it has no history. Raises InputError where it is damaged."""
    names = ("train_loss", "val_loss", "val_average_precision", "val_f1", "active", "score")
    try:
        return [
            EpochRow(
                int(row["epoch"]),
                row["best"] == "True",
                *(float(row[name]) if row.get(name) else None for name in names),
            )
            for row in _table(path)
        ]
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is damaged ({error}); the run's metrics.json holds the history, too") from error


def _seconds(path: Path) -> float | None:
    rows = _table(path)
    return sum(float(row.get("seconds") or 0) for row in rows) if rows else None


def _some(rows: list[EpochRow], best: int | None) -> tuple[EpochRow, ...]:
    """Some epochs, evenly, with the first, the best and the last."""
    step = max(1, -(-len(rows) // _SHOWN))
    kept = {0, len(rows) - 1, *range(0, len(rows), step)}
    return tuple(row for at, row in enumerate(rows) if at in kept or row.epoch == best)


def _scores(scores: Any) -> Iterator[ScoreRow]:
    names = ("tiles", "positives", "average_precision", "auc", "precision", "recall", "f1")
    for row in (scores.get("classes") or ()) if isinstance(scores, dict) else ():
        yield ScoreRow(str(row["name"]), *(row.get(name) for name in names))
