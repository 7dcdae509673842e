"""What the page of an embedding's evaluation shows, gathered from its report."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import listed
from geolabel.steps.embed.evaluation.draws import BALANCED
from geolabel.views.embedding_report import EmbeddingPage, ScoreTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geolabel.steps.embed.evaluate import EmbedEvaluateReport
    from geolabel.steps.embed.evaluation.table import Spread

_COLUMNS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced",
    "map_at_r": "MAP@R",
    "knc": "kNC",
    "soft_map_at_r": "Soft MAP@R",
    "gsil": "gSil",
    "summed_error": "Summed error",
    "map_at_1_compat": "MAP@1, compat",
    "map_at_10_compat": "MAP@10, compat",
    "gsil_compat": "gSil, compat",
}
_MIXES = {
    True: ("Balanced classes", "As many tiles of each class."),
    False: ("Natural mix", "Tiles as they come."),
}
_MEANING = (
    "Probes learned on training tiles and were asked on test tiles of other places. 1 is best, of the summed error 0; "
    "bars show accuracy. Balanced is the mean accuracy of classes, kNC the accuracy of the nearest clusters. Chance "
    "tells the commonest class, the mean shares, and vectors drawn at random."
)


def page_of(report: EmbedEvaluateReport, tiles: Path) -> EmbeddingPage:
    """The page of a report on `tiles`."""
    model = next(row for row in report.labels if row.encoder == "model")
    return EmbeddingPage(
        subject=report.model.name,
        about=(
            f"Vectors of {report.size} numbers, judged on {tiles.name} by {listed(report.classes)}: mean and deviation "
            f"of {report.repeats} repeats, each on tiles drawn anew."
        ),
        facts=(
            (_short(model.accuracy), f"accuracy by {report.probes['accuracy']}, {model.mix} mix"),
            (_short(model.map_at_r), f"MAP@R, {model.mix} mix"),
            (f"{report.tiles['train']:,}", "labelled training tiles"),
            (f"{report.tiles['test']:,}", "labelled test tiles"),
        ),
        verdicts=report.verdicts,
        tables=tuple(_tables(report)),
        doubts=report.doubts,
    )


def _tables(report: EmbedEvaluateReport) -> Iterator[ScoreTable]:
    for mix in dict.fromkeys(row.mix for row in report.labels):
        kinds: list[list[Any]] = [
            [row for row in rows if row.mix == mix] for rows in (report.labels, report.shares, report.compat) if rows
        ]
        columns = [column.name for rows in kinds for column in fields(rows[0]) if column.name in _COLUMNS]
        rows = []
        for alike in zip(*kinds, strict=True):  # one encoder, in each kind of table
            scores = {column.name: getattr(row, column.name) for row in alike for column in fields(row)}
            told = tuple(str(scores[name]) for name in columns)
            rows.append((alike[0].encoder, _length(alike[0].accuracy), told))
        title, words = _MIXES[mix == BALANCED]
        yield ScoreTable(title, f"{words} {_MEANING}", tuple(_COLUMNS[name] for name in columns), tuple(rows))
    if report.by_probe:
        yield _probes(report)


def _probes(report: EmbedEvaluateReport) -> ScoreTable:
    rows = []
    for row in report.by_probe:
        scores = (row.accuracy, row.balanced_accuracy, row.summed_error)
        told = tuple("–" if one is None else str(one) for one in scores)
        rows.append((f"{row.encoder}, {row.mix}, {row.probe}", _length(row.accuracy), told))
    columns = ("Accuracy", "Balanced accuracy", "Summed error")
    return ScoreTable("Probes", "Each probe on the vectors of each encoder.", columns, tuple(rows))


def _length(found: Spread | None) -> float:
    return 0.0 if found is None or np.isnan(found.mean) else found.mean


def _short(found: Spread) -> str:
    return "–" if np.isnan(found.mean) else f"{found.mean:.3f}"
