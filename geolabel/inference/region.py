"""From the answers of tiles to the rows of a map, whichever shards they come from."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from geolabel.grid import Window
from geolabel.inference.answers import places_of
from geolabel.inference.blend import blend, touching
from geolabel.inference.decision import quantise
from geolabel.inference.refine import UNSEEN, refined, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.inference.answers import Answers
    from geolabel.inference.plan import Plan
    from geolabel.inference.refine import Places
    from geolabel.inference.shards import Shard

    Load = Callable[[Shard], Answers]

_ROWS = 512
_PIXELS = 5_242_880
"""Of the rows that are in memory together: fewer rows where the region is wide."""
_PIECE = 2_048
"""Columns that are blended at a time: what the two products of matrices hold in between stays small."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Finished rows of a region."""

    row_off: int
    levels: NDArray[np.uint8]
    """(classes, rows, width): probabilities as 0–250."""
    valid: NDArray[np.bool_]
    """(rows, width): where anything was seen, and was asked for."""


def rows_at_once(width: int) -> int:
    """Rows of a map that are made and written together: a power of two, 512 at the most, 16 at the least."""
    rows = _ROWS
    while rows * width > _PIXELS and rows > 16:  # noqa: PLR2004 - what GeoTIFF's blocks are multiples of
        rows //= 2
    return rows


def blended(
    plan: Plan,
    shards: tuple[Shard, ...],
    load: Load,
    classes: int,
    *,
    places: Places | None = None,
    exclusive: Sequence[slice] = (),
) -> Iterator[Rows]:
    """The rows of a region from the top down, `rows_at_once` at a time; `load` gives the answers of a shard.

    With `places`, outlines are refined by what the network saw at each; `exclusive` names the columns of classes of
    which one is there. Memory: those rows, and the answers of two rows of shards.
    """
    held = _Held(plan, shards, load, classes, places)
    step = rows_at_once(plan.width)
    for top in range(0, plan.height, step):
        count = min(step, plan.height - top)
        held.go_to(top, count)
        levels = np.empty((classes, count, plan.width), np.uint8)
        for left in range(0, plan.width, _PIECE):
            window = Window(left, top, min(_PIECE, plan.width - left), count)
            piece = _piece(plan, window, held)
            if places is not None:
                piece = refined(piece, _local(plan, window, places, held), exclusive)
            levels[:, :, left : left + window.width] = quantise(piece)
        yield Rows(top, levels, held.shown(top, count, plan.width))


def _piece(plan: Plan, window: Window, held: _Held) -> NDArray[np.float32]:
    rows = touching(plan.rows, plan.tile_height, window.row_off, window.row_off + window.height)
    cols = touching(plan.cols, plan.tile_width, window.col_off, window.col_off + window.width)
    return blend(plan, window, *held.tiles(rows, cols))


def _local(plan: Plan, window: Window, places: Places, held: _Held) -> NDArray[np.float32]:
    rows, _ = places.near(window.row_off, window.height, plan.height)
    cols, _ = places.near(window.col_off, window.width, plan.width)
    return spread(places, window, (plan.height, plan.width), held.local(rows, cols))


@dataclass(slots=True)
class _Held:
    """Answers of some shards, as if they were those of the region."""

    plan: Plan
    shards: tuple[Shard, ...]
    load: Load
    classes: int
    places: Places | None
    _near: list[Shard] = field(default_factory=list)
    """Those that the rows at hand may need: of a continent's thousands a few."""
    _loaded: OrderedDict[int, Answers] = field(default_factory=OrderedDict)

    def go_to(self, top: int, count: int) -> None:
        """Some rows are at hand."""
        reach = self.plan.tile_height + (2 * self.places.step if self.places else 0)
        first, end = top - reach, top + count + reach
        self._near = [
            shard
            for shard in self.shards
            if shard.core.row_off < end and shard.core.row_off + shard.core.height > first
        ]

    def tiles(self, rows: slice, cols: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities (rows, cols, classes) and shares (rows, cols) of the tiles of the plan."""
        shape = (rows.stop - rows.start, cols.stop - cols.start)
        probabilities, shares = np.zeros((*shape, self.classes), np.float32), np.zeros(shape, np.float32)
        for shard in self._near:
            here = _common(rows, shard.rows), _common(cols, shard.cols)
            if any(part.stop <= part.start for part in here):
                continue
            answers = self._answers(shard)
            own = _moved(here[0], shard.rows.start), _moved(here[1], shard.cols.start)
            place = _moved(here[0], rows.start), _moved(here[1], cols.start)
            probabilities[place], shares[place] = answers.probabilities[own], answers.shares[own]
        return probabilities, shares

    def local(self, rows: slice, cols: slice) -> NDArray[np.uint8]:
        """Levels (classes, rows, cols) of the places of the region."""
        found = np.full((self.classes, rows.stop - rows.start, cols.stop - cols.start), UNSEEN, np.uint8)
        for shard in self._near:
            own = places_of(self.plan, shard, self.places)
            here = _common(rows, own[0]), _common(cols, own[1])
            if all(part.start < part.stop for part in here):
                place = _moved(here[0], rows.start), _moved(here[1], cols.start)
                part = _moved(here[0], own[0].start), _moved(here[1], own[1].start)
                found[:, *place] = self._answers(shard).local[:, *part]
        return found

    def shown(self, top: int, count: int, width: int) -> NDArray[np.bool_]:
        """Which pixels of some rows are to be shown: (count, width)."""
        found = np.zeros((count, width), dtype=bool)
        for shard in self._near:
            core = shard.core
            first, end = max(top, core.row_off), min(top + count, core.row_off + core.height)
            if first < end:
                part = self._answers(shard).shown_rows(first - core.row_off, end - core.row_off, core.width)
                found[first - top : end - top, core.col_off : core.col_off + core.width] = part
        return found

    def _answers(self, shard: Shard) -> Answers:
        if shard.number not in self._loaded:
            self._loaded[shard.number] = self.load(shard)
            while len(self._loaded) > len(self._near):
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(shard.number)
        return self._loaded[shard.number]


def _common(one: slice, other: slice) -> slice:
    return slice(max(one.start, other.start), min(one.stop, other.stop))


def _moved(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)
