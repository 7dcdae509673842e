"""What the page of a training shows and says, gathered from what was learned."""

from __future__ import annotations

import math
import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import listed
from geolabel.learn.predictor import predict_chips
from geolabel.learn.recipe import flag_of
from geolabel.steps.evaluation import groups_of, shares_of
from geolabel.steps.evaluation_page import legend_of
from geolabel.steps.reporting.error_pictures import pictured, show_errors
from geolabel.steps.reporting.errors import find_errors
from geolabel.views.history_charts import History, course_charts
from geolabel.views.train_report import ShownClass, TrainPage, WayRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geolabel.learn.chips import Chips
    from geolabel.learn.history import Row
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.learn.recipe import Recipe
    from geolabel.steps.missing import Trial
    from geolabel.steps.reporting.error_pictures import Tile
    from geolabel.steps.reporting.errors import Errors
    from geolabel.steps.task import Task
    from geolabel.steps.teach import Taught

_FILES = {
    "model.safetensors": "the model, as geolabel predict takes it",
    "last.safetensors": "the network after its last epoch",
    "MODEL_CARD.md": "what the model is for, and what it was trained on",
    "metrics.json": "scores and history as numbers",
    "history.csv": "losses, scores and learning rate by epoch",
    "run.json": "the recipe",
}
_FEW = 10
_WORSE = 1.1
"""Times the validation loss has grown since its lowest, from which it is said."""


def page_of(
    task: Task, chips: Chips, recipe: Recipe, taught: Taught, trials: Sequence[Trial], folder: str, made: set[str]
) -> TrainPage:
    """The page; `folder` is the name of the run folder, `made` the files in it. Predicts the validation tiles."""
    card, index = taught.predictor.card, task.index
    val = task.of_part("val")
    found = predict_chips(taught.predictor, chips, val)
    rows, shares = task.rows[val], shares_of(card, index)[task.rows[val]]
    groups, _ = groups_of(index, rows)
    errors = find_errors(card, index, rows, shares, task.truth[val], found, groups)
    learned = task.truth[task.of_part("train")]
    history = history_of(taught.history)
    return TrainPage(
        subject=f"{card.architecture} on {task.path.name}",
        about=(
            f"{taught.parameters:,} parameters, learned from {len(learned):,} tiles of {task.path.name} and chosen by "
            f"{len(val):,} validation tiles. Scores are of the validation tiles: the model was chosen by them."
        ),
        next=tuple(_next(task, recipe, taught, folder, errors.count)),
        scores=taught.scores,
        train=tuple(ShownClass(int((column == 1).sum()), int(np.isfinite(column).sum())) for column in learned.T),
        train_tiles=len(learned),
        legend=legend_of(card),
        charts=course_charts(history) if history else {},
        course=_course(history, recipe, taught),
        recipe=recipe_lines(recipe),
        ways=tuple(
            WayRow(one.missing, one.tiles, one.labels, one.average_precision, one.auc, one.f1) for one in trials
        ),
        errors=show_errors(errors, _at_hand(errors, chips, val), "val"),
        files=tuple((name, what) for name, what in _FILES.items() if name in made),
    )


def _at_hand(errors: Errors, chips: Chips, val: np.ndarray) -> Iterator[Tile]:
    """Tiles with a picture; edge tiles are mirrored to full size, as the network sees them."""
    for number in pictured(errors).tolist():
        yield number, chips.pixels[val[number]], chips.valid[val[number]]


def history_of(epochs: Sequence[Row]) -> History | None:
    """What epochs measured, as `read_history` reads it from their file."""
    if not epochs:
        return None
    names = [item.name for item in fields(epochs[0]) if item.name not in ("epoch", "seconds", "best")]
    columns = {name: tuple(float(getattr(row, name)) for row in epochs) for name in names}
    best = max((row.epoch for row in epochs if row.best), default=0)
    return History(tuple(row.epoch for row in epochs), columns, best)


def ended(epochs: int, recipe: Recipe | EmbedRecipe, *, interrupted: bool) -> str:
    """How many epochs a training had, and why no more."""
    counted = f"{epochs} epoch{'s' * (epochs > 1)}"
    if interrupted:
        return f"{counted}, stopped by hand"
    if epochs < recipe.epochs:
        return f"{counted}, stopped, because {recipe.patience} epochs brought nothing better"
    return f"{counted}, as many as were asked for"


def _course(history: History | None, recipe: Recipe, taught: Taught) -> str:
    """How the training went, in words; numbers only."""
    if history is None:
        return f"{recipe.model} is fitted at once: there are no epochs, and no curves."
    last = history.epoch[-1]
    why = ended(last, recipe, interrupted=taught.interrupted)
    words = f"{why}; the weights of epoch {history.best} were kept (best average precision)."
    losses = np.array([history.columns["train_loss"], history.columns["val_loss"]])
    lowest = int(np.nanargmin(losses[1])) if np.isfinite(losses[1]).any() else last - 1
    if losses[1, -1] > _WORSE * losses[1, lowest] and losses[0, -1] < losses[0, lowest]:
        words += (
            f" From epoch {history.epoch[lowest]} on the validation loss rises while the training loss falls: from "
            "there on it learns its tiles by heart."
        )
    return words


def recipe_lines(recipe: Recipe | EmbedRecipe) -> tuple[tuple[str, str, str], ...]:
    """Options that are not as by default: name, value, default."""
    values = [(item.name, getattr(recipe, item.name), item.default) for item in fields(recipe)]
    return tuple((flag_of(name), _told(value), _told(usual)) for name, value, usual in values if value != usual)


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _next(task: Task, recipe: Recipe, taught: Taught, folder: str, wrong: int) -> Iterator[tuple[str, str]]:
    """What to do next, and by which command."""
    tiles = task.path.name
    if taught.interrupted:
        yield "The run was stopped. Go on with", shlex.join(["geolabel", "train", tiles, "-o", folder, "--resume"])
    model = f"{folder}/model.safetensors"
    yield "Score it on the test tiles, by which nothing was chosen:", shlex.join(["geolabel", "evaluate", model, tiles])
    if taught.history and taught.best_epoch == recipe.epochs:
        yield f"The last epoch was the best: more may be better. Now --epochs {recipe.epochs}.", ""
    if wrong:
        yield (
            f"Look at the {wrong:,} errors below, the surest first. Where the labels are wrong, mend them, and label "
            "again; where the model is, it needs more such tiles.",
            "",
        )
    found = taught.scores.classes
    if few := [one.name for one in found if one.positives < _FEW]:
        yield f"Fewer than {_FEW} validation tiles show {listed(few)}: label more, or split with other blocks.", ""
    if unranked := [one.name for one in found if math.isnan(one.auc)]:
        yield f"{listed(unranked)}: in all known validation tiles, or in none, so nothing tells how well.", ""
    yield "Set it beside another run:", shlex.join(["geolabel", "report", folder, "another-run"])
