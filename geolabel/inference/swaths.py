"""Swaths: some rows of tiles of a shard, with the pixels that they need, and of those what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.grid import Window
from geolabel.inference.rows import RowBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan
    from geolabel.inference.rows import PixelReader
    from geolabel.inference.shards import Shard

    Inside = Callable[[Window], NDArray[np.bool_]]

_SPAN = 512
"""Rows of pixels that a swath has, where tiles are not higher."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What whoever answers for tiles needs around them."""

    halo: int = 0
    """Pixels on every side; beyond the region they are mirrored."""
    lattice: int = 1
    """Tiles whose rows differ by multiples of it can be computed together."""
    span: int = _SPAN
    """Rows of pixels that are best computed together."""


@dataclass(frozen=True, slots=True)
class Swath:
    """Some rows of tiles of a shard."""

    tiles: tuple[NDArray[np.int64], NDArray[np.int64]]
    """Row and column, among those of the shard, of each tile that is to be predicted: (n,) each."""
    rows: NDArray[np.int64]
    """First row of each of these tiles in `pixels`: (n,)."""
    cols: NDArray[np.int64]
    shares: NDArray[np.float32]
    """Valid part of each of these tiles: (n,)."""
    pixels: NDArray[Any]
    """(bands, height, width), in stored values."""
    valid: NDArray[np.bool_]
    """(height, width)."""
    origin: tuple[int, int]
    """Row and column of the region at which `pixels` begins; less than 0 where that is mirrored."""
    shown_from: tuple[int, int]
    """Row and column in the shard at which `shown` begins."""
    shown: NDArray[np.bool_]
    """(rows, columns): pixels of the shard that are valid, and asked for."""


def swaths(
    reader: PixelReader, plan: Plan, shard: Shard, reach: Reach, block: int, inside: Inside | None
) -> Iterator[Swath]:
    """The swaths of a shard from the top down; nothing is read where nothing is asked for.

    `block` is the number of rows of a compressed block; `inside` tells which pixels of a window are asked for, all
    where None.
    """
    region = _Extent.of(plan, shard)
    area = None if inside is None else inside(region.window)
    rows, cols = plan.rows[shard.rows], plan.cols[shard.cols]
    wanted = np.ones((len(rows), len(cols)), dtype=bool)
    if area is not None:
        wanted = window_means(area, rows - region.top, cols - region.left, plan) > 0
        if not wanted.any() and not area[: shard.core.height, : shard.core.width].any():
            return
    left, right = _columns(plan, shard, region, area, wanted, reach.halo)
    buffer = RowBuffer(reader, left, right, min(region.bottom + reach.halo, plan.height), block)
    for first, last, top, bottom in _groups(plan, shard, reach):
        some = wanted[first:last]
        asked = None if area is None else area[top - region.top : bottom - region.top]
        if not some.any() and (asked is None or not asked.any()):
            continue
        yield _swath(buffer, plan, shard, reach, (first, last), (top, bottom), some, asked, region)


@dataclass(frozen=True, slots=True)
class _Extent:
    """Pixels of a shard and of its tiles, within the region."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def window(self) -> Window:
        return Window(self.left, self.top, self.right - self.left, self.bottom - self.top)

    @classmethod
    def of(cls, plan: Plan, shard: Shard) -> _Extent:
        core = shard.core
        return cls(
            core.row_off,
            min(max(core.row_off + core.height, int(plan.rows[shard.rows][-1]) + plan.tile_height), plan.height),
            core.col_off,
            min(max(core.col_off + core.width, int(plan.cols[shard.cols][-1]) + plan.tile_width), plan.width),
        )


def _columns(
    plan: Plan, shard: Shard, region: _Extent, area: NDArray[np.bool_] | None, wanted: NDArray[np.bool_], halo: int
) -> tuple[int, int]:
    """First and last column (exclusive) that is to be read, within the region."""
    left, right = region.left, region.right
    if area is not None:
        asked = np.flatnonzero(area[:, : shard.core.width].any(axis=0)) + left
        tiles = plan.cols[shard.cols][np.flatnonzero(wanted.any(axis=0))]
        ends = np.concatenate([asked, asked + 1, tiles, tiles + plan.tile_width])
        left, right = int(ends.min()), int(ends.max())
    return max(0, left - halo), min(plan.width, right + halo)


def _groups(plan: Plan, shard: Shard, reach: Reach) -> Iterator[tuple[int, int, int, int]]:
    """First and last (exclusive) row of tiles of each swath, and the rows of the shard's pixels that go with it."""
    rows = plan.rows[shard.rows]
    top, end = shard.core.row_off, shard.core.row_off + shard.core.height
    first = 0
    while first < len(rows):
        fits = (rows[first:] + plan.tile_height - rows[first] <= max(reach.span, plan.tile_height)) & (
            (rows[first:] - rows[first]) % reach.lattice == 0
        )
        last = first + (int(np.argmin(fits)) if not fits.all() else len(fits))
        bottom = int(rows[last]) if last < len(rows) else end
        yield first, last, top, bottom
        first, top = last, bottom


