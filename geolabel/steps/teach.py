"""Train a model of any kind on some tiles, and let it decide by others: what train, folds, tune and compare share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from geolabel.learn import checkpoint, loop
from geolabel.learn.baselines import BASELINES
from geolabel.learn.device import choose_device
from geolabel.learn.forward import make_classifier, start_network
from geolabel.learn.haze import DarkChannel
from geolabel.learn.pairs import shared_statistics
from geolabel.learn.predictor import predict_chips
from geolabel.learn.run import start
from geolabel.learn.transforms import Normalise, band_contracts, visible_bands
from geolabel.model import PAIRS
from geolabel.steps.decide import decide
from geolabel.steps.task import check_pairs
from geolabel.steps.teach_baseline import teach_baseline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.history import Epoch
    from geolabel.learn.predictor import Predictor
    from geolabel.learn.recipe import Recipe
    from geolabel.model import BandContract
    from geolabel.scoring.multilabel import Scores
    from geolabel.steps.task import Task


@dataclass(frozen=True, slots=True)
class Taught:
    """A model that has learned."""

    predictor: Predictor
    scores: Scores
    """On the validation tiles, at the thresholds chosen on them."""
    parameters: int
    history: tuple[Epoch, ...] = ()
    last: Predictor | None = None
    """The network after its last epoch, of runs that have a folder."""
    interrupted: bool = False

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept; 0 where there are none."""
        return next((row.epoch for row in reversed(self.history) if row.best), 0)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a run keeps what it needs to be resumed, and whom it tells."""

    checkpoint: Path | None = None
    resume: bool = False
    on_epoch: Callable[[Sequence[Epoch]], None] = field(default=lambda _: None)


def teach(
    task: Task,
    chips: Chips,
    train: NDArray[np.int64],
    val: NDArray[np.int64],
    recipe: Recipe,
    desk: Desk | None = None,
) -> Taught:
    """Learn the tiles `train`, and choose epoch, calibration and thresholds by `val` (numbers among the task's)."""
    source = task.index.sources[0]
    bands = band_contracts(chips, train, source.bands, source.scale, source.offset)
    if recipe.pairs:
        check_pairs(task.index, task.path)  # a way that is compared with others had no task of its own
        bands = shared_statistics(bands)
    if recipe.model in BASELINES:
        predictor = teach_baseline(task, chips, train, bands, recipe)
        done, scores = decide(predictor, task.truth[val], predict_chips(predictor, chips, val), recipe)
        return Taught(done, scores, sum(int(values.size) for values in done.weights().values()))
    return _teach_network(task, chips, train, val, bands, recipe, desk or Desk())


def _teach_network(
    task: Task,
    chips: Chips,
    train: NDArray[np.int64],
    val: NDArray[np.int64],
    bands: tuple[BandContract, ...],
    recipe: Recipe,
    desk: Desk,
) -> Taught:
    card = task.card(recipe, bands, _settings(recipe, bands))
    lesson = task.lesson(chips, train, val)
    network = start_network(card, recipe.weights, recipe.seed, recipe.dropout)
    run = start(network, lesson, recipe, choose_device(recipe.device))
    if desk.resume and desk.checkpoint:
        checkpoint.restore(run, desk.checkpoint)
    loop.fit(run, lesson, recipe, Normalise.of(card), save_to=desk.checkpoint, on_epoch=desk.on_epoch)
    last = run.weights()
    run.network.load_state_dict(run.best)
    predictor = make_classifier(card, run.network, run.fabric.device)
    done, scores = decide(predictor, task.truth[val], predict_chips(predictor, chips, val), recipe)
    final = None
    if desk.checkpoint:  # folds, teachers and trials keep no last epoch
        spare = start_network(card, "none", 0, recipe.dropout)
        spare.load_state_dict(last)
        after = make_classifier(card, spare, run.fabric.device)
        final, _ = decide(after, task.truth[val], predict_chips(after, chips, val), recipe)
    return Taught(
        predictor=done,
        scores=scores,
        parameters=sum(value.numel() for value in run.network.parameters()),
        history=tuple(run.history),
        last=final,
        interrupted=run.interrupted,
    )


def _settings(recipe: Recipe, bands: tuple[BandContract, ...]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if recipe.heads == "apart":
        settings["apart"] = True
    if recipe.pairs:
        settings[PAIRS] = "head"
    if recipe.targets == "shares":
        settings["targets"] = "shares"
    if recipe.dehaze:
        visible_bands([band.name for band in bands])
        settings["dehaze"] = asdict(DarkChannel())
    return settings
