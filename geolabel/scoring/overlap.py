"""What two tiles share, by their shares of classes: compiled loops over all references of a query.

Of classes c and c', tiles q and y share min(q_c, y_c) within a class, and max(min(q_c, y_c'), min(q_c', y_c)) between
two. Only classes of which the query has a share are looked at: nothing else can be more than 0. The inner loops run
over slices from their beginning: so the compiler does many steps at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Line = NDArray[np.float32]
    Table = NDArray[np.float32]

ABSENT = 1e-8
"""What system B adds to every share, so that nothing is 0."""
_TOGETHER = 1024
"""References whose shares and distances stay in the cache while queries and classes pass."""
_ROUNDING = np.float32(1e-6)
"""Of float32: what differs by less is as much between classes as within them."""
_LOOSE = {"reassoc", "nsz", "nnan", "contract"}
"""Terms of a sum may be added in any order."""


def checked_shares(shares: NDArray[np.floating[Any]], vectors: NDArray[Any]) -> Table:
    """Shares (n, classes) of n vectors for the loops. Raises ValueError where they do not fit or are unknown."""
    if shares.ndim != 2 or len(shares) != len(vectors) or not np.isfinite(shares).all():  # noqa: PLR2004 - rows and columns
        raise ValueError(f"{len(vectors)} vectors need as many rows of known shares, got an array {shares.shape}")
    return np.ascontiguousarray(shares, np.float32)


@njit(cache=True, nogil=True)
def weigh_distances(
    given: Table,
    squared: Table,
    own: NDArray[np.int64],
    asked: Table,
    near: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> None:
    """Add up weighted distances and weights (rows, classes, classes): within a class on the diagonal, between above it.

    `given` are the shares of the references (classes, references), so that those of a class lie side by side; `squared`
    distances (rows, references) become plain ones; `asked` are the shares of the queries (rows, classes), whose `own`
    place among the references does not count (−1: none).
    """
    count = given.shape[1]
    for begin in range(0, count, _TOGETHER):
        end = min(begin + _TOGETHER, count)
        for row in range(len(asked)):
            _root(squared[row, begin:end])
            skipped = own[row] if begin <= own[row] < end else end
            for start, stop in ((begin, skipped), (skipped + 1, end)):
                if start < stop:
                    _weigh(given, start, stop, squared[row, start:stop], asked[row], near[row], weight[row])


@njit(cache=True, nogil=True)
def _weigh(
    given: Table,
    start: int,
    stop: int,
    distance: Line,
    asked: Line,
    near: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> None:
    """Add what one query shares with references from `start` to `stop`, so far away, to its sums (classes, classes)."""
    for first in range(len(asked)):
        mine = asked[first]
        if mine <= 0:
            continue
        for second in range(len(asked)):
            other = asked[second]
            if second == first or other <= 0:
                sums = _weigh_one(mine, given[second, start:stop], distance)
            elif second > first:
                sums = _weigh_two(mine, other, given[first, start:stop], given[second, start:stop], distance)
            else:
                continue  # both are the query's: added from the other side
            low, high = min(first, second), max(first, second)
            near[low, high] += sums[0]
            weight[low, high] += sums[1]


@njit(cache=True, nogil=True)
def find_relevance(given: Table, asked: Table, relevance: Table) -> None:
    """Fill in the relevance (rows, references) of references (classes, references) to queries (rows, classes).

    max(intra − inter, 0) / max(intra, inter), of the mean over the classes and the mean over all pairs of them.
    """
    classes, count = given.shape
    pairs = max(classes * (classes - 1) // 2, 1)
    intra, inter = np.empty(_TOGETHER, np.float32), np.empty(_TOGETHER, np.float32)
    for begin in range(0, count, _TOGETHER):
        end = min(begin + _TOGETHER, count)
        within, between = intra[: end - begin], inter[: end - begin]
        for row in range(len(asked)):
            within[:] = 0
            between[:] = 0
            for first in range(classes):
                mine = asked[row, first]
                if mine <= 0:
                    continue
                _add_one(mine, given[first, begin:end], within)
                for second in range(classes):
                    other = asked[row, second]
                    if other <= 0:
                        _add_one(mine, given[second, begin:end], between)
                    elif second > first:
                        _add_two(mine, other, given[first, begin:end], given[second, begin:end], between)
            _compare(within, between, np.float32(1 / classes), np.float32(1 / pairs), relevance[row, begin:end])


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _root(values: Line) -> None:
    for at in range(len(values)):
        values[at] = np.sqrt(values[at])


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _weigh_one(mine: np.float32, given: Line, distance: Line) -> tuple[np.float32, np.float32]:
    near, weight = np.float32(0), np.float32(0)
    for at in range(len(given)):
        shared = min(mine, given[at])
        near += shared * distance[at]
        weight += shared
    return near, weight


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _weigh_two(
    first: np.float32, second: np.float32, given_first: Line, given_second: Line, distance: Line
) -> tuple[np.float32, np.float32]:
    near, weight = np.float32(0), np.float32(0)
    for at in range(len(distance)):
        shared = max(min(first, given_second[at]), min(second, given_first[at]))
        near += shared * distance[at]
        weight += shared
    return near, weight


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _add_one(mine: np.float32, given: Line, total: Line) -> None:
    for at in range(len(total)):
        total[at] += min(mine, given[at])


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _add_two(first: np.float32, second: np.float32, given_first: Line, given_second: Line, total: Line) -> None:
    for at in range(len(total)):
        total[at] += max(min(first, given_second[at]), min(second, given_first[at]))


@njit(cache=True, nogil=True, fastmath=_LOOSE)
def _compare(within: Line, between: Line, of_classes: np.float32, of_pairs: np.float32, relevance: Line) -> None:
    for at in range(len(relevance)):
        intra, inter = within[at] * of_classes, between[at] * of_pairs
        more = intra - inter
        relevance[at] = more / intra if more > intra * _ROUNDING else np.float32(0)
