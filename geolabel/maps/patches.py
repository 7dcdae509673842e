"""4-connected patches of a map, found from the top down: what may still grow is kept, what has ended is outlined.

Kept are runs of pixels (`geolabel.maps.runs`), not pixels. Patches that have ended are looked for whenever the runs
have doubled since the last time, so that work grows with their number, and memory with what is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from geolabel.maps.rings import outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid

_LEAST = 1 << 19
"""Runs before which it is not worth to look for patches that have ended."""
_DTYPES = {
    "row": np.int32,
    "start": np.int32,
    "end": np.int32,
    "value": np.uint8,
    "total": np.float64,
    "highest": np.float64,
    "parent": np.int32,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patches count, and which of their holes."""

    min_pixels: int = 1
    """Fewer pixels are no patch."""
    seed: float = -np.inf
    """The highest weight of a patch reaches it."""
    fill_pixels: int = 0
    """Holes of fewer pixels vanish."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Whole patches, one row each."""

    geometries: NDArray[Any]
    """(n,) Polygons in the grid's CRS."""
    holes: NDArray[Any]
    """(m,) Polygons in (col, row): holes that were filled, and into which other patches fit."""
    holed: NDArray[np.int64]
    """(m,) row of the patch that each was a hole of."""
    value: NDArray[np.uint8]
    pixels: NDArray[np.int64]
    total: NDArray[np.float64]
    """(n,) sum of the weights."""
    highest: NDArray[np.float64]
    """(n,) highest weight."""
    top: NDArray[np.int32]
    """(n,) first row."""
    left: NDArray[np.int32]
    """(n,) first column."""
    first: NDArray[np.int32]
    """(n,) first column in the first row."""

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """All rows of all parts, in their order."""
        before = np.cumsum([0, *(len(part.pixels) for part in parts)])
        joined = {one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)}
        joined["holed"] = np.concatenate([part.holed + shift for part, shift in zip(parts, before, strict=False)])
        return cls(**joined)


@dataclass(slots=True)
class Patches:
    """Follows the patches of equal values from strip to strip."""

    grid: Grid
    wanted: Wanted
    _runs: dict[str, NDArray[Any]] = field(
        default_factory=lambda: {name: np.empty(0, dtype) for name, dtype in _DTYPES.items()}
    )
    """Columns of one length, of which the first `_stop` rows are in use."""
    _stop: int = 0
    _above: int = 0
    """First run of the last row; `_stop` where it has none."""
    _look_at: int = _LEAST
    """Runs at which to look for patches that have ended."""
    _done: list[Closed] = field(default_factory=list)

    def go_on(self, values: NDArray[np.uint8], weights: NDArray[Any] | None, row_off: int) -> None:
        """The next rows: `values` (rows, width), 0 where there is no patch; weights of the same shape."""
        from geolabel.maps import runs

        new = self._stop
        more = runs.count(values) if values.any() else 0
        if more:
            self._make_room(new + more)
            self._stop = new + more
            run = self._runs
            if weights is None:
                weights = np.empty((0, 0), np.uint8)
                run["total"][new : self._stop] = run["highest"][new : self._stop] = 0
            row, start, end, value = (run[name][new : self._stop] for name in ("row", "start", "end", "value"))
            total, highest = (run[name][new : self._stop] for name in ("total", "highest"))
            runs.fill(values, weights, row_off, row, start, end, value, total, highest)
            run["parent"][new : self._stop] = np.arange(new, self._stop, dtype=np.int32)
            self._above = runs.unite(
                run["row"], run["start"], run["end"], run["value"], run["parent"], self._above, new, self._stop
            )
        if not more or self._runs["row"][self._above] != row_off + len(values) - 1:
            self._above = self._stop
        if self._stop > self._look_at:
            self._close()

    def end(self) -> Closed:
        """All patches that are wanted, after the last row."""
        self._above = self._stop
        self._close()
        return Closed.join(self._done)

    def _make_room(self, wanted: int) -> None:
        room = len(self._runs["row"])
        if wanted > room:
            for name, column in self._runs.items():
                larger = np.empty(max(wanted, room + room // 2), column.dtype)
                larger[: self._stop] = column[: self._stop]
                self._runs[name] = larger

    def _close(self) -> None:
        """Outline the patches that have ended, and forget their runs."""
        from geolabel.maps import runs

        run = {name: column[: self._stop] for name, column in self._runs.items()}
        number = np.empty(self._stop, np.int32)
        count = runs.number_patches(run["parent"], self._stop, self._above, number)
        first, length, pixels = (np.zeros(count, np.int64) for _ in range(3))
        left, total, highest = np.empty(count, np.int32), np.empty(count), np.empty(count)
        start, end = run["start"], run["end"]
        runs.measure(start, end, run["total"], run["highest"], number, first, length, left, pixels, total, highest)

        kept = (pixels >= self.wanted.min_pixels) & (highest >= self.wanted.seed)
        begin = np.concatenate([[0], np.cumsum(length[kept])])
        place = np.full(count, -1)
        place[kept] = begin[:-1]
        row, edge = np.empty(begin[-1], np.int32), np.empty(2 * begin[-1], np.int32)
        runs.gather(run["row"], start, end, number, place, row, edge)
        geometries, holes, holed = outlines(row, edge, begin, self.grid, self.wanted.fill_pixels)
        at = first[kept]
        self._done.append(
            Closed(
                geometries=geometries,
                holes=holes,
                holed=holed,
                value=run["value"][at],
                pixels=pixels[kept],
                total=total[kept],
                highest=highest[kept],
                top=run["row"][at],
                left=left[kept],
                first=start[at],
            )
        )

        goes_on = np.flatnonzero(number < 0)
        parent = runs.renumber(run["parent"], number)
        for name, column in run.items():
            column[: len(goes_on)] = parent if name == "parent" else column[goes_on]
        self._above = len(goes_on) - (self._stop - self._above)
        self._stop = len(goes_on)
        self._look_at = max(_LEAST, 2 * self._stop)
