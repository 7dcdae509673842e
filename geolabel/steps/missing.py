"""What becomes of unknown labels: left out of the loss, tiles left out, or filled by models that have not seen them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel.learn.fill import fill
from geolabel.learn.predictor import predict_chips
from geolabel.progress import log
from geolabel.steps.task import Task, with_targets, without_unknown
from geolabel.steps.teach import Desk, Taught, teach
from geolabel.tiling.index import read_index, write_index

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.recipe import Recipe

_FOLDS = 3
FILLED = "filled.parquet"


@dataclass(frozen=True, slots=True)
class Trial:
    """One way with unknown labels, judged by the known labels of the validation tiles."""

    missing: str
    tiles: int
    """It learned from."""
    labels: int
    """Known or filled, of those tiles."""
    average_precision: float
    auc: float
    f1: float


def learn_missing(
    task: Task, chips: Chips, recipe: Recipe, desk: Desk, output: Path | None, *, writes: bool = True
) -> tuple[Taught, tuple[Trial, ...]]:
    """Learn as the recipe says; with self-train, beside it the two plain ways, to be compared.

    The filled index lies in `output`, where there is one, before the last training begins; of several processes one
    `writes` it. Raises EmptyError.
    """
    train, val = task.of_part("train"), task.of_part("val")
    if recipe.missing == "drop":
        return teach(task, chips, without_unknown(task, train), val, recipe, desk), ()
    if recipe.missing == "self-train" and np.isfinite(task.truth[train]).all():
        log.warning("no label of a training tile is unknown; there is nothing to fill")
    elif recipe.missing == "self-train":
        return _self_train(task, chips, recipe, desk, output, writes=writes)
    return teach(task, chips, train, val, recipe, desk), ()


def _self_train(
    task: Task, chips: Chips, recipe: Recipe, desk: Desk, output: Path | None, *, writes: bool
) -> tuple[Taught, tuple[Trial, ...]]:
    train, val = task.of_part("train"), task.of_part("val")
    targets = _kept(task, output) if desk.resume and output and (output / FILLED).exists() else None
    if targets is None:
        targets = _fill(task, chips, train, val, recipe, output if writes else None)
    filled = teach(with_targets(task, targets), chips, train, val, recipe, desk)
    whole = np.isfinite(task.truth[train]).all(axis=1)
    ways = {"mask": train} | ({"drop": train[whole]} if (task.truth[train[whole]] == 1).any() else {})
    trials = []
    for name, rows in ways.items():
        taught = filled if filled.interrupted else teach(task, chips, rows, val, recipe)
        if taught.interrupted:
            return replace(filled, interrupted=True), ()
        trials.append(_trial(name, taught, task.truth[rows]))
    trials.append(_trial("self-train", filled, targets[train]))
    better = trials[0].average_precision - trials[-1].average_precision
    if better > 0:
        log.warning(
            "filled labels did not help: average precision %.3f, without them %.3f; --missing mask does better",
            trials[-1].average_precision,
            trials[0].average_precision,
        )
    return filled, tuple(trials)


def _trial(name: str, taught: Taught, targets: NDArray[np.float32]) -> Trial:
    scores = taught.scores
    return Trial(
        name,
        len(targets),
        int(np.isfinite(targets).sum()),
        scores.macro_average_precision,
        scores.macro_auc,
        scores.macro_f1,
    )


def _fill(
    task: Task, chips: Chips, train: NDArray[np.int64], val: NDArray[np.int64], recipe: Recipe, output: Path | None
) -> NDArray[np.float32]:
    """Targets (n, classes) with what teachers of the other folds are sure of."""
    folds = _folds(task, train, recipe.seed)
    quiet = replace(recipe, abstain=0.0, missing="mask")
    targets, probability = task.truth, np.full(task.truth.shape, np.nan, np.float32)
    for number in range(recipe.fill_rounds):
        current = with_targets(task, targets)
        for fold in np.unique(folds):
            log.info("round %d of %d: teacher without fold %d", number + 1, recipe.fill_rounds, fold)
            taught = teach(current, chips, train[folds != fold], val, replace(quiet, seed=recipe.seed + number))
            if taught.interrupted:
                raise KeyboardInterrupt
            asked = train[folds == fold]
            probability[asked] = predict_chips(taught.predictor, chips, asked)
        targets = fill(task.truth, probability, task.heads, recipe.fill_cut)
    if output:
        _keep(task, targets, probability, recipe, output / FILLED)
    return targets


def _folds(task: Task, train: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Fold of each training tile: the index's own, which keep places together, else by chance."""
    if "fold" in task.index.table.column_names:
        found = task.index.column("fold")[task.rows[train]].astype(np.int64)
        number = np.unique(found, return_inverse=True)[1]
        if number.max() >= 1:
            return np.asarray(number % min(_FOLDS, int(number.max()) + 1))
    return np.random.default_rng(seed).permutation(len(train)) % _FOLDS


def _keep(
    task: Task, targets: NDArray[np.float32], probability: NDArray[np.float32], recipe: Recipe, path: Path
) -> None:
    """The index with what was filled, in columns of its own: labels stay as they were."""
    columns: dict[str, pa.Array] = {}
    unknown = np.isnan(task.truth)
    for at, name in enumerate(task.names):
        for kind, values in (("filled", targets), ("filled_probability", probability)):
            column = np.full(len(task.index), np.nan, np.float32)
            column[task.rows] = np.where(unknown[:, at], values[:, at], np.nan)
            columns[f"{kind}.{name}"] = pa.array(column)
    told = {
        "by": recipe.model,
        "cut": recipe.fill_cut,
        "rounds": recipe.fill_rounds,
        "seed": recipe.seed,
        "labels": int((unknown & np.isfinite(targets)).sum()),
        "columns": list(columns),
    }
    index = task.index.with_columns(columns, labelling={**task.index.labelling, "filled": told})
    write_index(path, index.moved(task.path, path), overwrite=True)


def _kept(task: Task, output: Path | None) -> NDArray[np.float32]:
    """The targets of a run that is resumed."""
    assert output is not None
    kept = read_index(output / FILLED)
    values = np.column_stack([kept.column(f"filled.{name}") for name in task.names]).astype(np.float32)[task.rows]
    return np.where(np.isnan(task.truth), values, task.truth)
