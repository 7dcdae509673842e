"""Tiles that show the same, and what of it lies in two parts of the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.exploration.duplicates import leaks, near_duplicates
from geolabel.exploration.overlaps import overlaps
from geolabel.tiling.split import SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

_WINDOW = ("col_off", "row_off", "width", "height")


@dataclass(frozen=True, slots=True)
class Copies:
    """Of n tiles, which show the same."""

    first: NDArray[np.int64]
    """(n,): row of the first tile of the group of copies that a tile belongs to; −1 for none."""
    groups: tuple[NDArray[np.int64], ...]
    """Rows of each group."""
    leaks: NDArray[np.int64]
    """(m, 2): copies in two parts of the split, the most alike first."""
    overlaps: NDArray[np.int64]
    """(m, 2): tiles of one source in two parts that have ground in common, those with most of it first."""
    share: NDArray[np.float32]
    """(m,): of the smaller of two tiles that overlap, how much lies in the other."""
    elsewhere: tuple[str, ...]
    """The parts that a tile's copies, or its ground, lie in beside its own; "" for none."""

    @property
    def leaking(self) -> NDArray[np.bool_]:
        """Which tiles (n,) are in a leak."""
        return np.array([bool(words) for words in self.elsewhere], bool)


def copies_of(index: TileIndex, signatures: NDArray[np.float32] | None) -> Copies:
    """Copies by signatures (n, s), where there are any, and overlapping windows; across parts where tiles are split."""
    count = len(index)
    first = np.full(count, -1, np.int64)
    groups: tuple[NDArray[np.int64], ...] = ()
    none = np.zeros((0, 2), np.int64)
    across, over, share = none, none, np.zeros(0, np.float32)
    parts = parts_of(index)
    if signatures is not None:
        found = near_duplicates(signatures)
        groups = found.groups
        for rows in groups:
            first[rows] = rows[0]
        leaking = leaks(found, parts)
        across = found.pairs[leaking[np.argsort(-found.likeness[leaking], kind="stable")]]
    if len(np.unique(parts[parts >= 0])) > 1:
        windows = np.column_stack([index.column(name) for name in _WINDOW])
        shared = overlaps(index.column("source").astype(str), windows, parts)
        order = np.argsort(-shared.share, kind="stable")
        over, share = shared.pairs[order], shared.share[order]
    return Copies(first, groups, across, over, share, _elsewhere(parts, np.concatenate([across, over])))


def parts_of(index: TileIndex) -> NDArray[np.int64]:
    """Part of each tile (n,): its place among train, val and test; −1 for none of them."""
    if "split" not in index.table.column_names:
        return np.full(len(index), -1, np.int64)
    named = index.column("split").astype(str)
    return np.select([named == part for part in SPLITS], range(len(SPLITS)), -1).astype(np.int64)


def _elsewhere(parts: NDArray[np.int64], pairs: NDArray[np.int64]) -> tuple[str, ...]:
    there = np.zeros((len(parts), len(SPLITS)), bool)
    for one, other in (pairs.T, pairs.T[::-1]):
        there[one, parts[other]] = True
    return tuple(" ".join(part for part, seen in zip(SPLITS, row, strict=True) if seen) for row in there.tolist())
