"""Which places of a map are calculated together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Lattice:
    """Tiles whose corners lie whole strides apart."""

    top: int
    """Pixel row of place 0, column `left`."""
    left: int
    rows: NDArray[np.int64]
    """Of each tile's first place (n,)."""
    cols: NDArray[np.int64]
    members: NDArray[np.int64]
    """Which of all tiles they are (n,)."""


def lattices(rows: NDArray[np.int64], cols: NDArray[np.int64], stride: int) -> Iterator[Lattice]:
    """Tiles with corners at `rows`, `cols` (n,), in groups that agree modulo `stride`."""
    phase = rows % stride * stride + cols % stride
    for one in np.unique(phase):
        members = np.flatnonzero(phase == one)
        top, left = int(rows[members].min()), int(cols[members].min())
        yield Lattice(top, left, (rows[members] - top) // stride, (cols[members] - left) // stride, members)


def covered(lattice: Lattice, places: tuple[int, int]) -> NDArray[np.bool_]:
    """Which places a tile looks at, where a tile has `places` (rows, columns)."""
    height, width = places
    edges = np.zeros((lattice.rows.max() + height + 1, lattice.cols.max() + width + 1), np.int64)
    for down, across, sign in ((0, 0, 1), (height, 0, -1), (0, width, -1), (height, width, 1)):
        np.add.at(edges, (lattice.rows + down, lattice.cols + across), sign)
    return np.asarray(edges.cumsum(0).cumsum(1)[:-1, :-1] > 0)


def cut(needed: NDArray[np.bool_], most: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Blocks of equal size, `most` (rows, columns) at the largest, that hold a needed place."""
    for rows in _pieces(needed.shape[0], most[0]):
        for cols in _pieces(needed.shape[1], most[1]):
            if needed[rows, cols].any():
                yield rows, cols


def _pieces(length: int, most: int) -> list[slice]:
    ends = np.linspace(0, length, -(-length // most) + 1).round().astype(int).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]
