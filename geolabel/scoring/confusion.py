"""Which class of an exclusive group was taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.counts import PRESENT, Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GroupClass:
    """How well one class of a group is told from the others; NaN where there is none of it."""

    name: str
    tiles: int
    """Tiles of this class."""
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class GroupConfusion:
    """Tiles of an exclusive group by what they are and what they were taken for."""

    names: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Rows: what the tile is; columns: what it was taken for."""
    tiles: int
    left_out: int
    """Tiles in which a class of the group is unknown, or not exactly one is present."""
    accuracy: float
    classes: tuple[GroupClass, ...]


def confusion(
    targets: NDArray[np.floating[Any]], chosen: NDArray[np.integer[Any]], names: Sequence[str]
) -> GroupConfusion:
    """Count `chosen` (n,), numbers of classes, against `targets` (n, classes of the group).

    A row of `targets` has one 1, the others 0; NaN is unknown.
    """
    size = len(names)
    usable = np.isfinite(targets).all(axis=1) & ((targets > PRESENT).sum(axis=1) == 1)
    truth = targets[usable].argmax(axis=1)
    matrix = np.bincount(truth * size + chosen[usable], minlength=size * size).reshape(size, size)
    right, rows, columns, tiles = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0), int(matrix.sum())
    counts = Counts(right, columns - right, tiles - rows - columns + right, rows - right)
    parts = zip(names, rows, counts.precision, counts.recall, counts.f(1), strict=True)
    return GroupConfusion(
        names=tuple(names),
        matrix=tuple(tuple(row) for row in matrix.tolist()),
        tiles=tiles,
        left_out=len(targets) - tiles,
        accuracy=int(right.sum()) / tiles if tiles else float("nan"),
        classes=tuple(GroupClass(name, int(of_it), *map(float, ratios)) for name, of_it, *ratios in parts),
    )
