"""The share of each class in each tile, and how much of the tile anybody knows: bands of rows, one after the other."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from geolabel.errors import OptionError
from geolabel.grid import Window
from geolabel.labels.tally import Merging, Tally, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.labels.sources import LaidSource

T = TypeVar("T")
Tiles = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]
"""col_off, row_off, width, height of n tiles: (n,) each, pixels."""
_BAND_ROWS = 512
"""Rows that are in memory together, at the most; fewer in a wide region."""
_BAND_PLACES = 36_000_000
"""Pixels along all scan lines of all sources that are in memory together, in all threads: each may begin a run."""
_MOST_THREADS = 4
_LINES_PER_TILE = 128
"""Scan lines that a tile gets at the least: 99 of 100 tiles are then within .1 % of their area. One that the raster's
edge cuts has as many a row as its neighbours."""

_ROUNDING = 1e-9
"""A share below this is no share: it is what adding and subtracting areas leaves over."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one source, or several together, say of n tiles."""

    share: NDArray[np.float32]
    """(classes, n): area of the class / area of the tile; NaN where too little of the tile is known."""
    known: NDArray[np.float32]
    """(n,): share of the tile of which the class is known, or known to be none of the scheme's."""
    traces: tuple[NDArray[np.int64], ...]
    """By class, the tiles that have some of it, but of which too little is known."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What the label sources say of n tiles."""

    merged: Known
    by_source: tuple[Known, ...]
    """One a source; empty where there is only one."""
    agree: NDArray[np.float32]
    """(n,): of the area of which two sources speak, the share where they say the same; NaN where there is none."""
    disagree: NDArray[np.float32]
    """(n,): share of the tile where two sources speak and do not say the same; summed over the groups of classes."""
    joint: NDArray[np.float64]
    """(pairs, classes + 2, classes + 2): pixels of each pair of classes of two sources; first unknown, last none."""


@dataclass(slots=True)
class _Sums:
    """Areas as shares of the tile, summed band by band."""

    merged: NDArray[np.float32]
    """(classes, n)."""
    speaker: NDArray[np.float32]
    """(groups, sources, n)."""
    source: NDArray[np.float32]
    """(sources, classes, n); (0, classes, n) where there is one source."""
    heard: NDArray[np.float32]
    """(groups, sources, n): what each source knows."""
    both: NDArray[np.float32]
    """(n,)."""
    differ: NDArray[np.float32]
    """(n,)."""
    joint: NDArray[np.float64]


def check_min_known(min_known: float) -> None:
    """Refuse what is no share. Raises OptionError."""
    if not 0 <= min_known <= 1:
        raise OptionError(f"--min-known must lie in 0–1, got {min_known:g}")


