"""`geolabel embed train`: labels, or nothing but places, become a model that gives vectors."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, replace
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
from geolabel.steps.embed.ground_supply import Drawing, prepare_ground
from geolabel.steps.embed.model_card import describe_embedder
from geolabel.steps.embed.prepared import Prepared, prepare_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

CHECKPOINT = "checkpoint.ckpt"
COMMAND = "embed train"


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


def train(
    sources: Sequence[Path],
    *,
    output: Path = Path("embedder"),
    recipe: EmbedRecipe | None = None,
    drawing: Drawing | None = None,
    cache: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[EmbedEpoch], None] = lambda _: None,
    **options: Any,
) -> EmbedTrainReport:
    """Train an embedder into the folder `output`: on the tiles of an index, or on places drawn from rasters.

    `options` are fields of `EmbedRecipe`, for callers who have none; `drawing` says how rasters are sampled. With
    `resume`, the run in the folder goes on with the options it was begun with. Raises TileIndexError, EmptyError,
    OptionError, InputError, BandError, OutputError, and InterruptedRunError after Ctrl-C: the best model so far stands
    there then.
    """
    asked = recipe or EmbedRecipe(**options)
    if resume and overwrite:
        raise OptionError("--resume goes on with a run, --overwrite begins anew: give one of them")
    record = {
        "command": COMMAND,
        "options": asked,
        "drawing": asdict(drawing) if drawing else None,
        "inputs": {str(path): files.fingerprint(path) for path in sources if path.exists()},
    }
    kept = _kept_recipe(output, files.to_json(record)) if resume else asked
    if not resume:
        weights = () if kept.weights in ("none", "default") else (Path(kept.weights),)
        files.check_new(output, overwrite=overwrite, folder=COMMAND, inputs=(*sources, *weights))
    Augmentation.parse(kept.augment)
    with (
        _prepared(sources, kept, drawing, cache, output.parent) as prepared,
        files.writing(output) if resume else files.work_directory(output, COMMAND, overwrite=overwrite),
    ):
        teacher = teacher_of(kept, by_place=prepared.by_place)
        run = start(start_embedding(prepared.card, kept.weights, kept.seed), kept, choose_device(kept.device))
        if resume:
            checkpoint.restore(run, output / CHECKPOINT, EmbedEpoch)
        else:
            files.write_json(output / files.RECORD, {**record, "versions": files.versions()})
        with HistoryWriter(output) as history:

            def told(epochs: Sequence[EmbedEpoch]) -> None:
                history.write(epochs)
                on_epoch(epochs[-1])

            lessons = loop.Lessons(kept, prepared.card, prepared.supply, teacher)
            loop.fit(run, lessons, save_to=output / CHECKPOINT, on_epoch=told)
        report = _write(output, run, kept, prepared)
    if run.interrupted:
        raise InterruptedRunError(_go_on(sources, report))
    return report


def _prepared(
    sources: Sequence[Path], recipe: EmbedRecipe, drawing: Drawing | None, cache: Path | None, scratch_in: Path
) -> AbstractContextManager[Prepared]:
    indexes = [path for path in sources if path.suffix.lower() == ".parquet"]
    if indexes and len(sources) > 1:
        raise OptionError(f"{indexes[0]}: give one tile index, or rasters, and not both")
    if indexes:
        if drawing is not None and drawing != Drawing():
            raise OptionError(f"{sources[0]}: its tiles are there already; --size, --bands, --aoi … are for rasters")
        return prepare_tiles(sources[0], recipe, cache, scratch_in)
    if cache is not None:
        raise OptionError("--cache keeps the tiles of an index; from rasters other ones are drawn each epoch")
    return prepare_ground(sources, recipe, drawing or Drawing(), scratch_in)


def _kept_recipe(output: Path, asked: dict[str, Any]) -> EmbedRecipe:
    """The recipe of a run that is to be resumed, on the same inputs."""
    kept = files.read_json(output / files.RECORD, "the run.json of a run to resume")
    if not isinstance(kept, dict) or kept.get("inputs") != asked["inputs"]:
        raise OptionError(f"{output}: was not trained on these inputs; train anew with --overwrite")
    if kept.get("drawing") != asked["drawing"]:
        raise OptionError(
            f"{output}: was begun with other places (--size, --bands, --aoi …); give the same, or --overwrite"
        )
    if not (output / CHECKPOINT).exists():
        raise OptionError(f"{output}: holds no checkpoint, so there is nothing to resume; train with --overwrite")
    try:
        return EmbedRecipe(**kept["options"])
    except (KeyError, TypeError) as error:
        raise OptionError(f"{output / files.RECORD}: is damaged ({error}); train anew with --overwrite") from error


def _write(output: Path, run: EmbedRun, recipe: EmbedRecipe, prepared: Prepared) -> EmbedTrainReport:
    run.network.load_state_dict(run.best)
    best = next((row for row in reversed(run.history) if row.best), None)
    score = None if best is None else files.to_json(best.score)
    card = replace(prepared.card, scores={"val": {prepared.score: score}} if score is not None else {})
    save_predictor(output / "model.safetensors", make_classifier(card, run.network, run.fabric.device))
    files.write_json(output / "metrics.json", {"judged_by": prepared.score, "history": run.history})
    with files.new_file(output / "MODEL_CARD.md", overwrite=True) as draft:
        draft.write_text(describe_embedder(card, recipe, prepared), encoding="utf-8")
    return EmbedTrainReport(
        model=output / "model.safetensors",
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


def _go_on(sources: Sequence[Path], report: EmbedTrainReport) -> str:
    held = f"the best of {report.epochs} epochs" if report.epochs else "a network that has learned next to nothing"
    command = ["geolabel", "embed", "train", *map(str, sources), "-o", str(report.model.parent), "--resume"]
    return f"stopped; {report.model} holds {held}. Go on with: {shlex.join(command)}"
