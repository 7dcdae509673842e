"""What the page of an evaluation shows and says, gathered from what was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import TableError, listed
from geolabel.labels.scheme import Scheme
from geolabel.progress import log
from geolabel.steps.reporting.history import read_history
from geolabel.views.evaluation_report import EvaluationPage, score
from geolabel.views.history_charts import loss_chart
from geolabel.views.score_charts import score_charts
from geolabel.views.words import Legend, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from geolabel.model import ModelCard
    from geolabel.steps.evaluate import EvaluateReport
    from geolabel.steps.evaluation import Evaluation
    from geolabel.steps.folds import FoldScores
    from geolabel.tiling.index import TileIndex
    from geolabel.views.charts import Chart
    from geolabel.views.error_grids import ErrorsShown

FILES = {
    "metrics.json": "all numbers of this page",
    "errors.csv": "every false alarm and miss, with tile, labels and place, to mend labels by",
    "pr.svg": "precision and recall at every threshold, as a picture",
    "roc.svg": "true and false positive rates at every threshold",
    "reliability.svg": "probabilities against what is there",
    "loss.svg": "how the loss fell in training",
}
_FEW_GROUPS = 20
_FEW_TILES = 10
LEAKED = (
    "The model was trained on these images under another split: tiles scored here may be among those that taught it."
)
CHANCE = 0.05
"""Probability from which chance is a fair explanation."""


def taught_here(card: ModelCard, index: TileIndex) -> bool:
    """Whether the tiles and their parts are those that the model was trained on."""
    split = card.trained_on.get("split")
    here = files.to_json(index.split)
    same = split is not None and split == here
    same = same and all(one.get("split") == here for one in card.trained_on.get("members", []))
    return same and image_fingerprints(card) == {source.fingerprint for source in index.sources}


def charts_of(card: ModelCard, measured: Evaluation, model: Path) -> dict[str, Chart]:
    """Charts by file name: pr, roc, reliability, and loss where `history.csv` lies beside the model."""
    charts = score_charts(measured.curves, measured.scores.classes, legend_of(card))
    try:
        history = read_history(model.parent)
    except TableError as error:
        log.warning("%s; the report has no loss curves", error)
        history = None
    return charts | ({"loss": loss_chart(history)} if history else {})


def page_of(
    report: EvaluateReport,
    tiles: Path,
    index: TileIndex,
    card: ModelCard,
    measured: Evaluation,
    folded: FoldScores | None,
    charts: Mapping[str, Chart],
    errors: ErrorsShown,
    made: tuple[tuple[str, str], ...],
) -> EvaluationPage:
    """The page; `made` are the files beside it."""
    known = taught_here(card, index)
    return EvaluationPage(
        subject=f"{card.architecture} on {tiles.name}",
        about=(
            f"{report.model.name}, scored on {report.tiles:,} tiles of {report.split} in {tiles.name}. "
            f"{_how_split(index.split or {})}"
        ),
        part=report.split,
        scores=measured.scores,
        intervals=measured.intervals,
        drawn_from=measured.drawn_from,
        legend=legend_of(card),
        charts=charts,
        errors=errors,
        parts=report.parts,
        parts_told=_parts_told(report, known=known),
        gap=report.gap,
        gap_told=_gap_told(folded) if folded else "",
        abstain=measured.abstain,
        shares=measured.shares,
        doubts=report.doubts,
        files=made,
    )


def legend_of(card: ModelCard) -> Legend:
    """How a model's classes are called and coloured."""
    scheme = Scheme.from_json(card.scheme)
    return Legend(
        {one.name: one.title or one.name for one in scheme.classes},
        {one.name: one.color for one in scheme.classes if one.color},
    )


def image_fingerprints(card: ModelCard) -> set[str]:
    """Of the images that a model was trained on."""
    return {str(source["fingerprint"]) for source in card.trained_on.get("sources", ())}