def measure(
    sources: Sequence[LaidSource],
    can_name: NDArray[np.bool_],
    tiles: Tiles,
    groups: Sequence[Sequence[int]],
    *,
    min_known: float,
    merging: Merging = "priority",
    exact: bool = False,
    track: Callable[[Iterable[Any], int], Iterable[Any]],
) -> Shares:
    """Measure the shares of classes in n tiles.

    `can_name` (sources, classes): what each source can tell; where only others speak, a class is unknown. `groups`:
    positions of the classes that compete for a place.
    Memory is one band of rows a thread. Raises OptionError, and what the sources raise.
    """
    check_min_known(min_known)
    count = len(tiles[0])
    classes = can_name.shape[1]
    apart = len(sources) if len(sources) > 1 else 0
    sums = _Sums(
        np.zeros((classes, count), np.float32),
        np.zeros((len(groups), len(sources), count), np.float32),
        np.zeros((apart, classes, count), np.float32),
        np.zeros((len(groups), apart, count), np.float32),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
        np.zeros((len(sources) * (len(sources) - 1) // 2, classes + 2, classes + 2)),
    )
    bands = _bands(*tiles, _BAND_PLACES // (len(sources) * _threads())) if count else []

    def work(band: tuple[int, int]) -> tuple[NDArray[np.int64], list[Tally]]:
        inside = np.flatnonzero((tiles[1] < band[1]) & (tiles[1] + tiles[3] > band[0]))
        col_off, row_off, width, height = (column[inside].astype(np.int64) for column in tiles)
        left, right = int(col_off.min()), int((col_off + width).max())
        window = Window(left, band[0], right - left, band[1] - band[0])
        part: Tiles = (col_off, row_off, width, height)
        if exact:
            from geolabel.labels.exact import exact_tally

            laid = [source.areas(window) for source in sources]
            return inside, [exact_tally(of_group, part, band, classes) for of_group in zip(*laid, strict=True)]
        lines = _lines_per_row(height)
        runs = [source.runs(window, lines) for source in sources]
        return inside, [tally(of_group, part, band, classes, lines, merging) for of_group in zip(*runs, strict=True)]

    area = (tiles[2].astype(np.int64) * tiles[3]).astype(np.float64)
    for inside, found in track(_in_threads(work, bands), len(bands)):
        _add(sums, inside, found, groups, area[inside])
    return _shares(sums, can_name, groups, min_known)


def _add(
    sums: _Sums,
    inside: NDArray[np.int64],
    found: Sequence[Tally],
    groups: Sequence[Sequence[int]],
    area: NDArray[np.float64],
) -> None:
    for group, (members, one) in enumerate(zip(groups, found, strict=True)):
        columns = np.asarray(members)
        sums.merged[columns[:, None], inside] += (one.merged[:, columns + 1] / area[:, None]).T
        sums.speaker[group][:, inside] += (one.speaker / area[:, None]).T
        for source in range(len(sums.source)):
            said = one.by_source[:, source] / area[:, None]
            sums.source[source, columns[:, None], inside] += said[:, columns + 1].T
            sums.heard[group, source, inside] += said[:, 1:].sum(axis=1)
        sums.both[inside] += one.both / area
        sums.differ[inside] += one.differ / area
        sums.joint += one.joint


def _shares(sums: _Sums, can_name: NDArray[np.bool_], groups: Sequence[Sequence[int]], min_known: float) -> Shares:
    for share in (sums.merged, sums.speaker, sums.source, sums.heard, sums.both, sums.differ):
        for row in (
            share.reshape(-1, share.shape[-1]) if share.size else ()
        ):  # one at a time: a mask of all would be large
            row[row < _ROUNDING] = 0
    merged = _known(sums.merged, sums.speaker, can_name, groups, min_known)
    by_source = tuple(
        _known(sums.source[at], sums.heard[:, at : at + 1], can_name[at : at + 1], groups, min_known)
        for at in range(len(sums.source))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        agree = np.where(sums.both > 0, 1 - sums.differ / sums.both, np.nan).clip(0, 1)
    return Shares(merged, by_source, agree.astype(np.float32), sums.differ, sums.joint)


def _known(
    share: NDArray[np.float32],
    heard: NDArray[np.float32],
    can_name: NDArray[np.bool_],
    groups: Sequence[Sequence[int]],
    min_known: float,
) -> Known:
    """Shares (classes, n), NaN where what can name the class (`heard`: (groups, sources, n)) knows too little."""
    traces = [np.empty(0, np.int64)] * len(share)
    for group, members in enumerate(groups):
        for at in members:
            known = heard[group][can_name[:, at]].sum(axis=0)
            too_little = (known < min_known) | (known == 0)
            traces[at] = np.flatnonzero(too_little & (share[at] > 0))
            share[at, too_little] = np.nan
    return Known(share, heard.sum(axis=1).max(axis=0).clip(0, 1), tuple(traces))


def _lines_per_row(height: NDArray[Any]) -> int:
    return -(-_LINES_PER_TILE // int(height.max()))


def _bands(
    col_off: NDArray[Any], row_off: NDArray[Any], width: NDArray[Any], height: NDArray[Any], most_places: int
) -> list[tuple[int, int]]:
    """Rows from … to, in order, each with a tile in it; where tiles stand in rows, between two of them.

    A band has at the most so many pixels along its scan lines, or is one row.
    """
    most_lines = most_places // int((col_off + width).max() - col_off.min())
    starts = np.unique(row_off).astype(np.int64)
    ends = np.unique(row_off + height).astype(np.int64)
    bands, begin, bottom = [], int(starts[0]), int(ends[-1])
    while begin < bottom:
        most = _BAND_ROWS
        while True:
            near = starts[(starts > begin) & (starts <= begin + most)]
            end = int(near[-1]) if len(near) else min(begin + most, bottom)
            inside = (row_off < end) & (row_off + height > begin)
            if not inside.any():
                break
            fitting = max(1, most_lines // _lines_per_row(height[inside]))
            if end - begin <= fitting:
                break
            most = min(fitting, end - begin - 1)
        if inside.any():
            bands.append((begin, min(end, bottom)))
            begin = end
        else:
            begin = int(starts[starts > begin][0])
    return bands


def _threads() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, _MOST_THREADS)


def _in_threads(work: Callable[[tuple[int, int]], T], bands: Sequence[tuple[int, int]]) -> Iterator[T]:
    """Results in order; no more bands are begun than there are threads, so that memory does not grow."""
    workers = _threads()
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Any] = deque()
        try:
            for band in bands:
                waiting.append(pool.submit(work, band))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
