"""A pool: chips that batches are made of, with what is known of how they belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn.metric.relation import Relation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips


ROUNDING = 0.01
"""Tile sides: by so much a tile may lie outside a ring. Neighbours on a grid are one side apart, and a projection bends
it: without this, half of them would be too near."""


@dataclass(frozen=True, slots=True)
class Rings:
    """How far apart tiles belong together, and how far apart they belong apart; tile sides."""

    positive: tuple[float, float]
    negative: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tuples:
    """Tiles that were drawn together, as rows of the pool; of several candidates the hardest is taken."""

    anchors: NDArray[np.int64]
    """(k,)."""
    positives: NDArray[np.int64]
    """(k, p)."""
    negatives: NDArray[np.int64]
    """(k, q): at least as many as a tuple needs."""

    def __len__(self) -> int:
        return len(self.anchors)


@dataclass(frozen=True, slots=True)
class Pool:
    """n tiles, with their pixels."""

    chips: Chips
    labels: NDArray[np.int64]
    """(n,): class, or place; -1 not known. Tiles of one label belong together."""
    shares: NDArray[np.float32] | None = None
    """(n, classes): what two tiles have in common says how alike they are; None: only the labels count."""
    centres: NDArray[np.float64] | None = None
    """(n, 2): in tile sides, on one plane for each source; tiles that were drawn by distance have them."""
    sources: NDArray[np.int64] | None = None
    """(n,): tiles of different rasters are not compared by distance."""
    tuples: Tuples | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def by_distance(self, rows: NDArray[np.int64], rings: Rings, drawn: NDArray[np.int64]) -> Relation:
        """Who belongs together and who apart among the tiles `rows` (n,), by where they lie.

        `drawn` (k, 3 or 4) holds tuples as numbers among them. An anchor and its positive share a label, every other
        tile has one of its own.
        """
        assert self.centres is not None
        assert self.sources is not None
        centres, sources = self.centres[rows], self.sources[rows]
        apart = np.hypot(*(centres[:, None] - centres).transpose(2, 0, 1))
        same = sources[:, None] == sources
        near, far = (
            same & (apart >= low - ROUNDING) & (apart <= high + ROUNDING)
            for low, high in (rings.positive, rings.negative)
        )
        np.fill_diagonal(near, val=False)
        labels = np.arange(len(rows))
        labels[drawn[:, 1]] = labels[drawn[:, 0]]
        # rounding to pixels may have moved a tile out of its ring by less than one of them
        for pairs, column in ((near, 1), (far, 2), *(((far, 3),) if drawn.shape[1] > 3 else ())):  # noqa: PLR2004
            pairs[drawn[:, 0], drawn[:, column]] = pairs[drawn[:, column], drawn[:, 0]] = True
        if drawn.shape[1] > 3:  # noqa: PLR2004 - both negatives
            far[drawn[:, 2], drawn[:, 3]] = far[drawn[:, 3], drawn[:, 2]] = True
        near &= ~far
        positive, negative, own, given = (torch.from_numpy(part) for part in (near, far, labels, drawn))
        return Relation(positive, negative, own, drawn=given)
