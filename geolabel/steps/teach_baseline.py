"""Train a conventional classifier: features of the tiles, then one fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from geolabel.errors import OptionError
from geolabel.learn.baselines import BaselinePredictor, StatisticsFeatures, fit_baseline, network_features
from geolabel.learn.device import choose_device
from geolabel.learn.recipe import flag_of
from geolabel.learn.trunk import COLOUR, start_trunk
from geolabel.progress import log
from geolabel.steps.recipe_words import changed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.baselines import BaselineKind
    from geolabel.learn.chips import Chips
    from geolabel.learn.recipe import Recipe
    from geolabel.model import BandContract
    from geolabel.steps.task import Task

_AT_ONCE = 1024
_OF_NETWORKS = {
    *("loss", "label_smoothing", "balance", "epochs", "batch", "accumulate", "lr", "schedule", "warm_up"),
    *("freeze_epochs", "layer_decay", "weight_decay", "dropout", "clip", "ema", "mixup", "augment", "patience"),
    "context",
}
"""Choices that only networks know."""


def teach_baseline(
    task: Task, chips: Chips, train: NDArray[np.int64], bands: tuple[BandContract, ...], recipe: Recipe
) -> BaselinePredictor:
    """Fit the baseline that the recipe names on the tiles `train`. Raises OptionError."""
    if recipe.targets == "shares":
        raise OptionError(f"--model {recipe.model} tells whether a class is there, not its share; use a network")
    if recipe.pairs:
        raise OptionError(f"--pairs is for networks; --model {recipe.model} sees both dates without it")
    if recipe.dehaze:
        raise OptionError(f"--dehaze is for networks; --model {recipe.model} sees the tiles as they are")
    if recipe.features != COLOUR and recipe.weights == "none":
        raise OptionError(f"--features {recipe.features}: a network that has learned nothing; give its --weights")
    unused = [flag_of(name) for name in changed(recipe) if name in _OF_NETWORKS]
    if unused:
        log.warning("--model %s has no use for %s", recipe.model, ", ".join(unused))
    card = task.card(recipe, bands, {"features": recipe.features})
    network = start_trunk(card, recipe.weights, recipe.seed)
    features = (
        StatisticsFeatures(bands) if network is None else network_features(network, bands, choose_device(recipe.device))
    )
    parts = [train[start : start + _AT_ONCE] for start in range(0, len(train), _AT_ONCE)]
    seen = np.concatenate([features(np.asarray(chips.pixels[part]), np.asarray(chips.valid[part])) for part in parts])
    weights = task.weights[train] if recipe.weigh_known else None
    baseline = fit_baseline(
        cast("BaselineKind", recipe.model),
        seen,
        task.targets[train],
        task.heads,
        recipe.seed,
        weights,
        trees=recipe.trees,
        depth=recipe.depth,
    )
    return BaselinePredictor(card, features, baseline)
