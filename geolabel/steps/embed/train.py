"""`geolabel embed train`: labels, or nothing but places, become a model that gives vectors."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import InterruptedRunError, OptionError
from geolabel.learn import checkpoint
from geolabel.learn.augment import Augmentation
from geolabel.learn.device import choose_device
from geolabel.learn.embedding import start_embedding
from geolabel.learn.forward import make_classifier
from geolabel.learn.history import HistoryWriter
from geolabel.learn.metric import loop
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.run import EmbedEpoch, EmbedRun, start
from geolabel.learn.metric.teacher import teacher_of
from geolabel.learn.store import save_predictor
from geolabel.progress import log
from geolabel.steps.embed.evaluate import evaluate
from geolabel.steps.embed.training.ground import Drawing, open_ground, split_ground
from geolabel.steps.embed.training.ground_supply import prepare_ground
from geolabel.steps.embed.training.labelled import Judging, LabelMaps, write_labelled
from geolabel.steps.embed.training.model_card import describe_embedder
from geolabel.steps.embed.training.origin import CHECKPOINT, COMMAND, MODEL, TILES, Origin, kept_origin
from geolabel.steps.embed.training.prepared import Prepared, prepare_tiles
from geolabel.steps.making import asking, makes
from geolabel.steps.record import close_record
from geolabel.steps.reporting.embed_page import page_of
from geolabel.views.embed_report import embed_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from geolabel.steps.embed.evaluate import EmbedEvaluateReport


@dataclass(frozen=True, slots=True)
class EmbedTrainReport:
    """What training made."""

    model: Path
    architecture: str
    parameters: int
    size: int
    """Length of the vectors."""
    loss: str
    learned_from: str
    """classes or places."""
    epochs: int
    best_epoch: int
    tiles: int | None
    """That train; None where they were drawn anew each epoch."""
    judged_by: str
    score: float | None
    """Of the best epoch, on what does not train; None where nothing was kept apart."""
    untrained: float | None = None
    """The same of the network before it learned anything."""
    evaluation: EmbedEvaluateReport | None = None
    """Of the vectors, on ground that had no part in training; of rasters with maps of labels only."""


@makes("embed train", "sources")
def train(
    sources: Sequence[Path],
    *,
    output: Path = Path("embedder"),
    recipe: EmbedRecipe | None = None,
    drawing: Drawing | None = None,
    maps: LabelMaps | None = None,
    judging: Judging | None = None,
    cache: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[EmbedEpoch], None] = lambda _: None,
    **options: Any,
) -> EmbedTrainReport:
    """Train an embedder into the folder `output`: on the tiles of an index, or on places drawn from rasters.

    `options` are fields of `EmbedRecipe`, for callers who have none; `drawing` says how rasters are sampled. With
    `maps` of labels, tiles of the rasters are labelled: they are learned from, or, where the recipe is not supervised,
    only judged by; the vectors are then judged on ground apart, as `judging` says. With `resume`, the run in the folder
    goes on with the options it was begun with. Raises TileIndexError, EmptyError, OptionError, InputError, BandError,
    OutputError, and InterruptedRunError after Ctrl-C: the best model so far stands there then.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("embed train runs in one process; start it without torchrun")
    if resume and overwrite:
        raise OptionError("--resume goes on with a run, --overwrite begins anew: give one of them")
    asked = Origin(
        tuple(sources),
        recipe or EmbedRecipe(**options),
        drawing or Drawing(),
        maps or LabelMaps(),
        judging or Judging(),
    )
    if resume:
        files.claim_to_change(output)
    origin = kept_origin(output, sources) if resume else asked
    if resume and asked not in (origin, Origin(tuple(sources))):
        log.warning("%s: goes on with the options it was begun with; those given now are not used", output)
    if cache is not None and not origin.is_index:
        raise OptionError("--cache keeps the tiles of an index; from rasters other ones are drawn each epoch")
    if not resume:
        files.check_new(output, overwrite=overwrite, folder=COMMAND, inputs=origin.inputs())
    kept = origin.recipe
    Augmentation.parse(kept.augment)
    with (
        asking(*origin.choices),
        files.resumed_directory(output) if resume else files.work_directory(output, COMMAND, overwrite=overwrite),
        _prepared(origin, output, cache) as prepared,
    ):
        teacher = teacher_of(kept, by_place=prepared.by_place)
        run = start(start_embedding(prepared.card, kept.weights, kept.seed), kept, choose_device(kept.device))
        # where nothing does better in the end, that is to be known
        untrained = prepared.supply.score(loop.encoder_of(run, prepared.card))
        if resume:
            checkpoint.restore(run, output / CHECKPOINT, EmbedEpoch)
        with HistoryWriter(output) as history:

            def told(epochs: Sequence[EmbedEpoch]) -> None:
                history.write(epochs)
                on_epoch(epochs[-1])

            lessons = loop.Lessons(kept, prepared.card, prepared.supply, teacher)
            loop.fit(run, lessons, save_to=output / CHECKPOINT, on_epoch=told)
        report = replace(_write(output, run, kept, prepared), untrained=files.to_json(untrained))
    with asking(*origin.choices):
        _write_page(report, run, origin)  # a run that has learned is not lost where its page fails
    _warn(report)
    if run.interrupted:
        raise InterruptedRunError(_go_on(sources, report))
    return _ended(report, origin, output)


