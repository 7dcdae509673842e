"""How many points a person has to look at, and how many of them in each stratum.

Source: Olofsson et al. 2014, Good practices for estimating area and assessing accuracy of land change, Remote Sensing
of Environment 148, 42–57, section 5.1; equation 13 there is Cochran 1977, equation 5.25.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def sample_size(
    shares: NDArray[np.float64], accuracies: NDArray[np.float64], standard_error: float, pixels: int
) -> int:
    """Points that give overall accuracy with a standard error, if allocated at best (equation 13).

    `shares` (strata,) of the area, 0–1; `accuracies` (strata,) are the user's accuracies one expects, 0–1; `pixels` of
    the whole map.
    """
    deviation = np.sqrt(accuracies * (1 - accuracies))
    spread = float(shares @ deviation) ** 2
    return max(1, int(np.ceil(spread / (standard_error**2 + float(shares @ deviation**2) / pixels))))


def allocate(points: int, shares: NDArray[np.float64], minimum: int, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Points for each stratum (strata,): at least `minimum`, the rest in proportion to area; never more than pixels.

    Where minima and pixels leave no choice, the sum may differ from `points`.
    """
    floor = np.minimum(minimum, pixels)
    fixed = np.zeros(len(shares), dtype=bool)
    wanted = np.zeros(len(shares))
    while not fixed.all():
        rest = max(points - int(wanted[fixed].sum()), 0)
        wanted[~fixed] = rest * shares[~fixed] / shares[~fixed].sum()
        low, high = ~fixed & (wanted < floor), ~fixed & (wanted > pixels)
        if not (low | high).any():
            break
        # those that get more than their part first: what they leave to the others decides who of them has enough
        now, limit = (low, floor) if low.any() else (high, pixels)
        wanted[now] = limit[now]
        fixed |= now
    return _rounded(wanted, pixels)


def _rounded(wanted: NDArray[np.float64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole numbers of the same sum, by the largest remainders, not above `pixels`."""
    whole = np.floor(wanted + 1e-9).astype(np.int64)
    missing = round(float(wanted.sum())) - int(whole.sum())
    order = np.argsort(whole - wanted, kind="stable")
    whole[order[whole[order] < pixels[order]][:missing]] += 1
    return whole


def expected_error(
    shares: NDArray[np.float64], accuracies: NDArray[np.float64], points: NDArray[np.int64], pixels: NDArray[np.int64]
) -> float:
    """Standard error of overall accuracy if the accuracies are as expected; all arguments are of strata.

    Olofsson et al. 2014, equation 5, with the finite population correction.
    """
    variance = accuracies * (1 - accuracies) / np.maximum(points - 1, 1)
    return float(np.sqrt((shares**2 * variance * (1 - points / pixels)).sum()))


def enough(
    standard_error: float,
    shares: NDArray[np.float64],
    accuracies: NDArray[np.float64],
    minimum: int,
    pixels: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Points for each stratum (strata,) that give overall accuracy with a standard error.

    In proportion to area, the minimum of rare strata on top: taken from the large ones, it would cost what is asked
    for. Equation 13 supposes the best allocation; proportional ones need a little more than it says.
    """
    least = np.minimum(minimum, pixels)
    points = sample_size(shares, accuracies, standard_error, int(pixels.sum()))
    while True:
        found = np.minimum(np.maximum(np.ceil(points * shares).astype(np.int64), least), pixels)
        if expected_error(shares, accuracies, found, pixels) <= standard_error:
            return found
        points += 1 + points // 50
