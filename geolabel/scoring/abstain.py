"""Tiles that are left undecided: those nearest to the threshold, and the scores of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError
from geolabel.scoring.multilabel import Scores, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SelectiveScores:
    """Scores of what was decided, and how much that is."""

    coverage: tuple[float, ...]
    """By class: share of its known tiles that are decided; NaN where none is known."""
    scores: Scores
    """Of those tiles; the others count as unknown."""


def band(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    thresholds: Sequence[float] | NDArray[np.floating[Any]],
    share: float,
) -> NDArray[np.float64]:
    """Probabilities [low, high) of each class that leave a tile undecided: (classes, 2), low ≤ threshold ≤ high.

    About `share` of the known tiles lie in it (`targets` (n, classes): NaN unknown): of those above the threshold and
    of those below it that share each, the nearest first. Taken from all at once, the tiles of a rare class, few above
    the threshold, would all be left undecided. Raises OptionError where the share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise OptionError(f"the share of tiles left undecided must be from 0 to below 1, got {share:g}; give .1 say")
    bands = np.repeat(np.asarray(thresholds, dtype=np.float64)[:, None], 2, axis=1)
    for column, threshold in enumerate(bands[:, 0].tolist()):
        value = probabilities[np.isfinite(targets[:, column]), column].astype(np.float64)
        above = value >= np.float32(threshold)
        bands[column] = (
            threshold - _reach(threshold - value[~above], share),
            threshold + _reach(value[above] - threshold, share),
        )
    return np.clip(bands, 0.0, 1.0)


def selective_scores(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    names: Sequence[str],
    thresholds: Sequence[float],
    undecided: NDArray[np.bool_],
    detected: NDArray[np.bool_] | None = None,
    *,
    exclusive: Sequence[slice] = (),
) -> SelectiveScores:
    """Score the decided answers alone; `undecided` (n, classes) are left out, other parameters as of `score`."""
    left = np.where(undecided, np.float32(np.nan), targets)
    known, decided = np.isfinite(targets).sum(axis=0), np.isfinite(left).sum(axis=0)
    coverage = np.divide(decided, known, out=np.full(len(names), np.nan), where=known > 0)
    scores = score(left, probabilities, names, thresholds, detected, exclusive=exclusive)
    return SelectiveScores(tuple(coverage.tolist()), scores)


def _reach(distance: NDArray[np.float64], share: float) -> float:
    """How far from the threshold the band goes on one side: midway between the last tile in it and the next."""
    near = np.sort(np.maximum(distance, 0.0))  # a threshold rounded to 32 bits may lie on the other side
    inside = round(share * len(near))
    if inside == 0:
        return 0.0
    return float(near[inside - 1] + near[min(inside, len(near) - 1)]) / 2
