"""From a trained model to one that decides: calibration, thresholds and what stays undecided, by validation tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files
from geolabel.errors import listed
from geolabel.inference import Decision, levels_of
from geolabel.learn.predictor import calibrated
from geolabel.model import exclusive
from geolabel.progress import log
from geolabel.scoring.abstain import band
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.multilabel import Scores, score
from geolabel.scoring.thresholds import Aim, choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.learn.recipe import Recipe


def decide(
    predictor: Predictor, truth: NDArray[np.float32], found: NDArray[np.float32], recipe: Recipe
) -> tuple[Predictor, Scores]:
    """The predictor with thresholds chosen on `truth` and its probabilities `found` (n, classes); scores on them."""
    card, groups = predictor.card, exclusive(predictor.card.heads)
    if recipe.calibrate != "none":
        calibration = Calibration.fit(truth, found, groups, recipe.calibrate)
        card, found = replace(card, calibration=calibration.to_json()), calibration.apply(found)
    aim = Aim.parse(recipe.aim)
    # few validation tiles make the plain choice jump; for shares that must be reached it is the plain one that holds
    chosen, missed = choose(truth, found, aim, steady=aim.kind in ("f1", "f2"))
    if missed.any():
        names = (name for name, short in zip(card.classes, missed, strict=True) if short)
        log.warning("no threshold reaches --aim %s for %s; the nearest is taken", recipe.aim, listed(names))
    thresholds = levels_of(chosen).round(3)
    card = replace(card, thresholds=dict(zip(card.classes, thresholds.tolist(), strict=True)))
    if recipe.abstain:
        bands = levels_of(_bands(truth, found, thresholds, groups, recipe.abstain)).round(3)
        pairs = zip(card.classes, bands.tolist(), strict=True)
        card = replace(card, abstain={name: (min(low, high), high) for name, (low, high) in pairs})
    scores = score(truth, found, card.classes, thresholds.tolist(), Decision.of(card).on_tiles(found), exclusive=groups)
    done = replace(card, scores={**card.scores, "val": files.to_json(scores)})
    return calibrated(predictor.with_card(done)), scores


def _bands(
    truth: NDArray[np.float32],
    found: NDArray[np.float32],
    thresholds: NDArray[np.float64],
    groups: Sequence[slice],
    share: float,
) -> NDArray[np.float64]:
    """Probabilities that leave a class undecided: (classes, 2).

    Of exclusive classes the likeliest is undecided where it is less likely than on all but `share` of the tiles.
    """
    bands = band(truth, found, thresholds, share)
    for columns in groups:
        bands[columns] = 0.0, np.quantile(found[:, columns].max(axis=1), share)
    return bands
