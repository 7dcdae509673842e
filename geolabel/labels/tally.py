"""From runs to areas: how much of each tile each source gives to each class, and what the sources say together.

One pass over the lines of a band. Between two tile edges lies a cell, a span of columns; what has been seen so far of
each cell is taken where a tile begins and where it ends, so that tiles may lie anywhere and overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.labels.runs import Runs

Merging = Literal["priority", "agreement"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Areas in pixels, of n tiles and s sources. Class 0 is unknown; the last is known, but none of the classes."""

    merged: NDArray[np.float64]
    """(n, classes + 2): what the sources say together."""
    speaker: NDArray[np.float64]
    """(n, s): where the merged class is that of the source."""
    by_source: NDArray[np.float64]
    """(n, s, classes + 2): what each source says."""
    both: NDArray[np.float64]
    """(n,): where at least two sources speak."""
    differ: NDArray[np.float64]
    """(n,): where at least two sources speak, and do not say the same."""
    joint: NDArray[np.float64]
    """(pairs, classes + 2, classes + 2): area of each pair of classes of two sources over the union of the tiles;
    pairs in the order (0, 1), (0, 2), … (1, 2) …"""


def tally(
    sources: Sequence[Runs],
    tiles: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    rows: tuple[int, int],
    class_count: int,
    lines_per_row: int,
    merging: Merging = "priority",
) -> Tally:
    """Areas in the parts of n tiles (col_off, row_off, width, height) that lie in the pixel rows from … to.

    Where sources overlap, "priority" takes the earlier one; "agreement" only what all sources say alike.
    """
    col_off, row_off, width, height = tiles
    edges = np.unique(np.concatenate([col_off, col_off + width]))
    count, kinds = len(sources), class_count + 2
    channels = kinds + count + count * kinds + 2 if count > 1 else kinds
    areas = np.zeros((len(col_off), channels))
    joint = np.zeros((count * (count - 1) // 2, kinds, kinds))
    first = np.clip(row_off - rows[0], 0, None)
    last = np.minimum(row_off + height, rows[1]) - rows[0]
    begin, end, x, number = _joined(sources)
    _tally(
        begin,
        end,
        x,
        number,
        edges.astype(np.float64),
        np.searchsorted(edges, col_off),
        np.searchsorted(edges, col_off + width),
        first,
        last,
        np.argsort(first, kind="stable"),
        np.argsort(last, kind="stable"),
        kinds,
        lines_per_row,
        merging == "agreement",
        areas,
        joint,
    )
    merged = areas[:, :kinds]
    if count == 1:
        nothing = np.zeros(len(areas))
        spoken = merged[:, 1:].sum(axis=1, keepdims=True)
        return Tally(merged, spoken, merged[:, None, :], nothing, nothing, joint)
    speaker = areas[:, kinds : kinds + count]
    by_source = areas[:, kinds + count : -2].reshape(len(areas), count, kinds)
    return Tally(merged, speaker, by_source, areas[:, -2], areas[:, -1], joint)


def _joined(
    sources: Sequence[Runs],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """The runs of all sources in one array; first and last run by (source, line)."""
    offset = np.cumsum([0, *(len(source.x) for source in sources)])[:-1, None]
    begin = np.stack([source.begin for source in sources]) + offset
    end = np.stack([source.end for source in sources]) + offset
    return begin, end, np.concatenate([s.x for s in sources]), np.concatenate([s.number for s in sources])


@njit(cache=True, nogil=True)
def _tally(
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    x: NDArray[np.float64],
    number: NDArray[np.uint8],
    edges: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    by_first: NDArray[np.int64],
    by_last: NDArray[np.int64],
    kinds: int,
    per_row: int,
    agreement: bool,
    areas: NDArray[np.float64],
    joint: NDArray[np.float64],
) -> None:
    """Fill `areas` and `joint` (zeros); edges in columns, first and last rows and lines from the top of the band."""
    count, lines = begin.shape
    cells, channels = len(edges) - 1, areas.shape[1]
    seen = np.zeros((cells, channels))
    covered = np.zeros(cells, dtype=np.int64)
    at = np.empty(count, dtype=np.int64)
    says = np.empty(count, dtype=np.int64)
    starting, ending = 0, 0
    for line in range(lines + 1):
        row = line // per_row
        if line % per_row == 0:
            while ending < len(last) and last[by_last[ending]] <= row:
                tile = by_last[ending]
                ending += 1
                for cell in range(left[tile], right[tile]):
                    covered[cell] -= 1
                    for channel in range(channels):
                        areas[tile, channel] += seen[cell, channel]
            while starting < len(first) and first[by_first[starting]] <= row:
                tile = by_first[starting]
                starting += 1
                for cell in range(left[tile], right[tile]):
                    covered[cell] += 1
                    for channel in range(channels):
                        areas[tile, channel] -= seen[cell, channel]
        if line == lines:
            break
        if count == 1:
            _walk_one(begin[0, line], end[0, line], x, number, edges, covered, 1 / per_row, seen)
            continue
        for source in range(count):
            at[source] = begin[source, line]
            says[source] = 0
        for cell in range(cells):
            here = edges[cell]
            while here < edges[cell + 1]:
                until = edges[cell + 1]
                for source in range(count):
                    while at[source] < end[source, line] and x[at[source]] <= here:
                        says[source] = number[at[source]]
                        at[source] += 1
                    if at[source] < end[source, line]:
                        until = min(until, x[at[source]])
                if covered[cell] > 0:
                    _add(says, (until - here) / per_row, kinds, agreement, seen[cell], joint)
                here = until


@njit(cache=True, nogil=True)
def _walk_one(
    at: int,
    end: int,
    x: NDArray[np.float64],
    number: NDArray[np.uint8],
    edges: NDArray[np.float64],
    covered: NDArray[np.int64],
    weight: float,
    seen: NDArray[np.float64],
) -> None:
    """One line of one source, the common case: no choices to be made."""
    says, here = 0, edges[0]
    for cell in range(len(edges) - 1):
        until = edges[cell + 1]
        while at < end and x[at] < until:
            if x[at] > here:
                if covered[cell] > 0:
                    seen[cell, says] += (x[at] - here) * weight
                here = x[at]
            says = int(number[at])
            at += 1
        if covered[cell] > 0:
            seen[cell, says] += (until - here) * weight
        here = until


@njit(cache=True, nogil=True)
def _add(
    says: NDArray[np.int64],
    area: float,
    kinds: int,
    agreement: bool,
    seen: NDArray[np.float64],
    joint: NDArray[np.float64],
) -> None:
    """Enter what the sources say of a piece of one cell."""
    count = len(says)
    who, speaking, alike = -1, 0, True
    for source in range(count):
        seen[kinds + count + source * kinds + says[source]] += area
        if says[source] != 0:
            speaking += 1
            if who < 0:
                who = source
            elif says[source] != says[who]:
                alike = False
    if speaking > 1:
        seen[len(seen) - 2] += area
        if not alike:
            seen[len(seen) - 1] += area
    if agreement and not (alike and speaking == count):
        who = -1
    if who < 0:
        seen[0] += area
    else:
        seen[says[who]] += area
        seen[kinds + who] += area
    pair = 0
    for one in range(count):
        for other in range(one + 1, count):
            joint[pair, says[one], says[other]] += area
            pair += 1
