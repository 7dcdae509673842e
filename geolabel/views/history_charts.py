"""The course of trainings as charts: of one run, and of several side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.views.charts import Chart, Line, line_colors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TRAIN, _VAL = "#3b7dd8", "#d1622b"
MEASURES = {
    "train_loss": ("Training loss", "loss"),
    "val_loss": ("Validation loss", "loss"),
    "val_average_precision": ("Average precision, validation", "average precision"),
    "val_f1": ("F1 at .5, validation", "F1"),
    "score": ("Score on what does not train", "score"),
    "active": ("Tuples that still teach", "share"),
    "lr": ("Learning rate", "learning rate"),
}
"""Columns of a history: title, and axis."""
_SCORES = ("val_average_precision", "val_f1", "score", "active")


@dataclass(frozen=True, slots=True)
class History:
    """What was measured, epoch by epoch."""

    epoch: tuple[int, ...]
    columns: Mapping[str, tuple[float, ...]]
    """Numbers (epochs,) by their name: train_loss, lr, and what else the run has measured; NaN where there is none."""
    best: int
    """The epoch whose weights were kept; 0 where none is known."""

    def at_best(self, name: str) -> float | None:
        """A measure at the epoch that was kept."""
        values = self.columns.get(name)
        if values is None or self.best not in self.epoch:
            return None
        found = values[self.epoch.index(self.best)]
        return found if math.isfinite(found) else None


def loss_chart(history: History) -> Chart:
    """Training loss, and validation loss where there is one, by epoch."""
    lines = [_line(history, "train_loss", "training", _TRAIN, marked="val_loss" not in history.columns)]
    if "val_loss" in history.columns:
        lines.append(_line(history, "val_loss", "validation", _VAL, marked=True))
    return _chart("Loss", "loss", lines, from_zero=True)


def course_charts(history: History) -> dict[str, Chart]:
    """Charts of one run by file name: loss, scores, gap where there is a validation loss, and the rate."""
    found = {"loss": loss_chart(history)}
    named = [name for name in _SCORES if any(map(math.isfinite, history.columns.get(name, ())))]
    if named:
        looks = line_colors([_VAL, *[None] * (len(named) - 1)])
        lines = [
            _line(history, name, MEASURES[name][0], color, dash=dash, marked=at == 0)
            for at, (name, (color, dash)) in enumerate(zip(named, looks, strict=True))
        ]
        found["scores"] = Chart("Scores", "epoch", "score", tuple(lines), x_range=_across(lines), whole_x=True)
    if "val_loss" in history.columns:
        gap = [
            val - train for train, val in zip(history.columns["train_loss"], history.columns["val_loss"], strict=True)
        ]
        line = Line("validation − training", _VAL, tuple(map(float, history.epoch)), tuple(gap))
        found["gap"] = _chart("Gap of the losses", "validation − training loss", [line], from_zero=True)
    if "lr" in history.columns:
        found["rate"] = _chart(*MEASURES["lr"], [_line(history, "lr", "of the head", _TRAIN)], from_zero=True)
    return found


def side_by_side(runs: Sequence[tuple[str, History]]) -> dict[str, Chart]:
    """A chart for each measure, by its column, with a line for each run (name, history) that has it."""
    looks = line_colors([None] * len(runs))
    found = {}
    for column, (title, axis) in MEASURES.items():
        lines = [
            _line(history, column, name, color, dash=dash, marked=True)
            for (name, history), (color, dash) in zip(runs, looks, strict=True)
            if column in history.columns and any(map(math.isfinite, history.columns[column]))
        ]
        if lines and column in _SCORES:
            found[column] = Chart(title, "epoch", axis, tuple(lines), x_range=_across(lines), whole_x=True)
        elif lines:
            found[column] = _chart(title, axis, lines, from_zero=True)
    return found


def trials_chart(searches: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """What each trial of some searches (name, scores) gave, NaN where it was stopped (not all); marked at the best."""
    looks = line_colors([None] * len(searches))
    lines = []
    for (name, values), (color, dash) in zip(searches, looks, strict=True):
        best = int(np.nanargmax(values))
        lines.append(
            Line(
                name,
                color,
                tuple(map(float, range(len(values)))),
                tuple(values),
                note=f"best: trial {best}",
                mark=(float(best), values[best]),
                dots=(2.5,) * len(values),
                dash=dash,
            )
        )
    across = (0.0, max(1.0, *(float(len(values) - 1) for _, values in searches)))
    return Chart("Trials", "trial", "average precision on val", tuple(lines), across, whole_x=True)


def _line(history: History, column: str, title: str, color: str, *, dash: str = "", marked: bool = False) -> Line:
    """A column by epoch, marked at the epoch that was kept."""
    best = history.at_best(column) if marked else None
    return Line(
        title,
        color,
        tuple(map(float, history.epoch)),
        history.columns[column],
        note="" if best is None else f"kept: epoch {history.best}",
        mark=None if best is None else (float(history.best), best),
        dash=dash,
    )


def _chart(title: str, axis: str, lines: Sequence[Line], *, from_zero: bool) -> Chart:
    """Axes that hold all finite values; `from_zero`, and zero."""
    values = [value for line in lines for value in line.y if math.isfinite(value)]
    low, high = min([*values, *[0.0] * from_zero], default=0.0), max(values, default=0.0)
    room = 0.05 * max(high - low, 1e-9)
    high = high + room if high > low else low + 1.0
    return Chart(title, "epoch", axis, tuple(lines), _across(lines), (low, high), whole_x=True)


def _across(lines: Iterable[Line]) -> tuple[float, float]:
    epochs = [epoch for line in lines for epoch in line.x]
    first = min(epochs)
    return min(1.0, first), max(*epochs, first + 1)
