"""`geolabel train`: a labelled, split tile index becomes `model.safetensors` in a run folder."""

from __future__ import annotations

import os
import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import checked, files
from geolabel.errors import DamagedError, InterruptedRunError, OptionError
from geolabel.learn.augment import Augmentation
from geolabel.learn.baselines import BASELINES
from geolabel.learn.history import HistoryWriter
from geolabel.learn.recipe import Recipe, flag_of
from geolabel.learn.store import save_predictor
from geolabel.progress import log
from geolabel.scoring.thresholds import Aim
from geolabel.steps.making import asking, makes
from geolabel.steps.missing import Trial, learn_missing
from geolabel.steps.model_card import describe_model
from geolabel.steps.recipe_words import changed
from geolabel.steps.record import close_record
from geolabel.steps.reporting.ground import ground_of
from geolabel.steps.reporting.train_page import page_of
from geolabel.steps.task import Task, make_task, without_unknown
from geolabel.steps.teach import Desk, Taught
from geolabel.tiling.index import read_index
from geolabel.views.train_report import train_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from geolabel.learn.chips import Chips
    from geolabel.learn.history import Epoch
    from geolabel.scoring.multilabel import Scores

CHECKPOINT = "checkpoint.ckpt"


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What training made."""

    model: Path
    architecture: str
    parameters: int
    epochs: int
    best_epoch: int
    train_tiles: int
    val_tiles: int
    scores: Scores
    """On the validation tiles, at the thresholds chosen on them; `geolabel evaluate` tells of the test tiles."""
    missing: tuple[Trial, ...] = ()
    """With --missing self-train: what leaving unknown labels out, leaving tiles out, and filling labels each gave."""


@makes("train", "tiles")
def train(
    tiles: Path,
    *,
    output: Path = Path("run"),
    recipe: Recipe | None = None,
    cache: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    **options: Any,
) -> TrainReport:
    """Train a model into the folder `output`; with `resume`, go on there with the recipe it was begun with.

    `options` are fields of `Recipe`, for callers who have none. Started by `torchrun`, its processes share the work.
    Raises TileIndexError (not labelled, not split), EmptyError, OptionError, OutputError, and InterruptedRunError
    after Ctrl-C: a model of the best epoch so far stands there then.
    """
    asked = recipe or Recipe(**options)
    if resume and overwrite:
        raise OptionError("--resume goes on with a run, --overwrite begins anew: give one of them")
    index = read_index(tiles)
    leads = os.environ.get("RANK", "0") == "0"
    if resume and leads:
        files.claim_to_change(output)
    kept = kept_recipe(tiles, output, asked) if resume else asked
    if not resume and leads:
        files.check_new(output, overwrite=overwrite, folder="train", inputs=(tiles, *_weights_file(kept.weights)))
    Augmentation.parse(kept.augment)
    Aim.parse(kept.aim)
    task = make_task(index, tiles, kept, parts=("train", "val"))
    with asking(kept), task.chips(cache, output.parent) as chips:
        with _folder(output, resume=resume, overwrite=overwrite, leads=leads):
            if leads and not resume:
                _write_record(tiles, output, kept)
            with HistoryWriter(output if leads else None) as history:

                def told(epochs: Sequence[Epoch]) -> None:
                    history.write(epochs)
                    on_epoch(epochs[-1])

                desk = Desk(output / CHECKPOINT, resume, told)
                taught, trials = learn_missing(task, chips, kept, desk, output, writes=leads)
            report = _report(task, kept, taught, trials, output)
            if leads:
                _write(task, taught, trials, output)
        if leads:  # a run that has learned is not lost where its page fails
            _write_page(task, chips, kept, taught, trials, output)
            if not taught.interrupted:
                close_record(output)
    if taught.interrupted:
        raise InterruptedRunError(_go_on(tiles, report))
    return report


def _folder(output: Path, *, resume: bool, overwrite: bool, leads: bool) -> AbstractContextManager[None]:
    if not leads:
        return nullcontext()
    return files.resumed_directory(output) if resume else files.work_directory(output, "train", overwrite=overwrite)


def _weights_file(weights: str) -> tuple[Path, ...]:
    return () if weights in ("none", "default") else (Path(weights),)


def kept_recipe(tiles: Path, output: Path, asked: Recipe) -> Recipe:
    """The recipe of a run that is to be resumed; what is asked for beside it is not done, and that is said."""
    record = files.read_json(output / files.RECORD, "the run.json of a run to resume")
    if not isinstance(record, dict) or record.get("tiles_fingerprint") != files.fingerprint(tiles):
        raise OptionError(f"{tiles}: is not the index that {output} was trained on; train anew with --overwrite")
    recipe = recipe_of(record, output)
    if not (output / CHECKPOINT).exists():
        nothing = "is fitted at once" if recipe.model in BASELINES else "had no epoch finished"
        raise OptionError(f"{output}: {recipe.model} {nothing}, so there is nothing to resume; train with --overwrite")
    unused = [flag_of(name) for name, value in changed(asked).items() if value != getattr(recipe, name)]
    if unused:
        log.warning("%s: goes on with the options it was begun with; %s is not used", output, ", ".join(unused))
    return recipe


def recipe_of(record: dict[str, Any], output: Path) -> Recipe:
    """The recipe in the run.json of the folder `output`. Raises OptionError where it is damaged."""
    try:
        return Recipe(**checked.fields_of(checked.Told(record)["options"], Recipe))
    except DamagedError as error:
        raise OptionError(
            f"{output / files.RECORD}: is damaged ({error}); train or tune anew with --overwrite"
        ) from error


def _write_record(tiles: Path, output: Path, recipe: Recipe) -> None:
    record = {
        "command": "train",
        "options": recipe,
        "tiles_fingerprint": files.fingerprint(tiles),
        "versions": files.versions(),
    }
    files.write_json(output / files.RECORD, record)


def _write(task: Task, taught: Taught, trials: tuple[Trial, ...], output: Path) -> None:
    save_predictor(output / "model.safetensors", taught.predictor)
    if taught.last:
        save_predictor(output / "last.safetensors", taught.last)
    val = task.of_part("val")
    ground = ground_of(task.index, task.rows[val], task.names, task.truth[val])
    metrics = {"val": taught.scores, "history": taught.history, "missing": trials, "ground": ground}
    files.write_json(output / "metrics.json", metrics)
    with files.new_file(output / "MODEL_CARD.md", overwrite=True) as draft:
        draft.write_text(describe_model(taught.predictor.card, task.index), encoding="utf-8")


def _write_page(
    task: Task, chips: Chips, recipe: Recipe, taught: Taught, trials: tuple[Trial, ...], output: Path
) -> None:
    with files.writing(output):
        page = page_of(
            task, chips, recipe, taught, trials, output.resolve().name, {path.name for path in output.iterdir()}
        )
        with files.new_file(output / "report.html", overwrite=True) as draft:
            draft.write_text(train_page(page), encoding="utf-8")


def _tiles(task: Task, recipe: Recipe) -> int:
    train = task.of_part("train")
    return len(without_unknown(task, train) if recipe.missing == "drop" else train)


def _report(task: Task, recipe: Recipe, taught: Taught, trials: tuple[Trial, ...], output: Path) -> TrainReport:
    return TrainReport(
        model=output / "model.safetensors",
        architecture=taught.predictor.card.architecture,
        parameters=taught.parameters,
        epochs=len(taught.history),
        best_epoch=taught.best_epoch,
        train_tiles=_tiles(task, recipe),
        val_tiles=len(task.of_part("val")),
        scores=taught.scores,
        missing=trials,
    )


def _go_on(tiles: Path, report: TrainReport) -> str:
    held = f"the best of {report.epochs} epochs" if report.epochs else "a network that has learned next to nothing"
    command = ["geolabel", "train", str(tiles), "-o", str(report.model.parent), "--resume"]
    return f"stopped; {report.model} holds {held}. Go on with: {shlex.join(command)}"
