"""Pixels with a label, drawn from a whole raster: of rare classes more than they are frequent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError
from geolabel.progress import track
from geolabel.steps.embed.segmentation.blocks import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.raster import Reader
    from geolabel.steps.embed.segmentation.labels import LaidLabels


_ROUNDING = 1e-6
"""Of shares of a number that are to be whole."""


@dataclass(frozen=True, slots=True)
class PixelSample:
    """n pixels of a raster, row by row."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    truth: NDArray[np.int64]
    """(n,): class, 0 … k − 1 of those that there are."""
    weight: NDArray[np.float64]
    """(n,): how many labelled pixels each stands for."""
    numbers: NDArray[np.int64]
    """(k,): numbers of the classes that there are, as the labels number them."""
    labelled: NDArray[np.int64]
    """(k,): pixels of each class in the whole raster."""

    def take(self, kept: NDArray[np.bool_]) -> PixelSample:
        """Some of its pixels; the classes stay."""
        row, col, truth, weight = self.row[kept], self.col[kept], self.truth[kept], self.weight[kept]
        return replace(self, row=row, col=col, truth=truth, weight=weight)


@dataclass(slots=True)
class _Drawn:
    """Of one class the pixels with the smallest keys so far."""

    most: int
    count: int = 0
    key: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    place: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, key: NDArray[np.float64], place: NDArray[np.int64]) -> None:
        self.count += len(key)
        self.key, self.place = np.concatenate([self.key, key]), np.concatenate([self.place, place])
        if len(self.key) > self.most:
            kept = np.argpartition(self.key, self.most)[: self.most]
            self.key, self.place = self.key[kept], self.place[kept]

    def first(self, count: int) -> NDArray[np.int64]:
        return self.place[np.argsort(self.key, kind="stable")[:count]]


def draw_pixels(labels: LaidLabels, reader: Reader, pixels: int, seed: int) -> PixelSample:
    """Draw about `pixels` of the valid pixels with a label, in one pass and in flat memory.

    Each labelled pixel has a random key, and of each class those with the smallest are taken: as many as the square
    root of the class's pixels has it. Raises EmptyError where no pixel has a label.
    """
    rng = np.random.default_rng(seed)
    width, height = reader.info.width, reader.info.height
    drawn: dict[int, _Drawn] = {}
    parts = list(pieces(width, height))
    for window in track(parts, total=len(parts), what="labels", unit="parts"):
        numbers = labels.numbers(window)
        if not numbers.any():
            continue
        numbers = np.where(reader.read_valid(window), numbers, 0).ravel()
        places = np.flatnonzero(numbers)
        keys = rng.random(len(places))
        row, col = np.divmod(places, window.width)
        flat = (row + window.row_off) * width + col + window.col_off
        found = numbers[places]
        for number in np.unique(found).tolist():
            own = found == number
            drawn.setdefault(number, _Drawn(pixels)).add(keys[own], flat[own])
    if not drawn:
        raise EmptyError(f"{reader.info.path}: no valid pixel of it has a label; do the labels lie on it?")
    known = sorted(drawn)
    counts = np.array([drawn[number].count for number in known])
    shares = allot(counts, pixels)
    flat = np.concatenate([drawn[number].first(share) for number, share in zip(known, shares.tolist(), strict=True)])
    truth, weight = np.repeat(np.arange(len(known)), shares), np.repeat(counts / shares, shares)
    order = np.argsort(flat)
    row, col = np.divmod(flat[order], width)
    return PixelSample(row, col, truth[order], weight[order], np.array(known), counts)


def allot(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """How many of the `counts` (k,) pixels of each class to draw: by their square roots, one at least, never more.

    What small classes cannot give falls to the others.
    """
    given = np.zeros(len(counts), np.int64)
    open_ = np.ones(len(counts), bool)
    while open_.any():
        roots = np.sqrt(counts[open_])
        wanted = np.maximum((max(total - given[~open_].sum(), 0) * roots / roots.sum() + _ROUNDING).astype(np.int64), 1)
        given[open_] = np.minimum(wanted, counts[open_])
        full = open_ & (given == counts)
        if not full.any():
            break
        open_ &= ~full
    return given
