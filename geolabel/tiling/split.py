"""Which tiles learn and which test: spatial blocks kept apart by a buffer, or whole groups.

Neighbouring tiles look alike; tiles drawn at random into train and test let a model be tested on what it has seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import EmptyError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
UNUSED = "buffer"
_DRAWS = 256
_ABSENT = 10.0
"""Error of a part that lacks a class: more than any shares can be off."""
_TOUCHING = 0.99
"""Neighbours touch; with sides measured in metres on the ellipsoid they may seem to overlap by a little."""


def spatial_blocks(centres_m: NDArray[np.float64], block_m: float) -> NDArray[np.int64]:
    """Number of the square block of `block_m` metres in which each tile's centre (n, 2) lies: (n,)."""
    if block_m <= 0:
        raise OptionError(f"--block must be more than 0 m, got {block_m:g}")
    cell = np.floor((centres_m - centres_m.min(axis=0)) / block_m).astype(np.int64)
    return np.unique(cell, axis=0, return_inverse=True)[1].ravel()


def draw_split(
    groups: NDArray[np.int64],
    presence: NDArray[np.float64],
    shares: Mapping[str, float],
    seed: int,
) -> NDArray[Any]:
    """Assign whole groups (blocks, sets) to train, val and test: (n,) strings.

    Of 256 random assignments the one is taken that comes closest to the wanted shares, of tiles and of each class
    (`presence`: (n, classes), 0 or 1); those that leave a class out of a part come last. No part is empty.
    Raises EmptyError where there are fewer groups than parts.
    """
    wanted = {name: share for name, share in shares.items() if share > 0}
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < len(wanted):
        raise EmptyError(
            f"{count} spatial blocks or groups cannot make {len(wanted)} parts; give a smaller --block, or --by COLUMN"
        )
    weights = np.column_stack([np.ones(len(groups)), presence])
    per_group = np.zeros((count, weights.shape[1]))
    np.add.at(per_group, groups, weights)
    per_group = per_group[:, per_group.sum(axis=0) > 0]
    per_group /= per_group.sum(axis=0)
    targets = np.array(list(wanted.values()))
    first = np.arange(1, len(targets))
    rng = np.random.default_rng(seed)
    best, best_error = None, np.inf
    for _ in range(_DRAWS):
        order = rng.permutation(count)
        # the middle of a group decides where it falls; each part begins one group after the one before, at least
        middle = np.cumsum(per_group[order, 0]) - per_group[order, 0] / 2
        begins = np.searchsorted(middle, np.cumsum(targets / targets.sum())[:-1])
        begins = np.maximum.accumulate(np.maximum(begins, first) - first) + first
        begins = np.minimum(begins, count - len(targets) + first)
        part = np.searchsorted(begins, np.arange(count), side="right")
        got = np.stack([per_group[order[part == which]].sum(axis=0) for which in range(len(targets))])
        error = float(np.abs(got - targets[:, None]).sum()) + _ABSENT * float((got == 0).sum())
        if error < best_error:
            best_error, best = error, np.empty(count, dtype=np.int64)
            best[order] = part
    return np.array(list(wanted))[best[groups]] if best is not None else np.empty(0, dtype="<U6")


def draw_folds(groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int16]:
    """Fold of each tile, whole groups together, sizes about equal: (n,), 0 … folds - 1."""
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < folds:
        raise EmptyError(f"{count} blocks or groups cannot make {folds} folds; give a smaller --block or --folds")
    sizes = np.bincount(groups, minlength=count)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(-sizes[order], kind="stable")]  # largest first, each into the emptiest fold
    filled, fold = np.zeros(folds), np.empty(count, dtype=np.int16)
    for group in order:
        fold[group] = filled.argmin()
        filled[fold[group]] += sizes[group]
    return fold[groups]


def buffer_out(
    parts: NDArray[Any], centres_m: NDArray[np.float64], half_m: NDArray[np.float64], buffer_m: float
) -> NDArray[Any]:
    """Take train tiles out that lie within `buffer_m` of val or test, and val tiles within it of test: (n,).

    `half_m` (n,) is half of each tile's side. Distance is between tile edges, along the axes (Chebyshev), which is
    never more than the straight one: nothing closer is left in. Tiles without a place (NaN) stay.
    """
    from scipy.spatial import cKDTree

    parts = parts.astype(object)
    placed = np.isfinite(centres_m).all(axis=1)
    for kept, moved in (("test", ("train", "val")), ("val", ("train",))):
        inner = np.flatnonzero(placed & (parts == kept))
        outer = np.flatnonzero(placed & np.isin(parts, moved))
        if not len(inner) or not len(outer):
            continue
        reach = buffer_m + (half_m[outer] + half_m[inner].max()) * _TOUCHING
        near = cKDTree(centres_m[inner]).query_ball_point(centres_m[outer], reach, p=np.inf, return_length=True)
        parts[outer[near > 0]] = UNUSED
    return parts.astype(str)
