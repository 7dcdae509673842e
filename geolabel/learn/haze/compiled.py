"""The guided filter on the CPU: sums that run along with the window, all of them in one pass, compiled with numba.

A row enters the sums of the columns and another leaves them, then a column enters the window's and another leaves it:
the cost does not depend on the window. As torch operations the same takes about a hundred passes over memory. Sums
are in double precision, so that what enters and leaves again cancels. Kernels release the GIL; images and bands of rows
are shared out to as many threads as torch has.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS = 256
"""Of an image, that a thread works on at a time."""


def guided_on_cpu(
    guide: torch.Tensor,
    values: torch.Tensor,
    weights: torch.Tensor,
    core: slice,
    radius: int,
    eps: float,
    spare: list[torch.Tensor],
) -> torch.Tensor:
    """As `guided_by_torch`, for contiguous planes, and only the rows of `core`: what lies around them is context."""
    colours, wanted, shares = guide.numpy(), values.numpy(), weights.numpy()
    slope, start = spare[0].numpy(), spare[1].numpy()
    count, height, _ = guide.shape
    around = slice(max(0, core.start - radius), min(height, core.stop + radius))
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        # lists, so that an error is not lost
        fit = (colours, wanted, shares, radius, eps, slope, start)
        list(pool.map(lambda part: _fit(*fit, *part), _parts(count, around, threads)))
        apply = (slope, start, shares, radius, colours, wanted)
        list(pool.map(lambda part: _apply(*apply, *part), _parts(count, core, threads)))
    return values


def _parts(count: int, rows: slice, threads: int) -> list[tuple[int, int, int, int]]:
    """First and last image, first and last row of each part: no sum knows how many threads there are."""
    together = -(-count // threads)
    images = [(first, min(count, first + together)) for first in range(0, count, together)]
    lines = [(top, min(rows.stop, top + _ROWS)) for top in range(rows.start, rows.stop, _ROWS)]
    return [(*some, *part) for some in images for part in lines]


@njit(cache=True, nogil=True, error_model="numpy")
def _fit(
    guide: NDArray[Any],
    values: NDArray[Any],
    weights: NDArray[Any],
    radius: int,
    eps: float,
    slope: NDArray[Any],
    start: NDArray[Any],
    first: int,
    last: int,
    top: int,
    bottom: int,
) -> None:
    """The line from guide to values in the window around each pixel of some images and rows; 0 of weight 0."""
    height, width = guide.shape[1:]
    side, earliest = 2 * radius + 1, max(0, top - radius)
    nothing, window = np.zeros(width, guide.dtype), np.empty((4, width))
    for image in range(first, last):
        # columns beyond the border are there, and empty: one more on the left, which the first window leaves
        columns = np.zeros((4, width + side))
        sums = columns[:, radius + 1 : radius + 1 + width]
        for row in range(earliest - radius, bottom):
            come, gone = row + radius, row - radius - 1
            enters, leaves = earliest <= come < height, gone >= earliest
            g = guide[image, come] if enters else nothing
            v = values[image, come] if enters else nothing
            old_g = guide[image, gone] if leaves else nothing
            old_v = values[image, gone] if leaves else nothing
            for col in range(width):
                a, b = np.float64(g[col]), np.float64(v[col])
                c, d = np.float64(old_g[col]), np.float64(old_v[col])
                sums[0, col] += a - c
                sums[1, col] += b - d
                sums[2, col] += a * b - c * d
                sums[3, col] += a * a - c * c
            if row < top:
                continue
            _run_along(columns, side, window)
            share_of, rises, starts = weights[image, row], slope[image, row], start[image, row]
            for col in range(width):
                share = np.float64(share_of[col])
                mean = window[0, col] * share
                variance = (window[3, col] - mean * window[0, col]) * share
                rise = (window[2, col] - mean * window[1, col]) * share / (variance + eps)
                rises[col] = rise
                starts[col] = window[1, col] * share - rise * mean


@njit(cache=True, nogil=True, error_model="numpy")
def _apply(
    slope: NDArray[Any],
    start: NDArray[Any],
    weights: NDArray[Any],
    radius: int,
    guide: NDArray[Any],
    values: NDArray[Any],
    first: int,
    last: int,
    top: int,
    bottom: int,
) -> None:
    """What the mean of the lines around each pixel of some images and rows makes of its guide."""
    height, width = guide.shape[1:]
    side, earliest = 2 * radius + 1, max(0, top - radius)
    nothing, window = np.zeros(width, guide.dtype), np.empty((2, width))
    for image in range(first, last):
        columns = np.zeros((2, width + side))
        sums = columns[:, radius + 1 : radius + 1 + width]
        for row in range(earliest - radius, bottom):
            come, gone = row + radius, row - radius - 1
            enters, leaves = earliest <= come < height, gone >= earliest
            rise = slope[image, come] if enters else nothing
            base = start[image, come] if enters else nothing
            old_rise = slope[image, gone] if leaves else nothing
            old_base = start[image, gone] if leaves else nothing
            for col in range(width):
                sums[0, col] += np.float64(rise[col]) - np.float64(old_rise[col])
                sums[1, col] += np.float64(base[col]) - np.float64(old_base[col])
            if row < top:
                continue
            _run_along(columns, side, window)
            g, share_of, found = guide[image, row], weights[image, row], values[image, row]
            for col in range(width):
                found[col] = (window[0, col] * g[col] + window[1, col]) * share_of[col]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _run_along(columns: NDArray[np.float64], side: int, window: NDArray[np.float64]) -> None:
    """Sums of `side` columns each, (kinds, width), from those of single columns."""
    for kind in range(len(window)):
        come, gone, found = columns[kind, side:], columns[kind], window[kind]
        total = gone[:side].sum()
        for col in range(len(found)):
            total += come[col] - gone[col]
            found[col] = total
