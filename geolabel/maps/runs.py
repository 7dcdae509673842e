"""Patches of equal values as runs along rows, united from row to row: compiled loops over pixels and runs.

A run is a stretch of one row with one value. Runs of adjacent rows that share a pixel edge belong to one patch
(4-connected); a patch is called after its first run in reading order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def count(values: NDArray[np.uint8]) -> int:
    """Runs of what is not 0 in `values` (rows, width)."""
    total = 0
    for row in range(values.shape[0]):
        before = 0
        for col in range(values.shape[1]):
            here = values[row, col]
            if here != before:
                total += here != 0
                before = here
    return total


@njit(cache=True, nogil=True)
def fill(
    values: NDArray[np.uint8],
    weights: NDArray[Any],
    row_off: int,
    rows: NDArray[np.int32],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    value: NDArray[np.uint8],
    total: NDArray[np.float64],
    highest: NDArray[np.float64],
) -> None:
    """Write the runs in reading order, with the sum and the highest of the weights (rows, width, or empty) of each."""
    height, width = values.shape
    at = 0
    for row in range(height):
        col = 0
        while col < width:
            here = values[row, col]
            if here == 0:
                col += 1
                continue
            rows[at], start[at], value[at] = row_off + row, col, here
            while col < width and values[row, col] == here:
                col += 1
            end[at] = col
            if weights.size:
                most = float(weights[row, start[at]])
                added = most
                for inside in range(start[at] + 1, col):
                    weight = float(weights[row, inside])
                    added += weight
                    most = max(most, weight)
                total[at], highest[at] = added, most
            at += 1


@njit(cache=True, nogil=True)
def _first(parent: NDArray[np.int32], run: int) -> int:
    """The first run that is known of the patch of a run; ways become shorter as they are gone."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@njit(cache=True, nogil=True)
def unite(
    rows: NDArray[np.int32],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    value: NDArray[np.uint8],
    parent: NDArray[np.int32],
    above: int,
    new: int,
    stop: int,
) -> int:
    """Unite the runs from `new` up to `stop` with each other and with those of the row before them, from `above` on.

    `parent` of a run is an earlier one of its patch, or itself. Returns the first run of the last row that has any.
    """
    upper, lower = above, new
    while lower < stop:
        row = rows[lower]
        lower_stop = lower
        while lower_stop < stop and rows[lower_stop] == row:
            lower_stop += 1
        one, other = upper, lower
        while one < lower and other < lower_stop and rows[one] == row - 1:
            if start[one] < end[other] and start[other] < end[one] and value[one] == value[other]:
                a, b = _first(parent, one), _first(parent, other)
                parent[max(a, b)] = min(a, b)
            left, right = end[one], end[other]
            one += left <= right
            other += right <= left
        upper, lower = lower, lower_stop
    return upper


@njit(cache=True, nogil=True)
def number_patches(parent: NDArray[np.int32], stop: int, above: int, number: NDArray[np.int32]) -> int:
    """Number the patches that end before the run `above` (none of theirs comes after it) in reading order.

    `number` (stop,) of each run's patch, −1 where it goes on. Afterwards `parent` is a patch's first run. Returns how
    many end.
    """
    number[:stop] = 0
    for run in range(stop):
        parent[run] = parent[parent[run]]
    for run in range(above, stop):
        number[parent[run]] = -1
    closed = 0
    for run in range(stop):
        if parent[run] != run:
            number[run] = number[parent[run]]
        elif number[run] == 0:
            number[run] = closed
            closed += 1
    return closed


@njit(cache=True, nogil=True)
def measure(
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    run_total: NDArray[np.float64],
    run_highest: NDArray[np.float64],
    number: NDArray[np.int32],
    first: NDArray[np.int64],
    runs: NDArray[np.int64],
    left: NDArray[np.int32],
    pixels: NDArray[np.int64],
    total: NDArray[np.float64],
    highest: NDArray[np.float64],
) -> None:
    """Sum up numbered patches: first run, how many, leftmost column, pixels, sum and highest of the weights."""
    runs[:] = 0
    for run in range(len(number)):
        patch = number[run]
        if patch < 0:
            continue
        if runs[patch] == 0:
            first[patch], left[patch], highest[patch] = run, start[run], run_highest[run]
            pixels[patch], total[patch] = 0, 0.0
        runs[patch] += 1
        left[patch] = min(left[patch], start[run])
        pixels[patch] += end[run] - start[run]
        total[patch] += run_total[run]
        highest[patch] = max(highest[patch], run_highest[run])


@njit(cache=True, nogil=True)
def gather(
    rows: NDArray[np.int32],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    number: NDArray[np.int32],
    place: NDArray[np.int64],
    row_out: NDArray[np.int32],
    edge_out: NDArray[np.int32],
) -> None:
    """Copy the rows and both ends of runs, patch by patch, from `place` of each on; −1: it is left out."""
    for run in range(len(number)):
        patch = number[run]
        if patch < 0 or place[patch] < 0:
            continue
        at = place[patch]
        row_out[at], edge_out[2 * at], edge_out[2 * at + 1] = rows[run], start[run], end[run]
        place[patch] = at + 1


@njit(cache=True, nogil=True)
def renumber(parent: NDArray[np.int32], number: NDArray[np.int32]) -> NDArray[np.int32]:
    """`parent` of the runs whose patches go on, once the others are gone."""
    moved = np.cumsum(number < 0) - 1
    kept = np.empty(moved[-1] + 1 if len(moved) else 0, dtype=np.int32)
    for run in range(len(number)):
        if number[run] < 0:
            kept[moved[run]] = moved[parent[run]]
    return kept
