"""What imbalance asks for: weights of classes and tiles, and how often each tile is drawn in an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.errors import EmptyError, OptionError
from geolabel.model import slices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geolabel.model import Head

BALANCES: tuple[str, ...] = ("none", "weights", "sampler", "over", "under")
_BETA = 0.999
"""Tiles of one place resemble each other: a thousand say no less than a million."""
_MOST = 50.0
"""Between the weights of a class's positives and negatives, or of two classes."""
_MOST_REPEATS = 10
"""By over and under no tile is drawn more often than so many times another."""


def class_weights(targets: NDArray[np.float32], heads: Sequence[Head]) -> NDArray[np.float64]:
    """Weight of each class (classes,) from targets (n, classes), NaN unknown: 1 over the effective number of tiles.

    That number is (1 − βⁿ) / (1 − β) of n tiles, β = .999: about n where there are few, 1000 at the most (Cui et al.
    2019, arXiv 1901.05555). sigmoid: the weight of positives where that of negatives is 1, between 1/50 and 50.
    softmax: relative to the other classes, of mean 1, none more than 50 times another. A class of which there is
    nothing to weigh has 1. Shares count as parts of tiles.
    """
    weights = np.ones(targets.shape[1])
    for head, columns in slices(heads):
        part = targets[:, columns].astype(np.float64)
        if head.kind == "softmax":
            shown = part[np.isfinite(part).all(axis=1)].sum(axis=0)
            own = np.divide(1.0, _effective(shown), out=np.full(len(shown), np.nan), where=shown > 0)
            if not np.isnan(own).all():
                own = np.minimum(own, _MOST * np.nanmin(own))
                weights[columns] = np.nan_to_num(own / np.nanmean(own), nan=1.0)
            continue
        positives, negatives = np.nansum(part, axis=0), np.nansum(1 - part, axis=0)
        both = (positives > 0) & (negatives > 0)
        ratio = np.divide(_effective(negatives), _effective(positives), out=np.ones(len(both)), where=both)
        weights[columns] = ratio.clip(1 / _MOST, _MOST)
    return weights


def _effective(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1 - _BETA**counts) / (1 - _BETA))


def known_weights(known: NDArray[np.floating]) -> NDArray[np.float32]:
    """Weight of each tile (n,) by the share of it (n,) that is known, of mean 1; all 1 where nothing is known."""
    mean = known.mean() if len(known) else 0.0
    return (known / mean if mean > 0 else np.ones(len(known))).astype(np.float32)


def draw_epoch(
    rows: NDArray[np.int64], targets: NDArray[np.float32], how: str, wanted: int, generator: torch.Generator
) -> NDArray[np.int64]:
    """The tiles of one epoch: exactly `wanted`, of `rows` (n,) among all tiles.

    A class is known to be present where its target (tiles, classes) is above 0; NaN is unknown.

    none, weights: every tile once, in a new order for each pass over them.
    sampler: with replacement, each tile in proportion to 1 over the number of tiles of the rarest class present in it,
    so that every class is in at least one of (classes + 1) tiles drawn: class-aware sampling (Shen et al. 2016, arXiv
    1512.05830) for tiles of several classes, which count by their rarest as in LVIS (Gupta et al. 2019, arXiv
    1908.03195).
    over: passes over tiles in the same proportion, the commonest once, the rarest up to ten times.
    under: passes over tiles in the same proportion, the rarest in each, the commonest in one of ten at least.

    Tiles without a class known to be present are a class of their own here; where all is unknown there is nothing to
    balance, and nothing to learn: the last three leave such a tile out. Raises OptionError for another `how`,
    EmptyError where there are no rows.
    """
    if how not in BALANCES:
        raise OptionError(f"--balance {how}: no such way; choose one of {', '.join(BALANCES)}")
    if not len(rows):
        raise EmptyError("no tiles to learn from")
    rarity = _rarity(targets[rows])
    if how in ("none", "weights") or not rarity.any():
        return _passes(lambda: rows, wanted, generator)
    if how == "sampler":
        reached = np.cumsum(rarity)
        drawn = torch.rand(wanted, dtype=torch.float64, generator=generator).numpy() * reached[-1]
        return np.asarray(rows[np.searchsorted(reached[:-1], drawn, side="right")])
    common, rare = rarity[rarity > 0].min(), rarity.max()
    often = np.minimum(rarity / common, _MOST_REPEATS)
    if how == "under":
        often = np.where(rarity > 0, np.maximum(rarity / rare, 1 / _MOST_REPEATS), 0.0)
    return _passes(lambda: np.repeat(rows, _whole(often, generator)), wanted, generator)


def _rarity(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 over the tiles of the rarest class present in each tile (n,), or of those with none; 0 where all is unknown."""
    present = targets > 0  # NaN is not
    none = np.isfinite(targets).any(axis=1) & ~present.any(axis=1)
    groups = np.column_stack([present, none])
    return np.asarray((groups / np.maximum(groups.sum(axis=0), 1)).max(axis=1))


def _whole(often: NDArray[np.float64], generator: torch.Generator) -> NDArray[np.int64]:
    """Whole numbers whose means are `often` (n,)."""
    chance = torch.rand(len(often), dtype=torch.float64, generator=generator).numpy()
    return np.asarray(np.floor(often + chance), dtype=np.int64)


def _passes(pick: Callable[[], NDArray[np.int64]], wanted: int, generator: torch.Generator) -> NDArray[np.int64]:
    """What `pick` gives, shuffled, as often as it takes to have `wanted`."""
    passes, found = [np.empty(0, np.int64)], 0
    while found < wanted:
        picked = pick()
        passes.append(picked[torch.randperm(len(picked), generator=generator).numpy()])
        found += len(picked)
    return np.concatenate(passes)[:wanted]
