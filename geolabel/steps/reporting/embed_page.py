"""What the page of an embedder's training shows and says."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from geolabel.steps.reporting.train_page import ended, history_of, recipe_lines
from geolabel.views.embed_report import EmbedPage
from geolabel.views.history_charts import course_charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.learn.metric.run import EmbedEpoch
    from geolabel.steps.embed.train import EmbedTrainReport
    from geolabel.views.history_charts import History

_FILES = {
    "model.safetensors": "the model, as geolabel embed encode takes it",
    "MODEL_CARD.md": "what the model is for, and what it was trained on",
    "tiles.parquet": "tiles of the rasters with their labels",
    "metrics.json": "the history as numbers",
    "history.csv": "loss, active share, score and learning rate by epoch",
    "run.json": "the recipe",
}
_FEW_ACTIVE = 0.05
"""Share of tuples below which an epoch has next to nothing left to teach."""


def page_of(
    report: EmbedTrainReport,
    epochs: Sequence[EmbedEpoch],
    recipe: EmbedRecipe,
    sources: Sequence[Path],
    *,
    interrupted: bool,
    judged: bool,
) -> EmbedPage:
    """The page of a run; `judged`: whether its vectors are evaluated, too, in a folder of its own in the run's."""
    folder, history = report.model.parent, history_of(epochs)
    names = sources[0].name if len(sources) == 1 else f"{len(sources)} rasters"
    amount = "tiles drawn anew each epoch" if report.tiles is None else f"{report.tiles:,} tiles"
    judged_by = (
        "Nothing was kept apart to judge it by."
        if report.score is None
        else f"Judged by {report.judged_by} on what does not train: the best epoch was chosen by it, so it flatters."
    )
    made = {path.name for path in folder.iterdir()}
    return EmbedPage(
        subject=f"{report.architecture} as embedder, on {names}",
        about=(
            f"{report.parameters:,} parameters, learned from {report.learned_from} by {report.loss} loss, from "
            f"{amount}. {judged_by}"
        ),
        facts=(
            (_score(report.score), f"{report.judged_by}, best epoch"),
            (_score(report.untrained), f"{report.judged_by}, before it learned"),
            (f"{report.size:,}", "numbers a vector"),
            (f"{report.epochs:,}", "epochs"),
        ),
        next=tuple(_next(report, recipe, sources, folder.resolve().name, interrupted=interrupted, judged=judged)),
        charts=course_charts(history) if history else {},
        course=_course(history, report, recipe, interrupted=interrupted),
        recipe=recipe_lines(recipe),
        files=tuple((name, what) for name, what in _FILES.items() if name in made),
    )


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _course(history: History | None, report: EmbedTrainReport, recipe: EmbedRecipe, *, interrupted: bool) -> str:
    """How the training went, in words; numbers only."""
    if history is None:
        return "No epoch was finished: there are no curves."
    last = history.epoch[-1]
    by = f"best {report.judged_by}" if report.score is not None else "the last: nothing was kept apart to judge by"
    words = f"{ended(last, recipe, interrupted=interrupted)}; the weights of epoch {history.best} were kept ({by})."
    active = history.columns.get("active")
    if active and active[-1] < _FEW_ACTIVE:
        words += f" In the last epoch {100 * active[-1]:.1f} % of the tuples still taught something."
    return words


def _next(
    report: EmbedTrainReport,
    recipe: EmbedRecipe,
    sources: Sequence[Path],
    folder: str,
    *,
    interrupted: bool,
    judged: bool,
) -> Iterator[tuple[str, str]]:
    """What to do next, and by which command."""
    names = [source.name for source in sources]
    model = f"{folder}/model.safetensors"
    if interrupted:
        yield (
            "The run was stopped. Go on with",
            shlex.join(["geolabel", "embed", "train", *names, "-o", folder, "--resume"]),
        )
    if report.score is not None and report.untrained is not None and report.score <= report.untrained:
        yield (
            "No epoch does better than the network before it learned anything: give more --steps or --epochs, or "
            "another --lr, --loss or --mining.",
            "",
        )
    elif report.score is not None and report.best_epoch == recipe.epochs:
        yield f"The last epoch was the best: more may be better. Now --epochs {recipe.epochs}.", ""
    if judged and not interrupted:
        yield "Read how good the vectors are on ground that had no part in training: evaluation/report.html", ""
    elif names[0].lower().endswith(".parquet"):
        yield (
            "With labels and a split: compare the vectors with raw pixels, colours and an untrained network:",
            shlex.join(["geolabel", "embed", "evaluate", model, names[0]]),
        )
    yield "Make vectors of a region:", shlex.join(["geolabel", "embed", "encode", "region.tif", "--model", model])
    yield "Search it for what looks like a place:", "geolabel embed search region.embeddings.parquet --like LON,LAT"
    yield "Set it beside another run:", shlex.join(["geolabel", "report", folder, "another-run"])
