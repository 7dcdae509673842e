"""Scores of models that learn shares: how far the predicted share of each class is from the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.averages import mean_of_known
from geolabel.scoring.counts import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassShareScores:
    """How well the share of one class is predicted; NaN where it is known in no tile."""

    name: str
    tiles: int
    """Tiles in which the share is known."""
    mae: float
    """Mean absolute error of the share."""
    r2: float
    """Share of the variance that is explained: 1 − squared error / variance; NaN where all shares are the same."""


@dataclass(frozen=True, slots=True)
class ShareScores:
    """Scores by class, their means, and the error of whole tiles."""

    classes: tuple[ClassShareScores, ...]
    macro_mae: float
    macro_r2: float
    summed_error: float
    """Mean over the tiles of Σ |p̂ − p|, p̂ normalised to a sum of 1: 0 is exact, 2 all wrong."""
    tiles: int
    """Tiles in which every class is known: those of the summed error."""


def score_shares(
    shares: NDArray[np.floating[Any]], predicted: NDArray[np.floating[Any]], names: Sequence[str]
) -> ShareScores:
    """Score `predicted` shares (n, classes; 0 or more) against true ones (n, classes; 0–1, NaN unknown)."""
    truth, guess = shares.astype(np.float64), predicted.astype(np.float64)
    known = np.isfinite(truth)
    error = np.where(known, guess - truth, 0.0)
    tiles = known.sum(axis=0)
    mean = ratio(np.where(known, truth, 0.0).sum(axis=0), tiles)
    spread = np.square(np.where(known, truth - mean, 0.0)).sum(axis=0)
    varied = np.where(known, truth, -np.inf).max(axis=0, initial=-np.inf) > np.where(known, truth, np.inf).min(
        axis=0, initial=np.inf
    )
    mae = ratio(np.abs(error).sum(axis=0), tiles)
    r2 = 1 - ratio(np.square(error).sum(axis=0), np.where(varied, spread, 0.0))
    whole = known.all(axis=1)
    return ShareScores(
        classes=tuple(
            ClassShareScores(name, int(count), float(one), float(other))
            for name, count, one, other in zip(names, tiles, mae, r2, strict=True)
        ),
        macro_mae=mean_of_known(mae),
        macro_r2=mean_of_known(r2),
        summed_error=summed_error(guess, truth),
        tiles=int(whole.sum()),
    )


def summed_error(predicted: NDArray[np.floating[Any]], truth: NDArray[np.floating[Any]]) -> float:
    """Mean over the tiles of Σ |p̂ − p|: 0 is exact, 2 all wrong; NaN where no tile is known.

    `predicted` (n, classes): 0 or more, here normalised to sums of 1; a row of zeros stays one, and misses all of the
    tile. `truth` (n, classes): 0–1; tiles of which a class is unknown, NaN, are left out. System B's summed error.
    """
    known = np.isfinite(truth).all(axis=1)
    guess, wanted = predicted[known].astype(np.float64), truth[known].astype(np.float64)
    total = guess.sum(axis=1, keepdims=True)
    normalised = np.divide(guess, total, out=np.zeros_like(guess), where=total > 0)
    return mean_of_known(np.abs(normalised - wanted).sum(axis=1))
