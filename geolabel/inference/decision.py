"""From probabilities to classes: what counts as detected, on tiles as on maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.model import exclusive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard

LEVELS = 250
"""Probabilities are kept as whole numbers 0–250: a byte each, a scale of .004, with room for nodata."""
NONE, UNDECIDED = 0, 254
"""In a class raster: no class is detected; one may be there, but the model does not decide."""


def quantise(probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Probabilities 0–1 as levels 0–250."""
    return np.rint(probability * LEVELS).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Decision:
    """When a class counts as detected: an independent one from its threshold on, of exclusive ones the likeliest."""

    thresholds: tuple[int, ...]
    """Level of each class, 1–249."""
    exclusive: tuple[slice, ...]
    """Columns of the heads in which one class at the most is detected."""
    bands: tuple[tuple[int, int], ...] = ()
    """Levels of each class, from the first up to below the second, that leave it undecided; () where none do."""

    @classmethod
    def of(cls, card: ModelCard, threshold: float | None = None) -> Decision:
        """As the model says; with `threshold`, that one for all independent classes, and nothing is undecided."""
        values = [card.thresholds[name] if threshold is None else threshold for name in card.classes]
        groups = exclusive(card.heads)
        levels = tuple(min(max(round(value * LEVELS), 1), LEVELS - 1) for value in values)
        if threshold is not None or not card.abstain:
            return cls(levels, groups)
        bands = [card.abstain.get(name) for name in card.classes]
        rounded = ((round(band[0] * LEVELS), round(band[1] * LEVELS)) if band else (0, 0) for band in bands)
        return cls(levels, groups, tuple(rounded))

    def detected(self, levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which classes are detected: bool (classes, …) of levels (classes, …)."""
        found = self._ahead(levels)
        for number, (low, high) in enumerate(self.bands):
            if high > low:
                found[number] &= levels[number] >= high
        return found

    def undecided(self, levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which classes may be there without being detected: bool (classes, …) of levels (classes, …)."""
        open_ = np.zeros(levels.shape, dtype=bool)
        for number, (low, high) in enumerate(self.bands):
            open_[number] = (levels[number] >= low) & (levels[number] < high)
        for columns in self.exclusive:
            open_[columns] &= self._ahead(levels)[columns]
        return open_

    def _ahead(self, levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Classes at their threshold, or the likeliest of their head."""
        found = np.stack([level >= least for level, least in zip(levels, self.thresholds, strict=True)])
        for columns in self.exclusive:
            likeliest = levels[columns].argmax(axis=0)
            for number in range(columns.stop - columns.start):
                found[columns.start + number] = likeliest == number
        return found

    def foremost(self, levels: NDArray[np.uint8], detected: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Of the detected classes the one to show, from 1: the one furthest above its threshold.

        0 where none is, UNDECIDED where one may be there. Exclusive classes have no threshold; they are
        measured from an even chance.
        """
        base = np.array(self.thresholds, dtype=np.float32)
        for columns in self.exclusive:
            base[columns] = LEVELS / (columns.stop - columns.start)
        best = np.full(levels.shape[1:], -np.inf, dtype=np.float32)
        shown = np.full(levels.shape[1:], NONE, dtype=np.uint8)
        for number, (level, found) in enumerate(zip(levels, detected, strict=True)):  # class by class: less memory
            margin = np.where(found, (level - base[number]) / (LEVELS - base[number]), -np.inf)
            better = margin > best
            shown[better] = number + 1
            np.copyto(best, margin, where=better)
        if self.bands:
            shown[(shown == NONE) & self.undecided(levels).any(axis=0)] = UNDECIDED
        return shown

    def on_tiles(self, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which classes are detected on tiles: bool (n, classes) of probabilities (n, classes)."""
        return self.detected(quantise(probabilities).T).T


def levels_of(thresholds: NDArray[Any]) -> NDArray[np.float64]:
    """Thresholds as a map can hold them: multiples of .004, never 0 or 1."""
    return np.asarray(np.clip(np.rint(thresholds * LEVELS), 1, LEVELS - 1) / LEVELS, dtype=np.float64)
