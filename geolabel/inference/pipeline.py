"""Read → answer, shard by shard: a thread reads ahead while the network works; memory does not grow with the region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel.ahead import ahead
from geolabel.inference.answers import Answers, places_of
from geolabel.inference.decision import quantise
from geolabel.inference.swaths import Reach, swaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan
    from geolabel.inference.refine import Places
    from geolabel.inference.rows import PixelReader
    from geolabel.inference.shards import Shard
    from geolabel.inference.swaths import Inside, Swath


class Answer(Protocol):
    """Whoever answers for tiles: it is given the strip that they lie in."""

    @property
    def halo(self) -> int:
        """Pixels that it wants to see on every side of the tiles."""

    @property
    def lattice(self) -> int:
        """Tiles that lie whole multiples of it apart are answered together."""

    @property
    def span(self) -> int:
        """Rows of pixels that it likes to see together."""

    def __call__(
        self,
        pixels: NDArray[Any],
        valid: NDArray[np.bool_],
        rows: NDArray[np.int64],
        cols: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes) of the tiles that begin at (rows, cols) of a strip.

        `pixels` (bands, height, width) are in stored values, `valid` (height, width).
        """


@dataclass(frozen=True, slots=True)
class Look:
    """How what a network sees at each place of its map is looked at."""

    places: Places
    map: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]]
    """Of pixels (bands, height, width) and their validity, with the halo around them, probabilities (classes, rows,
    columns) of the places within."""


def predict_shards(
    reader: PixelReader,
    plan: Plan,
    shards: Iterable[Shard],
    answer: Answer,
    classes: int,
    *,
    block: int = 512,
    inside: Inside | None = None,
    look: Look | None = None,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[Shard, Answers]]:
    """Predict shards in their order, and yield each when it is whole.

    `block` is the number of rows of a compressed block; `inside` tells which pixels of a window are asked for. Tiles
    without a valid pixel, or none that is asked for, are not predicted. `tell` is called with the number of tiles of
    the plan that each step dealt with.
    With `look`, what the network sees at each place of its map is kept as well.
    """
    reach = Reach(answer.halo, answer.lattice, answer.span)

    def read() -> Iterator[tuple[Shard, Swath | None]]:
        for shard in shards:
            for swath in swaths(reader, plan, shard, reach, block, inside):
                yield shard, swath
            yield shard, None

    found: Answers | None = None
    told = 0
    with ahead(read()) as parts:
        for shard, swath in parts:
            found = found or Answers.none(plan, shard, classes, look.places if look else None)
            if swath is None:
                tell(found.shares.size - told)
                yield shard, found
                found, told = None, 0
                continue
            _add(found, swath, answer)
            if look is not None:
                _look(found, plan, shard, swath, look, answer.halo)
            tell(len(swath.rows))
            told += len(swath.rows)


def _add(found: Answers, swath: Swath, answer: Answer) -> None:
    """Write the answers of a swath into those of its shard."""
    if len(swath.rows):
        found.probabilities[swath.tiles] = answer(swath.pixels, swath.valid, swath.rows, swath.cols)
        found.shares[swath.tiles] = swath.shares
    (top, left), (rows, width) = swath.shown_from, swath.shown.shape
    first, end = left // 8, -(-(left + width) // 8)
    whole = np.pad(swath.shown, ((0, 0), (left - 8 * first, 8 * end - left - width)))
    found.shown[top : top + rows, first:end] = np.packbits(whole, axis=1)


def _look(found: Answers, plan: Plan, shard: Shard, swath: Swath, look: Look, halo: int) -> None:
    """Write what the network sees at the places of a swath, where it was given the context for it."""
    places, step = look.places, look.places.step
    down, across = places_of(plan, shard, places)
    top = shard.core.row_off + swath.shown_from[0]
    own = places.within(top, top + len(swath.shown), plan.height)
    rows, cols = (
        slice(max(part.start, -(-(start + halo) // step)), min(part.stop, (start + size - halo) // step))
        for part, start, size in zip((own, across), swath.origin, swath.valid.shape, strict=True)
    )
    if rows.start >= rows.stop or cols.start >= cols.stop or not swath.shown.any():
        return
    window = tuple(
        slice(part.start * step - halo - start, part.stop * step + halo - start)
        for part, start in zip((rows, cols), swath.origin, strict=True)
    )
    levels = quantise(look.map(swath.pixels[:, *window], swath.valid[window]))
    found.local[:, *_moved(rows, cols, down.start, across.start)] = levels


def _moved(rows: slice, cols: slice, row: int, col: int) -> tuple[slice, slice]:
    return slice(rows.start - row, rows.stop - row), slice(cols.start - col, cols.stop - col)
