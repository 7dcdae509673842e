"""`geolabel tune`: search for the recipe that does best on the validation tiles; test tiles are never looked at."""

from __future__ import annotations

import csv
import math
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import checked, files
from geolabel.errors import DamagedError, EmptyError, InterruptedRunError, OptionError
from geolabel.learn.augment import Augmentation
from geolabel.learn.recipe import Recipe
from geolabel.progress import log, track
from geolabel.scoring.thresholds import Aim
from geolabel.steps import recipe_words
from geolabel.steps.making import asking, makes
from geolabel.steps.missing import learn_missing
from geolabel.steps.record import close_record
from geolabel.steps.reporting.ground import ground_of
from geolabel.steps.search_space import Space, make_space
from geolabel.steps.study import STUDY, Asked, PrunedError, Study, Trial, load_optuna, open_study
from geolabel.steps.task import Task, make_task
from geolabel.steps.teach import Desk
from geolabel.steps.train import recipe_of
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from geolabel.learn.chips import Chips
    from geolabel.learn.history import Epoch

TRIALS = 30


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What a search found."""

    output: Path
    trials: int
    pruned: int
    """Of these, stopped early."""
    best_trial: int
    average_precision: float
    """Of the best trial: mean over classes, on the validation tiles; the best of many, so it flatters."""
    first_average_precision: float | None
    """Of the recipe the search began with."""
    config: Path
    """The best recipe, for `geolabel train --config`."""
    command: str
    """The line that trains this model again, with the same result."""
    importance: dict[str, float]
    """Share of each field in what made the trials differ (functional ANOVA); empty where too few were finished."""


@makes("tune", "tiles")
def tune(
    tiles: Path,
    *,
    output: Path = Path("tuning"),
    recipe: Recipe | None = None,
    trials: int = TRIALS,
    timeout_s: float | None = None,
    search: Sequence[str] = (),
    cache: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    **options: Any,
) -> TuneReport:
    """Try recipes around `recipe`, `trials` in all, into the folder `output`; with `resume`, go on there.

    After `timeout_s` seconds no trial is begun any more. `search` names the fields to search; `options` are fields of
    `Recipe`, for callers who have none. Raises TileIndexError (not labelled, not split), EmptyError, OptionError,
    InstallError (no Optuna), OutputError, and InterruptedRunError after Ctrl-C: the trials so far stand there then.
    """
    load_optuna()
    if trials < 1 or (timeout_s is not None and timeout_s <= 0):
        raise OptionError(f"--trials and --timeout must be more than 0, got {trials} and {timeout_s or 0:g} s")
    if resume:
        files.claim_to_change(output)
    begun = begun_search(tiles, output) if resume else {}
    start = recipe_of(begun, output) if resume else recipe or Recipe(**options)
    if not resume:
        files.check_new(output, overwrite=overwrite, folder="tune", inputs=(tiles,))
    Augmentation.parse(start.augment)
    Aim.parse(start.aim)
    task = make_task(read_index(tiles), tiles, start, parts=("train", "val"))
    gaps = bool(np.isnan(task.truth[task.of_part("train")]).any())
    space = make_space(start, task.heads, gaps=gaps, search=search or begun.get("search", ()))
    _check(task, output, space, begun)
    with (
        asking(start),
        task.chips(cache, output.parent) as chips,
        _folder(output, resume=resume, overwrite=overwrite),
    ):
        if not resume:
            _write_record(tiles, output, start, search, space)
        with open_study(output / STUDY, start, space) as study:
            stopped = _search(study, task, chips, trials, timeout_s)
            found, importance = study.trials, study.importance()
        report = _report(tiles, output, found, importance)
        _write(report, found, space, task)
        if stopped is None:
            close_record(output)
    if isinstance(stopped, KeyboardInterrupt):
        again = shlex.join(["geolabel", "tune", str(tiles), "-o", str(output), "--resume"])
        raise InterruptedRunError(f"stopped; {output} holds {len(found)} trials. Go on with: {again}")
    if stopped:
        raise stopped
    return report


def begun_search(tiles: Path, output: Path) -> dict[str, Any]:
    """The record of a search that is to go on."""
    record = files.read_json(output / files.RECORD, "the run.json of a search to resume")
    if not isinstance(record, dict) or record.get("command") != "tune" or not isinstance(record.get("options"), dict):
        raise OptionError(f"{output}: holds no search to resume; leave --resume out, or name the folder with -o")
    if record.get("tiles_fingerprint") != files.fingerprint(tiles):
        raise OptionError(f"{tiles}: is not the index that {output} was tuned on; tune anew with --overwrite")
    told = checked.Told(record)
    try:
        _ = told["search"].texts(), told["space"].table()
    except DamagedError as error:
        raise OptionError(f"{output / files.RECORD}: is damaged ({error}); tune anew with --overwrite") from error
    return record


def _check(task: Task, output: Path, space: Space, begun: dict[str, Any]) -> None:
    """Raise OptionError where another space was begun with, EmptyError where the validation tiles cannot judge."""
    if begun and begun.get("space") != files.to_json(space):
        raise OptionError(
            f"{output}: searches {', '.join(begun.get('space') or ['something else'])}, in other bounds than these; "
            "leave --search out, or tune anew with --overwrite"
        )
    truth = task.truth[task.of_part("val")]
    if not ((truth == 1).any(axis=0) & (truth == 0).any(axis=0)).any():
        raise EmptyError(f"{task.path}: no class is both present and absent in val, so no trial can be judged")


def _folder(output: Path, *, resume: bool, overwrite: bool) -> AbstractContextManager[None]:
    return files.resumed_directory(output) if resume else files.work_directory(output, "tune", overwrite=overwrite)


def _write_record(tiles: Path, output: Path, start: Recipe, search: Sequence[str], space: Space) -> None:
    record = {
        "command": "tune",
        "options": start,
        "search": search,
        "space": space,
        "tiles_fingerprint": files.fingerprint(tiles),
        "versions": files.versions(),
    }
    files.write_json(output / files.RECORD, record)


def _search(study: Study, task: Task, chips: Chips, trials: int, timeout_s: float | None) -> BaseException | None:
    """Try until there are `trials` of them, or the time is over. What stops it early comes back, once one is done."""
    deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
    left = trials - len(study.trials)
    try:
        for _ in track(_while(study, left, deadline), total=left, what="tuning", unit="trials"):
            _try(study, task, chips)
    except (Exception, KeyboardInterrupt) as error:
        if not any(found.state == "done" for found in study.trials):
            raise
        return error  # hours of trials are kept, whatever ends the search
    return None


def _while(study: Study, left: int, deadline: float) -> Iterator[int]:
    for number in range(left):
        if (number and time.monotonic() >= deadline) or study.exhausted:
            return
        yield number


def _try(study: Study, task: Task, chips: Chips) -> None:
    """One trial; a recipe that was tried before gets the value it had."""
    before = study.trials
    asked = study.ask()
    try:
        same = next((found for found in before if found.recipe == asked.recipe), None)
        value = same.value if same else _value(asked, task, chips)
    except PrunedError:
        value = None
    except (OptionError, EmptyError) as error:  # a learning rate too high, options that exclude each other
        if not before:
            asked.failed()
            raise
        log.warning("trial %d is given up: %s", len(before), error)
        value = None
    except BaseException:
        asked.failed()
        raise
    if value is None or not math.isfinite(value):
        asked.pruned()
    else:
        asked.done(value)
    log.info("trial %d: %s", len(before), "stopped early" if value is None else f"average precision {value:.3f}")


def _value(asked: Asked, task: Task, chips: Chips) -> float:
    """Train by the recipe of a trial: the score on the validation tiles. Raises PrunedError, KeyboardInterrupt."""

    def on_epoch(epochs: Sequence[Epoch]) -> None:
        asked.report(epochs[-1].epoch, epochs[-1].val_average_precision)

    taught, _ = learn_missing(task, chips, asked.recipe, Desk(on_epoch=on_epoch), None)
    if taught.interrupted:
        raise KeyboardInterrupt
    return taught.scores.macro_average_precision


def _best(found: Sequence[Trial]) -> Trial:
    return max((one for one in found if one.value is not None), key=lambda one: (one.value, -one.number))


def _report(tiles: Path, output: Path, found: Sequence[Trial], importance: dict[str, float]) -> TuneReport:
    best = _best(found)
    return TuneReport(
        output=output,
        trials=len(found),
        pruned=sum(one.state == "pruned" for one in found),
        best_trial=best.number,
        average_precision=best.value or 0.0,
        first_average_precision=found[0].value,
        config=output / "best.toml",
        command=recipe_words.command(best.recipe, tiles, "run"),
        importance=importance,
    )


def _write(report: TuneReport, found: Sequence[Trial], space: Space, task: Task) -> None:
    with (
        files.new_file(report.output / "trials.csv", overwrite=True) as draft,
        draft.open("w", newline="", encoding="utf-8") as stream,
    ):
        table = csv.writer(stream)
        table.writerow(["trial", "state", "average_precision", "epochs", *space])
        for one in found:
            fields = [getattr(one.recipe, name) for name in space]
            table.writerow([one.number, one.state, one.value, one.epochs, *fields])
    best, val = _best(found), task.of_part("val")
    ground = ground_of(task.index, task.rows[val], task.names, task.truth[val])
    files.write_json(report.output / "best.json", {**files.to_json(report), "recipe": best.recipe, "ground": ground})
    with files.new_file(report.config, overwrite=True) as draft:
        draft.write_text(recipe_words.toml(best.recipe), encoding="utf-8")