def _how_split(told: Mapping[str, Any]) -> str:
    method = told.get("method")
    if method == "random":
        return (
            "The parts were drawn at random: neighbours stand in different parts, so the scores tell how well places "
            "already seen are remembered, not how well new places are judged."
        )
    buffer = f", {float(told['buffer_m']):,.0f} m apart" if told.get("buffer_m") else ""
    if method == "column":
        return f"The parts are whole values of {told.get('by')}{buffer}: scores tell how well unseen ones are judged."
    block_km = float(told.get("block_m") or 0) / 1000
    return f"The parts are whole blocks of {block_km:g} km{buffer}: scores tell how well unseen places are judged."


def _parts_told(report: EvaluateReport, *, known: bool) -> str:
    if not known:
        return (
            "The tiles, or their parts, are not those that the model was trained on, so its training scores cannot be "
            "told; validation scores are those that the model file recorded."
        )
    rows = {one.name: one for one in report.parts}
    words = (
        "Training tiles taught the weights; validation tiles chose epoch and thresholds. A large gap means that the "
        "model remembers more than it understands."
    )
    if "train" in rows and report.split in rows and report.split != "train":
        fall = rows["train"].average_precision - rows[report.split].average_precision
        words += f" From train to {report.split}, average precision falls by {score(fall)}."
    return words


def _gap_told(folded: FoldScores) -> str:
    mean = folded.gap[0]
    sure = folded.difference[0].macro
    interval = f" (95 %: {sure.low:.3f} to {sure.high:.3f})" if math.isfinite(sure.low) else ""
    return (
        f"On unseen places {score(mean.ap)}, at random {score(mean.ap_random)}: gap {score(mean.ap_gap)}{interval} of "
        f"average precision. The model's recipe was trained anew on {folded.folds} spatial folds ({folded.groups:,} "
        f"{folded.method}, {folded.buffer_m:,.0f} m apart) and on as many random ones with as many training tiles; "
        f"each of {folded.tiles:,} labelled tiles was scored once by a model that had not trained on it. The gap is "
        "what a random split would flatter."
    )


def leaked(card: ModelCard, index: TileIndex) -> bool:
    """Whether the model was trained on these images by another split: tiles of any part may have taught it."""
    shared = image_fingerprints(card) & {source.fingerprint for source in index.sources}
    return bool(shared) and not taught_here(card, index)


def doubts_of(split: str, index: TileIndex, card: ModelCard, measured: Evaluation) -> Iterator[str]:
    """What a reader of the numbers should know."""
    if split == "train":
        yield "These tiles taught the model: the scores tell what it remembers."
    if split == "val":
        yield "Epoch and thresholds were chosen on the validation tiles, so these scores flatter."
    if (index.split or {}).get("method") == "random":
        yield "Neighbours of these tiles were trained on: unseen places score lower, and --folds measures how much."
    if leaked(card, index):
        yield LEAKED
    yield from _few(measured)
    if measured.unknown:
        yield f"{percent(measured.unknown)} of the labels are unknown; scores are over the known ones."
    if measured.belonging.p > CHANCE:
        yield (
            f"The ranking cannot be told from chance: labels shuffled among the tiles reach the same AUC with a "
            f"probability of {measured.belonging.p:.2f}."
        )
    yield "Labels are taken for the truth; where they are wrong, so are the scores."


def _few(measured: Evaluation) -> Iterator[str]:
    """What there is too little of."""
    groups = measured.intervals[0].groups
    if groups == 1:
        yield f"All tiles lie in one of the {measured.drawn_from}, so no interval can be told."
    elif groups < _FEW_GROUPS:
        yield f"Intervals resample {groups} {measured.drawn_from}; so few make them narrower than they should be."
    rare = [one.name for one in measured.scores.classes if 0 < one.positives < _FEW_TILES]
    if rare:
        yield f"Fewer than {_FEW_TILES} tiles show {listed(rare)}: their scores hang on single tiles."
    if measured.constant:
        yield f"{listed(measured.constant)}: in all known tiles here, or in none, so no score ranks them."
