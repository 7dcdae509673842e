"""Shards: the parts of a region that are predicted, kept and retried one by one.

Their pixels are a partition of the region, cut at the edges of compressed blocks; a tile belongs to the shard in which
it begins, and is answered for once. How they are cut depends on the region alone, so that the map does, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan

WIDTH_PX, HEIGHT_PX = 10_240, 2_048
"""Of a shard, about: twenty million pixels are seconds of work, and their strips some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A rectangle of a region, and the tiles that begin in it."""

    number: int
    """From 0, row by row."""
    core: Window
    """Its pixels."""
    rows: slice
    """Its rows of tiles among those of the plan."""
    cols: slice

    @property
    def tiles(self) -> int:
        """Number of its tiles."""
        return int((self.rows.stop - self.rows.start) * (self.cols.stop - self.cols.start))


def down_columns(shards: Iterable[Shard]) -> list[Shard]:
    """In the order in which neighbours share most: down the columns of shards."""
    return sorted(shards, key=lambda shard: (shard.core.col_off, shard.core.row_off))


def cut(
    plan: Plan, block: tuple[int, int] = (512, 512), size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)
) -> tuple[Shard, ...]:
    """Shards of about `size` (width, height) at the edges of blocks (width, height), from the top down, row by row."""
    across = _edges(plan.width, size[0], block[0], plan.tile_width, plan.stride)
    down = _edges(plan.height, size[1], block[1], plan.tile_height, plan.stride)
    found: list[Shard] = []
    for top, bottom in pairwise(down):
        for left, right in pairwise(across):
            core = Window(left, top, right - left, bottom - top)
            found.append(Shard(len(found), core, _starting(plan.rows, top, bottom), _starting(plan.cols, left, right)))
    return tuple(found)


def _edges(length: int, size: int, block: int, tile: int, stride: int) -> list[int]:
    """Where shards begin and end along an axis: multiples of a block and, where it can be, of the stride."""
    both = math.lcm(block, stride)
    unit = both if both <= size else block
    if unit >= length or unit > 2 * size:  # rows of blocks as wide as the region are not cut
        return [0, length]
    parts = max(1, round(length / size))
    step = max(-(-max(length // parts, tile) // unit), 1) * unit
    inner = [edge for edge in range(step, length, step) if length - edge >= tile]  # so that a tile begins in each
    return [0, *inner, length]


def _starting(starts: NDArray[np.int64], first: int, end: int) -> slice:
    """Which of the rising starts lie in [first, end)."""
    return slice(*np.searchsorted(starts, [first, end]).tolist())
