"""What a classifier says of the tiles, beside what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.inference.decision import Decision, quantise
from geolabel.steps.exploring.classes import legend_of
from geolabel.steps.truth import truth_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard
    from geolabel.tiling import TileIndex

RIGHT, MISSED, FALSE_ALARM, UNKNOWN = 0, 1, 2, -1


@dataclass(frozen=True, slots=True)
class Answers:
    """Probabilities of n tiles, and how far they are from the labels."""

    titles: tuple[str, ...]
    """One a class of the model."""
    probabilities: NDArray[np.float32]
    """(n, classes)."""
    outcome: NDArray[np.int64]
    """(n, classes): right, missed or false alarm; −1 where the label is unknown, or the model undecided."""
    error: NDArray[np.float32] | None
    """(n,): mean over the known classes of |probability − presence|; NaN where none is known; None without labels."""

    @property
    def commonest(self) -> list[int]:
        """Classes by their mean probability, the highest first."""
        return [int(at) for at in np.argsort(-self.probabilities.mean(axis=0), kind="stable")]

    @property
    def lines(self) -> list[str]:
        """The likeliest class of each tile with its probability."""
        best = self.probabilities.argmax(axis=1)
        likely = self.probabilities[np.arange(len(best)), best]
        return [f"{self.titles[at]} {value:.2f}" for at, value in zip(best.tolist(), likely.tolist(), strict=True)]


def answers_of(card: ModelCard, index: TileIndex, probabilities: NDArray[np.float32]) -> Answers:
    """Compare probabilities (n, classes) with the labels of the index, by the model's own thresholds.

    Which class is present is what the model's heads learned and `evaluate` judges: of classes that exclude each other,
    that of the largest share.
    """
    truth = truth_of(card, index)
    levels, decision = quantise(probabilities).T, Decision.of(card)
    detected, undecided = decision.detected(levels).T, decision.undecided(levels).T
    outcome = np.where(truth > 0, np.where(detected, RIGHT, MISSED), np.where(detected, FALSE_ALARM, RIGHT))
    known = np.isfinite(truth)
    away = np.where(known, np.abs(probabilities - truth), 0).sum(axis=1)
    count = known.sum(axis=1)
    error = np.divide(away, count, out=np.full(len(away), np.nan, np.float32), where=count > 0)
    legend = legend_of(card.scheme or None)
    return Answers(
        tuple(legend.title(name) for name in card.classes),
        probabilities,
        np.where(known & ~undecided, outcome, UNKNOWN),
        error.astype(np.float32) if known.any() else None,
    )
