"""Folds for amazon_model.py: whole groups of sets, so that a recipe is judged on sets and places it has not seen.

The test part of amazon_chips.py is in none of them, nor what resembles it or lies within 2 km of it. Every fold holds
positive sets and negative sets; negatives that are named for what they show lie in different folds as far as they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from amazon_chips import look_alikes, part_chips
from scipy.optimize import minimize_scalar
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.neighbors import BallTree

if TYPE_CHECKING:
    from amazon_chips import Chips
    from numpy.typing import NDArray

APART_KM = 2.0
_EARTH_KM = 6371.0
_RESAMPLES = 1_000
_FOLDS = (
    ("GeoCompass2023", "v4.18_", "random_", "landslide_", "v3.2_2023"),
    ("BD_MineriaAurifera", "v0.X-", "v3.1_"),
    ("v0.5-", "dredge_", "bolivar_2020_thresh_0.8_1_", "v2.0_", "v2.1.1_", "riverbank_"),
    (
        "bolivar_2020_thresh_0.8_sumbsample", "amazonas_", "v3.6_", "ACAexpanded", "full_amazon", "v0.4-6", "v2.4_",
        "v2.6_",
    ),
)  # fmt: skip
"""How the names of each fold's sets begin. Sets that share pictures (GeoCompass and v4.18, the two lists of Peruvian
mines) lie in one fold; sets of the test part, too, match some, and are not there."""


class Sides:
    """What may be trained on where some chips are held out."""

    def __init__(self, chips: Chips) -> None:
        self._chips = chips
        pairs, _ = look_alikes(chips)
        self._pairs = np.concatenate([pairs, pairs[:, ::-1]])
        self.test = np.flatnonzero(part_chips(chips)[0] == "test")
        """Rows of the test part (n,)."""
        self.rest = self.apart(self.test)
        """Rows that may be learnt from, the test part unseen (n,)."""

    def apart(self, held: NDArray[np.int64], among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Rows that neither are among `held`, nor look like one of them, nor lie within 2 km of one."""
        is_held = np.zeros(len(self._chips), bool)
        is_held[held] = True
        alike = self._pairs[is_held[self._pairs[:, 0]], 1]
        some = np.arange(len(self._chips)) if among is None else among
        return np.setdiff1d(some, np.concatenate([held, alike, self._near(some, held)]))

    def folds(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each fold, rows to train on and rows held out."""
        held = [self.rest[np.char.startswith(self._chips.sets[self.rest][:, None], names).any(1)] for names in _FOLDS]
        assert np.array_equal(np.sort(np.concatenate(held)), self.rest), "every chip is held out once"
        return [(self.apart(rows, self.rest), rows) for rows in held]

    def _near(self, rows: NDArray[np.int64], held: NDArray[np.int64]) -> NDArray[np.int64]:
        known = self._chips.lon_lat[:, 0] != ""
        rows, held = rows[known[rows]], held[known[held]]
        if not len(rows) or not len(held):
            return rows[:0]
        radians = [np.radians(self._chips.lon_lat[some][:, ::-1].astype(float)) for some in (held, rows)]
        distance, _ = BallTree(radians[0], metric="haversine").query(radians[1])
        near: NDArray[np.int64] = rows[distance[:, 0] * _EARTH_KM < APART_KM]
        return near


def temperature(logits: NDArray[np.floating[Any]], mine: NDArray[np.bool_]) -> float:
    """What logits (n,) are divided by so that their log loss is least. Source: Guo et al. 2017, arXiv 1706.04599."""
    sign = np.where(mine, -1.0, 1.0)

    def loss(logarithm: float) -> float:
        return float(np.logaddexp(0, sign * logits / np.exp(logarithm)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def threshold(probability: NDArray[np.floating[Any]], mine: NDArray[np.bool_], beta: float) -> tuple[float, float]:
    """The probability from which F_beta is highest, and that F_beta."""
    precision, recall, at = precision_recall_curve(mine, probability)
    found = (1 + beta**2) * precision * recall / np.maximum(beta**2 * precision + recall, 1e-12)
    best = int(found[:-1].argmax())
    return float(at[best]), float(found[best])


def interval(
    mine: NDArray[np.bool_], score: NDArray[np.floating[Any]], groups: NDArray[Any], seed: int = 0
) -> tuple[float, float]:
    """95 % interval of average precision, resampling whole groups (n,); those with mines and those without apart."""
    rng = np.random.default_rng(seed)
    number = np.unique(groups, return_inverse=True)[1]
    members = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    has_mine = np.array([bool(mine[rows].any()) for rows in members])
    sides = (np.flatnonzero(has_mine), np.flatnonzero(~has_mine))
    found = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([rng.choice(side, len(side)) for side in sides])
        rows = np.concatenate([members[at] for at in drawn])
        found.append(average_precision_score(mine[rows], score[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
