"""The guided filter on the CPU: sums that run along with the window, all of them in one pass, compiled with numba.

Each pixel enters and leaves a column's sums, and each column the window's: the cost does not depend on the window. As
torch operations the same takes about a hundred passes over memory. Sums are in double precision, so what enters and
leaves cancels. Kernels release the GIL; images, or the rows of a single one, are shared out to torch's threads.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def guided_on_cpu(
    guide: torch.Tensor, values: torch.Tensor, seen: torch.Tensor, radius: int, eps: float, spare: list[torch.Tensor]
) -> torch.Tensor:
    """As `guided`, for contiguous planes; guide and values are 0 where not seen."""
    colours, wanted, known = guide.numpy(), values.numpy(), seen.contiguous().numpy()
    slope, start = spare[0].numpy(), spare[1].numpy()
    count, height, _ = guide.shape
    threads = torch.get_num_threads()
    cuts = np.linspace(0, count if count >= threads else height, threads + 1).astype(int).tolist()
    parts = [
        (first, last, 0, height) if count >= threads else (0, count, first, last)
        for first, last in itertools.pairwise(cuts)
    ]

    def fit(part: tuple[int, int, int, int]) -> None:
        _fit(colours, wanted, known, radius, eps, *part, slope, start)

    def apply(part: tuple[int, int, int, int]) -> None:
        _apply(slope, start, known, colours, radius, *part, wanted)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fit, parts))  # a list, so that an error is not lost
        list(pool.map(apply, parts))
    return values


@njit(cache=True, nogil=True, error_model="numpy")
def _fit(
    guide: NDArray[Any],
    values: NDArray[Any],
    seen: NDArray[np.bool_],
    radius: int,
    eps: float,
    first: int,
    last: int,
    top: int,
    bottom: int,
    slope: NDArray[Any],
    start: NDArray[Any],
) -> None:
    """The line from guide to values around each pixel of some images and rows; 0 where not seen."""
    height, width = guide.shape[1:]
    side = 2 * radius + 1
    for image in range(first, last):
        # columns beyond the border are there, and empty: one more on the left, which the first window leaves
        columns = np.zeros((5, width + side))
        for row in range(max(0, top - radius), min(height, top + radius)):
            _count(columns, guide[image, row], values[image, row], seen[image, row], radius + 1, 1.0)
        for row in range(top, bottom):
            if row + radius < height:
                come = row + radius
                _count(columns, guide[image, come], values[image, come], seen[image, come], radius + 1, 1.0)
            if row > top and row > radius:
                gone = row - radius - 1
                _count(columns, guide[image, gone], values[image, gone], seen[image, gone], radius + 1, -1.0)
            n = g = v = gv = gg = 0.0
            for at in range(side):
                n += columns[0, at]
                g += columns[1, at]
                v += columns[2, at]
                gv += columns[3, at]
                gg += columns[4, at]
            for col in range(width):
                come = col + side
                n += columns[0, come] - columns[0, col]
                g += columns[1, come] - columns[1, col]
                v += columns[2, come] - columns[2, col]
                gv += columns[3, come] - columns[3, col]
                gg += columns[4, come] - columns[4, col]
                if seen[image, row, col]:
                    share = 1 / n
                    mean = g * share
                    rise = (gv - mean * v) * share / ((gg - mean * g) * share + eps)
                    slope[image, row, col] = rise
                    start[image, row, col] = v * share - rise * mean
                else:
                    slope[image, row, col] = 0
                    start[image, row, col] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _apply(
    slope: NDArray[Any],
    start: NDArray[Any],
    seen: NDArray[np.bool_],
    guide: NDArray[Any],
    radius: int,
    first: int,
    last: int,
    top: int,
    bottom: int,
    values: NDArray[Any],
) -> None:
    """What the mean of the lines around each pixel of some images and rows makes of its guide."""
    height, width = guide.shape[1:]
    side = 2 * radius + 1
    for image in range(first, last):
        columns = np.zeros((3, width + side))
        for row in range(max(0, top - radius), min(height, top + radius)):
            _count_lines(columns, slope[image, row], start[image, row], seen[image, row], radius + 1, 1.0)
        for row in range(top, bottom):
            if row + radius < height:
                come = row + radius
                _count_lines(columns, slope[image, come], start[image, come], seen[image, come], radius + 1, 1.0)
            if row > top and row > radius:
                gone = row - radius - 1
                _count_lines(columns, slope[image, gone], start[image, gone], seen[image, gone], radius + 1, -1.0)
            n = rise = base = 0.0
            for at in range(side):
                n += columns[0, at]
                rise += columns[1, at]
                base += columns[2, at]
            for col in range(width):
                come = col + side
                n += columns[0, come] - columns[0, col]
                rise += columns[1, come] - columns[1, col]
                base += columns[2, come] - columns[2, col]
                if seen[image, row, col]:
                    values[image, row, col] = (rise * guide[image, row, col] + base) / n


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _count(
    columns: NDArray[np.float64],
    guide: NDArray[Any],
    values: NDArray[Any],
    seen: NDArray[np.bool_],
    before: int,
    sign: float,
) -> None:
    """A row enters the columns' sums (sign 1), or leaves them (−1)."""
    for col in range(len(guide)):
        g, v = np.float64(guide[col]), np.float64(values[col])
        columns[0, before + col] += sign * seen[col]
        columns[1, before + col] += sign * g
        columns[2, before + col] += sign * v
        columns[3, before + col] += sign * g * v
        columns[4, before + col] += sign * g * g


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _count_lines(
    columns: NDArray[np.float64],
    slope: NDArray[Any],
    start: NDArray[Any],
    seen: NDArray[np.bool_],
    before: int,
    sign: float,
) -> None:
    """The same for lines, which are 0 where not seen."""
    for col in range(len(slope)):
        columns[0, before + col] += sign * seen[col]
        columns[1, before + col] += sign * slope[col]
        columns[2, before + col] += sign * start[col]