@contextmanager
def _prepared(origin: Origin, output: Path, cache: Path | None) -> Iterator[Prepared]:
    """What is there to learn; the record, and tiles with labels, are written into the run folder first."""
    if not (output / files.RECORD).exists():  # a killed run is known for one from its first moment on
        files.write_json(output / files.RECORD, origin.record(output))
    recipe, drawing = origin.recipe, origin.drawing
    if origin.is_index:
        with prepare_tiles(origin.sources[0], recipe, cache, output.parent) as prepared:
            yield prepared
        return
    tiles, labelled = output / TILES, bool(origin.maps.paths())
    sources, ground = open_ground(origin.sources, drawing, tiles)
    parts = split_ground(ground, drawing, recipe.max_pos_dist, recipe.seed, tested=labelled)
    if labelled and not tiles.exists():
        least, judged = recipe.single_class_threshold, origin.judging.tiles
        write_labelled(tiles, sources, parts, drawing, origin.maps, judged, least, recipe.seed)
    with (
        prepare_tiles(tiles, recipe, None, output.parent)
        if origin.from_labels
        else prepare_ground(sources, parts, recipe, drawing)
    ) as prepared:
        yield prepared


def _warn(report: EmbedTrainReport) -> None:
    """Say so where nothing was learned."""
    if report.score is not None and report.untrained is not None and report.score <= report.untrained:
        log.warning(
            "no epoch does better than the network before it learned anything (%s %.3f against %.3f): give more "
            "--steps or --epochs, or another --lr, --loss or --mining",
            report.judged_by,
            report.score,
            report.untrained,
        )


def _ended(report: EmbedTrainReport, origin: Origin, output: Path) -> EmbedTrainReport:
    """Judge the vectors where there are labels, and close the record."""
    with asking(*origin.choices):
        judged = replace(report, evaluation=_judged(origin, output)) if origin.maps.paths() else report
        close_record(output)
    return judged


def _judged(origin: Origin, output: Path) -> EmbedEvaluateReport:
    judging, recipe = origin.judging, origin.recipe
    return evaluate(
        output / MODEL,
        output / TILES,
        output=output / "evaluation",
        single=judging.single,
        multi=judging.multi,
        repeats=judging.repeats,
        baselines=judging.baselines,
        validation_tiles=judging.tiles,
        single_class_threshold=recipe.single_class_threshold,
        seed=recipe.seed,
        device=recipe.device,
        overwrite=True,
    )


def _write(output: Path, run: EmbedRun, recipe: EmbedRecipe, prepared: Prepared) -> EmbedTrainReport:
    run.network.load_state_dict(run.best)
    best = next((row for row in reversed(run.history) if row.best), None)
    score = None if best is None else files.to_json(best.score)
    card = replace(prepared.card, scores={"val": {prepared.score: score}} if score is not None else {})
    save_predictor(output / MODEL, make_classifier(card, run.network, run.fabric.device))
    files.write_json(output / "metrics.json", {"judged_by": prepared.score, "history": run.history})
    with files.new_file(output / "MODEL_CARD.md", overwrite=True) as draft:
        draft.write_text(describe_embedder(card, recipe, prepared), encoding="utf-8")
    return EmbedTrainReport(
        model=output / MODEL,
        architecture=card.architecture,
        parameters=sum(value.numel() for value in run.network.parameters()),
        size=card.outputs,
        loss=recipe.loss,
        learned_from="places" if prepared.by_place else "classes",
        epochs=len(run.history),
        best_epoch=best.epoch if best else 0,
        tiles=prepared.tiles,
        judged_by=prepared.score,
        score=score,
    )


def _write_page(report: EmbedTrainReport, run: EmbedRun, origin: Origin) -> None:
    output = report.model.parent
    with files.writing(output), files.new_file(output / "report.html", overwrite=True) as draft:
        page = page_of(
            report,
            run.history,
            origin.recipe,
            origin.sources,
            interrupted=run.interrupted,
            judged=bool(origin.maps.paths()),
        )
        draft.write_text(embed_page(page), encoding="utf-8")


def _go_on(sources: Sequence[Path], report: EmbedTrainReport) -> str:
    held = f"the best of {report.epochs} epochs" if report.epochs else "a network that has learned next to nothing"
    command = ["geolabel", "embed", "train", *map(str, sources), "-o", str(report.model.parent), "--resume"]
    return f"stopped; {report.model} holds {held}. Go on with: {shlex.join(command)}"
