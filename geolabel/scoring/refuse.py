"""What is not to be scored: labels that are constant, and labels that were shuffled apart from their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import EmptyError, InputError
from geolabel.scoring.counts import PRESENT
from geolabel.scoring.ranking import auc, sum_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SHUFFLES = 199
_P = 0.05
"""Above it, the AUC cannot be told from that of shuffled labels."""
_CLEAR = 0.99
"""Share of the shuffled AUCs that the expected one must exceed: fewer tiles than that takes prove nothing."""
_LEAST_EXPECTED = 0.6
"""AUC below which a model is not clearly better than chance itself."""
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whether labels and probabilities belong together: a permutation test of their macro AUC."""

    macro_auc: float
    """NaN, as `p`, where no class has both presence and absence."""
    p: float
    """Chance of an AUC as high or higher where labels are shuffled among the tiles: small is good."""
    shuffled_auc: float
    """Below it are 99 % of the AUCs of shuffled labels."""


def refuse_constant(targets: NDArray[np.floating[Any]], names: Sequence[str], part: str) -> tuple[str, ...]:
    """Name the classes of a part without both presence and absence. Raises EmptyError where that is every class.

    `targets` (n, classes): 1 present, 0 absent, NaN unknown.
    """
    both = _both(targets)
    if not both.any():
        raise EmptyError(
            f"{part}: every class is either present in all tiles or absent from all where it is known, so that no "
            "score means anything; split anew, with more or smaller blocks, or label more tiles"
        )
    return tuple(name for name, scored in zip(names, both, strict=True) if not scored)


def goes_together(
    targets: NDArray[np.floating[Any]],
    probabilities: NDArray[np.floating[Any]],
    part: str,
    *,
    expected_auc: float | None = None,
    seed: int = 0,
) -> Belonging:
    """Test whether labels belong to the pictures that `probabilities` (n, classes) were predicted from.

    `targets` (n, classes; 1 present, 0 absent, NaN unknown) are shuffled among the tiles 199 times, whole rows.
    `expected_auc` is the macro AUC that the model had on its validation tiles. Raises InputError where that is clearly
    above chance (at least .6, and above 99 % of the shuffled AUCs, so that the part has enough tiles to tell), but the
    AUC of this part is not (p > .05).
    """
    both = _both(targets)
    if not both.any():
        return Belonging(float("nan"), float("nan"), float("nan"))
    targets, probabilities = targets[:, both], probabilities[:, both]
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(targets))
    shuffled = []
    for first in range(0, _SHUFFLES, step):
        rows = np.tile(np.arange(len(targets))[:, None], min(step, _SHUFFLES - first))
        shuffled.append(_macro_auc(targets, probabilities, rng.permuted(rows, axis=0)))
    chance = np.concatenate(shuffled)
    found = float(_macro_auc(targets, probabilities, np.arange(len(targets))[:, None])[0])
    result = Belonging(found, float(1 + (chance >= found).sum()) / (1 + _SHUFFLES), float(np.quantile(chance, _CLEAR)))
    clear = expected_auc is not None and expected_auc >= max(_LEAST_EXPECTED, result.shuffled_auc)
    if clear and result.p > _P:
        raise InputError(
            f"{part}: labels and pictures do not go together: the AUC is {found:.2f}, as if labels had been shuffled, "
            f"where the model had {expected_auc:.2f} on its validation tiles. Check that labels stand beside their own "
            "pictures, and label again; or the model knows nothing of such places: train with tiles of them"
        )
    return result


def _both(targets: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which classes are present in some tiles and absent from others: (classes,)."""
    return np.asarray((targets > PRESENT).any(axis=0) & (targets <= PRESENT).any(axis=0))


def _macro_auc(
    targets: NDArray[np.floating[Any]], probabilities: NDArray[np.floating[Any]], rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Mean AUC over the classes (shuffles,), where tile i has the labels of the tile rows[i] (n, shuffles)."""
    of_classes = []
    for target, probability in zip(targets.T, probabilities.T, strict=True):
        order = np.argsort(-probability, kind="stable")
        value = probability[order]
        ends = np.flatnonzero(np.append(True, np.append(value[1:] < value[:-1], True)))
        present, absent = (target > PRESENT).astype(np.float64), (target <= PRESENT).astype(np.float64)
        of_classes.append(auc(sum_runs(order, ends, present[rows]), sum_runs(order, ends, absent[rows])))
    return np.asarray(np.mean(of_classes, axis=0))