def _swath(
    buffer: RowBuffer,
    plan: Plan,
    shard: Shard,
    reach: Reach,
    tiles: tuple[int, int],
    shown: tuple[int, int],
    wanted: NDArray[np.bool_],
    asked: NDArray[np.bool_] | None,
    region: _Extent,
) -> Swath:
    """Read what the tiles and the shown rows need."""
    rows = plan.rows[shard.rows][slice(*tiles)]
    cols = plan.cols[shard.cols]
    high, low = min(int(rows[0]), shown[0]) - reach.halo, int(rows[-1]) + plan.tile_height + reach.halo
    top = max(0, high)
    bottom = min(plan.height, max(low, shown[1]))
    pixels, valid = buffer.take(top, bottom)
    # the shard's own pixels
    end = min(buffer.right, region.left + shard.core.width)
    left = max(buffer.left, region.left)
    seen = valid[shown[0] - top : shown[1] - top, left - buffer.left : end - buffer.left]
    asked = seen if asked is None else seen & asked[:, left - region.left : end - region.left]
    # what lies beyond the region is its mirror image
    used = cols[wanted.any(axis=0)] if wanted.any() else cols[:1]
    far = int(used[-1]) + plan.tile_width + reach.halo
    more = (
        (max(0, top - high), max(0, low - bottom)),
        (max(0, buffer.left - (int(used[0]) - reach.halo)), max(0, far - buffer.right)),
    )
    if any(side for axis in more for side in axis):
        pixels, valid = (np.pad(pixels, ((0, 0), *more), mode="symmetric"), np.pad(valid, more, mode="symmetric"))
    own_rows, own_cols = rows - top + more[0][0], cols - buffer.left + more[1][0]
    shares = np.zeros(wanted.shape)
    if wanted.any():
        inside = slice(*np.flatnonzero(wanted.any(axis=0))[[0, -1]] + [0, 1])
        shares[:, inside] = window_means(valid, own_rows, own_cols[inside], plan)
    row, col = np.nonzero(wanted & (shares > 0))
    return Swath(
        tiles=(row + tiles[0], col),
        rows=own_rows[row],
        cols=own_cols[col],
        shares=shares[row, col].astype(np.float32),
        pixels=pixels,
        valid=valid,
        origin=(top - more[0][0], buffer.left - more[1][0]),
        shown_from=(shown[0] - shard.core.row_off, left - region.left),
        shown=asked,
    )


def window_means(
    mask: NDArray[np.bool_], rows: NDArray[np.int64], cols: NDArray[np.int64], plan: Plan
) -> NDArray[np.float64]:
    """Share of each tile (rows, cols) on which `mask` (height, width) is true; what lies beyond the mask is false."""
    if mask.all() and rows[-1] + plan.tile_height <= mask.shape[0] and cols[-1] + plan.tile_width <= mask.shape[1]:
        return np.ones((len(rows), len(cols)))
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)
    np.cumsum(np.cumsum(mask, axis=0, dtype=np.int32), axis=1, out=sums[1:, 1:])
    top, bottom = (np.minimum(edge, mask.shape[0])[:, None] for edge in (rows, rows + plan.tile_height))
    left, right = (np.minimum(edge, mask.shape[1]) for edge in (cols, cols + plan.tile_width))
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(inside / (plan.tile_height * plan.tile_width), dtype=np.float64)
