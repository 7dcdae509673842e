"""Relevance of tiles that may overlap, blended into the rows of one layer; memory does not grow with its height."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class _Strip:
    """Some rows that are not finished."""

    sums: dict[int, NDArray[np.float32]]
    """(rows, width) by band, weight × relevance; of bands of which anything was said."""
    weights: NDArray[np.float32]
    """(rows, width)."""
    shown: NDArray[np.bool_]
    """(rows, width): not nodata."""


@dataclass(slots=True)
class Canvas:
    """A layer that is painted from the top down: its values are means of the tiles, weighted."""

    bands: int
    width: int
    height: int
    rows: int
    """Of a strip."""
    _strips: dict[int, _Strip] = field(default_factory=dict)
    _next: int = 0
    """First strip that was not given out."""

    def add(
        self, row: int, col: int, weight: NDArray[np.float32], relevance: Mapping[int, NDArray[np.float32]]
    ) -> None:
        """Lay a tile at (row, col): its `weight` (h, w) and, by band, its relevance (h, w); 0 in other bands.

        What lies beyond the layer is left out.
        """
        inside = (slice(self.height - row), slice(self.width - col))
        weight, relevance = weight[inside], {at: one[inside] for at, one in relevance.items()}
        height, width = weight.shape
        for strip, own, its in self._touched(row, height):
            strip.weights[own, col : col + width] += weight[its]
            for band, values in relevance.items():
                if band not in strip.sums:
                    strip.sums[band] = np.zeros_like(strip.weights)
                strip.sums[band][own, col : col + width] += weight[its] * values[its]

    def show(self, row: int, col: int, shown: NDArray[np.bool_]) -> None:
        """Which pixels (h, w) from (row, col) on are not nodata."""
        for strip, own, its in self._touched(row, len(shown)):
            strip.shown[own, col : col + shown.shape[1]] |= shown[its]

    def finished(self, row: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The strips that lie whole above `row`, where no tile comes any more: first row, (bands, rows, width)."""
        while self._next * self.rows < self.height and min((self._next + 1) * self.rows, self.height) <= row:
            top = self._next * self.rows
            strip = self._strips.pop(self._next, None)
            self._next += 1
            rows = min(self.rows, self.height - top)
            if strip is None:
                yield top, np.full((self.bands, rows, self.width), np.nan, np.float32)
                continue
            seen = strip.shown & (strip.weights > 0)
            values = np.repeat(np.where(seen, np.float32(0), np.float32(np.nan))[None], self.bands, axis=0)
            for band, sums in strip.sums.items():
                np.divide(sums, strip.weights, out=values[band], where=seen)
            yield top, values

    def _touched(self, row: int, height: int) -> Iterator[tuple[_Strip, slice, slice]]:
        """Strips that the rows row … row + height reach into: their own rows, and which of those these are."""
        for number in range(row // self.rows, -(-(row + height) // self.rows)):
            top = number * self.rows
            first, end = max(row, top), min(row + height, top + self.rows)
            yield self._strip(number), slice(first - top, end - top), slice(first - row, end - row)

    def _strip(self, number: int) -> _Strip:
        if number not in self._strips:
            shape = (min(self.rows, self.height - number * self.rows), self.width)
            self._strips[number] = _Strip({}, np.zeros(shape, np.float32), np.zeros(shape, dtype=bool))
        return self._strips[number]
