"""What is measured of a model on the tiles of a part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.inference import Decision
from geolabel.inference.decision import quantise
from geolabel.learn.heads import share_targets, targets
from geolabel.model import exclusive
from geolabel.scoring.abstain import SelectiveScores, selective_scores
from geolabel.scoring.curves import ClassCurves, curves
from geolabel.scoring.intervals import Answers, Intervals, intervals
from geolabel.scoring.multilabel import Scores, score
from geolabel.scoring.refuse import Belonging, goes_together, refuse_constant
from geolabel.scoring.shares import ShareScores, score_shares
from geolabel.steps.places import places
from geolabel.steps.split import named_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All scores of a part."""

    scores: Scores
    intervals: tuple[Intervals, ...]
    drawn_from: str
    """What the intervals resample."""
    curves: tuple[ClassCurves, ...]
    constant: tuple[str, ...]
    """Classes that are present in all known tiles, or in none: they have no ranks."""
    belonging: Belonging
    """Whether labels and pictures go together."""
    unknown: float
    """Share of the entries that no label speaks of."""
    abstain: SelectiveScores | None
    """Of models that leave tiles undecided."""
    shares: ShareScores | None
    """Of models that learned shares."""


def measure(
    card: ModelCard, index: TileIndex, rows: NDArray[np.int64], found: NDArray[np.float32], part: str
) -> Evaluation:
    """Score the probabilities `found` (n, classes) of the tiles `rows` (n,) at the model's thresholds.

    `part` is how messages call them. Raises EmptyError where the labels of all classes are constant, InputError where
    they do not go together with the pictures.
    """
    shares = shares_of(card, index)[rows]
    truth = targets(shares, card.heads, card.presence)
    constant = refuse_constant(truth, card.classes, part)
    expected = (card.scores.get("val") or {}).get("macro_auc")
    belonging = goes_together(truth, found, part, expected_auc=expected)
    scores, detected = score_part(card, truth, found)
    groups, drawn_from = groups_of(index, rows)
    return Evaluation(
        scores=scores,
        intervals=intervals(truth, Answers(found, detected), card.classes, groups=groups),
        drawn_from=drawn_from,
        curves=curves(truth, found, card.classes),
        constant=constant,
        belonging=belonging,
        unknown=float(np.isnan(truth).mean()),
        abstain=selective_scores(
            truth,
            found,
            card.classes,
            _thresholds(card),
            Decision.of(card).undecided(quantise(found).T).T,
            detected,
            exclusive=exclusive(card.heads),
        )
        if card.abstain
        else None,
        shares=_shares(card, shares, found) if card.settings.get("targets") == "shares" else None,
    )


def score_part(
    card: ModelCard, truth: NDArray[np.float32], found: NDArray[np.float32]
) -> tuple[Scores, NDArray[np.bool_]]:
    """Scores at the model's thresholds, and what they detect (n, classes)."""
    detected = Decision.of(card).on_tiles(found)
    return score(truth, found, card.classes, _thresholds(card), detected, exclusive=exclusive(card.heads)), detected


def shares_of(card: ModelCard, index: TileIndex) -> NDArray[np.float32]:
    """Shares of the model's classes in each tile: (tiles, classes), NaN unknown."""
    return index.shares[:, [index.class_names.index(name) for name in card.classes]]


def _thresholds(card: ModelCard) -> list[float]:
    return [card.thresholds[name] for name in card.classes]


def groups_of(index: TileIndex, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, str]:
    """Groups of tiles that tell the same story (n,), and what they are: those of the split; None for single tiles."""
    told, found = index.split or {}, places(index, rows)
    if told.get("method") == "column" and found is not None:
        if named_parts(index, told["by"]) is None:
            return found, f"values of {told['by']}"
        found = places(replace(index, split={**told, "method": "blocks"}), rows)  # the column names parts, not groups
    return found, "tiles" if found is None else f"blocks of {float(told['block_m']) / 1000:g} km"


def _shares(card: ModelCard, shares: NDArray[np.float32], found: NDArray[np.float32]) -> ShareScores:
    return score_shares(share_targets(shares, card.heads), found, card.classes)
