"""Buffered spatial folds beside random ones: how much of a score is memory of places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import EmptyError, InputError, InterruptedRunError, ModelError, OptionError, TileIndexError
from geolabel.inference import Decision
from geolabel.learn.ensemble import ENSEMBLE
from geolabel.learn.predictor import predict_chips
from geolabel.learn.recipe import Recipe
from geolabel.model import exclusive, read_card
from geolabel.progress import log, track
from geolabel.scoring.intervals import Answers, Intervals, differences
from geolabel.scoring.multilabel import Scores, score
from geolabel.steps.comparison import MACRO
from geolabel.steps.missing import learn_missing
from geolabel.steps.split import half_sides, named_parts
from geolabel.steps.task import Task, make_task, whole_tiles
from geolabel.steps.teach import Desk
from geolabel.tiling.index import LABEL_PREFIX
from geolabel.tiling.split import SPLITS, UNUSED, buffer_out, draw_folds, spatial_blocks
from geolabel.views.evaluation_report import GapRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex

_DRAWS = 64
_ABSENT = 10.0
"""Error of a fold that lacks a class: more than any shares can be off."""
_DIGITS = 3
"""Of gaps; further ones are noise."""
_PAIR = 2
"""Folds of which one alone is left to train and to validate."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Numbers of tiles, among the task's, of one training."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be trained, and on which tiles."""

    task: Task
    recipe: Recipe
    method: str
    """What keeps tiles together: blocks, or a column."""
    groups: NDArray[np.int64]
    """(n,): of each tile of the task."""
    buffer_m: float
    unseen: tuple[Fold, ...]
    """Whole groups, a buffer around them."""
    random: tuple[Fold, ...]
    """As many tiles, drawn at random."""


@dataclass(frozen=True, slots=True)
class FoldScores:
    """What the same recipe reaches on unseen places, and on tiles drawn at random; both score all labelled tiles."""

    folds: int
    method: str
    groups: int
    buffer_m: float
    tiles: int
    train_tiles: tuple[int, ...]
    """In each fold, both ways."""
    unseen: Scores
    random: Scores
    gap: tuple[GapRow, ...]
    """The mean of classes, then each class."""
    difference: tuple[Intervals, ...]
    """Random − unseen, with intervals over the groups."""


def plan_folds(index: TileIndex, path: Path, card: ModelCard, model: Path, folds: int, device: str = "auto") -> Plan:
    """Draw `folds` folds of the index in `path`, to train the recipe of `model` on its classes anew.

    Groups and buffer are those of the index's split. Raises OptionError (an ensemble, too few folds), ModelError (no
    recipe), TileIndexError (no places), EmptyError (too few groups, or nothing left beside the buffer).
    """
    if folds < _PAIR:
        raise OptionError(f"--folds must be at least 2, got {folds}")
    recipe = replace(_recipe(card, model), device=device)
    _warn_of_weights(recipe, index)
    others = [LABEL_PREFIX + name for name in index.class_names if name not in card.classes]
    index = index.without(others)
    labelled = np.isfinite(index.shares).any(axis=1) & whole_tiles(index)
    task = make_task(index, path, recipe, parts=("train",), given=np.where(labelled, "train", UNUSED))
    method, groups = _groups(task)
    centres, half = index.centres_m()[task.rows], half_sides(index)[task.rows]
    buffer = _buffer(index, half)
    presence = task.truth == 1
    of = _draw(groups, presence, folds, recipe.seed)
    unseen = []
    for number in range(folds):
        parts = buffer_out(_parts(of, groups, number, folds, recipe.seed), centres, np.nan_to_num(half), buffer)
        fold = Fold(*(np.flatnonzero(parts == name) for name in SPLITS))
        if not len(fold.train) or not len(fold.val):
            raise EmptyError(
                f"{path}: beside fold {number + 1} of {folds} and a buffer of {buffer:.0f} m no tile is left to train "
                "and validate; split with a larger --block or a smaller --buffer, or take another number of --folds"
            )
        unseen.append(fold)
    random = tuple(_random(unseen, len(task.rows), recipe.seed))
    return Plan(task, recipe, method, groups, buffer, tuple(unseen), random)


def run_folds(plan: Plan, cache: Path | None, scratch_in: Path) -> FoldScores:
    """Train and score all folds, both ways; tiles are decoded once. Raises InterruptedRunError after Ctrl-C."""
    task = plan.task
    found = np.zeros((2, *task.truth.shape), np.float32)
    detected = np.zeros(found.shape, dtype=bool)
    thresholds = np.zeros((2, len(plan.unseen), len(task.names)))
    jobs = [(way, at, fold) for way, folds in enumerate((plan.unseen, plan.random)) for at, fold in enumerate(folds)]
    with task.chips(cache, scratch_in) as chips:
        for way, at, fold in track(jobs, what="training folds", unit="models"):
            found[way, fold.test], detected[way, fold.test], thresholds[way, at] = _learn(plan, chips, fold)
    unseen, random = (
        score(
            task.truth,
            found[way],
            task.names,
            thresholds[way].mean(axis=0).tolist(),
            detected[way],
            exclusive=exclusive(task.heads),
        )
        for way in range(2)
    )
    one, other = (Answers(found[way], detected[way]) for way in (1, 0))
    return FoldScores(
        folds=len(plan.unseen),
        method=plan.method,
        groups=len(np.unique(plan.groups)),
        buffer_m=plan.buffer_m,
        tiles=len(task.rows),
        train_tiles=tuple(len(fold.train) for fold in plan.unseen),
        unseen=unseen,
        random=random,
        gap=_gap(unseen, random),
        difference=differences(
            task.truth, one, other, task.names, ("average_precision", "auc", "f1"), groups=plan.groups
        ),
    )


def _learn(plan: Plan, chips: Chips, fold: Fold) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]:
    """Probabilities and detections (tested tiles, classes) of a model of this fold, and its thresholds (classes,)."""
    parts = np.full(len(plan.task.rows), UNUSED, dtype="<U8")
    for name in SPLITS:
        parts[getattr(fold, name)] = name
    taught, _ = learn_missing(replace(plan.task, parts=parts), chips, plan.recipe, Desk(), None)
    if taught.interrupted:
        raise InterruptedRunError("stopped while folds were trained; nothing was written. Begin again without --folds")
    card = taught.predictor.card
    found = predict_chips(taught.predictor, chips, fold.test)
    return found, Decision.of(card).on_tiles(found), np.array([card.thresholds[name] for name in card.classes])


def _recipe(card: ModelCard, model: Path) -> Recipe:
    """How the model was trained."""
    if card.architecture == ENSEMBLE:
        raise OptionError(f"{model}: is an ensemble, which --folds cannot train again; give it one of its members")
    try:
        return Recipe(**card.trained_on["options"])
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{model}: does not say how it was trained ({error}), so --folds cannot train it again; give a model that "
            "this geolabel trained"
        ) from error


def _warn_of_weights(recipe: Recipe, index: TileIndex) -> None:
    """Say where folds would begin from weights that know all of the images."""
    try:
        known = read_card(Path(recipe.weights)).trained_on.get("sources", [])
    except InputError:  # no model of geolabel's
        return
    if {source.get("fingerprint") for source in known} & {source.fingerprint for source in index.sources}:
        log.warning("%s was trained on these images: no fold is unseen by what starts from it", recipe.weights)


def _groups(task: Task) -> tuple[str, NDArray[np.int64]]:
    """What keeps tiles together, and the group of each tile: those of the index's split where it has any."""
    told = task.index.split or {}
    by = told.get("by")
    if by and named_parts(task.index, by) is None:  # else the column names parts, not groups
        values = task.index.column(by)[task.rows].astype(str)
        return f"values of {by}", np.unique(values, return_inverse=True)[1].astype(np.int64)
    centres = task.index.centres_m()[task.rows]
    homeless = int(np.isnan(centres[:, 0]).sum())
    if homeless:
        raise TileIndexError(
            f"{task.path}: {homeless} labelled tiles have no place, so folds of unseen places cannot be drawn; split "
            "by a column that keeps like with like (geolabel split --by set), then give --folds again"
        )
    block_m = float(told.get("block_m") or 5_000.0)
    return f"blocks of {block_m / 1000:g} km", spatial_blocks(centres, block_m)


def _buffer(index: TileIndex, half: NDArray[np.float64]) -> float:
    """That of the split; a tile's side where it was drawn at random, without any."""
    told = index.split or {}
    if told.get("method") in ("blocks", "column"):
        return float(told["buffer_m"])
    return 2 * float(half.max()) if np.isfinite(half).all() else 0.0


def _draw(groups: NDArray[np.int64], presence: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.int16]:
    """Fold of each tile (n,): of 64 draws, equal in size, the one that shares out the classes best."""
    best, best_error = None, np.inf
    shown = presence[:, presence.any(axis=0)]
    for draw in range(_DRAWS):
        of = draw_folds(groups, folds, seed + draw)
        shares = np.stack([shown[of == number].sum(axis=0) for number in range(folds)]) / shown.sum(axis=0)
        error = float(np.abs(shares - 1 / folds).sum()) + _ABSENT * float((shares == 0).sum())
        if error < best_error:
            best, best_error = of, error
    assert best is not None
    return best


def _parts(of: NDArray[np.int16], groups: NDArray[np.int64], number: int, folds: int, seed: int) -> NDArray[Any]:
    """Part of each tile (n,): one fold tests, the next validates, the others train.

    Of two folds, a third of the other's groups validates.
    """
    parts = np.full(len(of), "train", dtype="<U8")
    parts[of == number] = "test"
    if folds > _PAIR:
        parts[of == (number + 1) % folds] = "val"
        return parts
    rest = np.flatnonzero(of != number)
    thirds = draw_folds(np.unique(groups[rest], return_inverse=True)[1].astype(np.int64), 3, seed)
    parts[rest[thirds == 0]] = "val"
    return parts


def _random(unseen: list[Fold], tiles: int, seed: int) -> Iterator[Fold]:
    """As many folds of tiles drawn at random, each with as many to train and to validate as its spatial one."""
    rng = np.random.default_rng(seed)
    of = rng.permutation(tiles) % len(unseen)
    for number, fold in enumerate(unseen):
        rest = rng.permutation(np.flatnonzero(of != number))
        val, train = np.split(rest[: len(fold.val) + len(fold.train)], [len(fold.val)])
        yield Fold(np.sort(train), np.sort(val), np.flatnonzero(of == number))


def _gap(unseen: Scores, random: Scores) -> tuple[GapRow, ...]:
    means = [(one.macro_average_precision, one.macro_auc, one.macro_f1) for one in (unseen, random)]
    rows = [_gap_row(MACRO, *means)]
    for one, other in zip(unseen.classes, random.classes, strict=True):
        rows.append(_gap_row(one.name, *((row.average_precision, row.auc, row.f1) for row in (one, other))))
    return tuple(rows)


def _gap_row(name: str, unseen: tuple[float, ...], random: tuple[float, ...]) -> GapRow:
    triples = ((low, high, high - low) for low, high in zip(unseen, random, strict=True))
    return GapRow(name, *(round(value, _DIGITS) for triple in triples for value in triple))
