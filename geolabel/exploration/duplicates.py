"""Tiles that show the same: noisy, in another light, a pixel aside, turned or mirrored; and leaks by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.exploration.neighbours import nearest
from geolabel.exploration.signatures import TURNS, turned, unturned

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 0.83
"""Likeness from which two tiles count as copies: of 4,000 chips of Amazonia, of which three pairs are copies (.88 and
more), no other two have more than .80; a chip one pixel aside, also diagonally, has more than .84 in 99 of 100. Of
tiles of 32 pixels a pixel is more: .66 diagonally."""
LEAST_TURNED = 0.93
"""The same where one must be turned or mirrored. Only a program turns a picture, and then all of it fits; while any two
straight rivers fit each other in one of 7 more ways."""
_CANDIDATES = 8
_VALUES_AT_ONCE = 1 << 24
_THERE = 0.5
"""Signatures have length 1 or 0."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Tiles that show the same."""

    groups: tuple[NDArray[np.int64], ...]
    """Rows of each group of two or more, ascending; groups by their first row."""
    pairs: NDArray[np.int64]
    """(m, 2): pairs that were compared and are alike, ascending; of a large group not all pairs are compared."""
    likeness: NDArray[np.float32]
    """(m,): of each pair, up to 1: the correlation of their signatures, upright or in the best of 7 turns."""


def near_duplicates(signatures: NDArray[np.float32], *, least: float = LEAST) -> Duplicates:
    """Find tiles with signatures (n, s) that are at least so alike, or .93 where one is turned or mirrored.

    Each is compared with the 8 that are nearest however tiles are turned. What is flat has no signature but its noise,
    so it is like nothing but its own copies; a constant tile is like nothing. What it cannot tell: whether two tiles of
    the same place at different dates are copies, as far as what they show changed.
    """
    there = np.flatnonzero(np.linalg.norm(signatures, axis=1) > _THERE)
    pairs = _nearest_pairs(signatures, there, least)
    upright, by_turning = _likeness(signatures, pairs)
    turned_copy = by_turning >= max(least, LEAST_TURNED)
    alike = (upright >= least) | turned_copy
    likeness = np.where(turned_copy, np.maximum(upright, by_turning), upright)
    pairs, likeness = pairs[alike], likeness[alike]
    return Duplicates(_groups(pairs, len(signatures)), pairs, likeness)


def leaks(duplicates: Duplicates, parts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Rows of `duplicates.pairs` whose tiles are in different of `parts` (n,), −1 where a tile is in none."""
    first, second = parts[duplicates.pairs[:, 0]], parts[duplicates.pairs[:, 1]]
    return np.flatnonzero((first >= 0) & (second >= 0) & (first != second))


def _nearest_pairs(signatures: NDArray[np.float32], there: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    if not len(there):
        return np.zeros((0, 2), np.int64)
    found = nearest(unturned(signatures[there]), _CANDIDATES)
    # of vectors of length 1, at distance d, the correlation is 1 − d²/2; no turn brings them nearer than this distance
    row, column = np.nonzero(found.distances <= np.sqrt(2 * (1 - least)) + 1e-3)
    return np.unique(np.sort(np.column_stack([there[row], there[found.rows[row, column]]]), axis=1), axis=0)


def _likeness(
    signatures: NDArray[np.float32], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Correlation (m,) of pairs (m, 2) as they are, and in the best of the other 7 turns."""
    found = np.zeros((2, len(pairs)), np.float32)
    step = max(1, _VALUES_AT_ONCE // max(1, signatures.shape[1]))
    for begin in range(0, len(pairs), step):
        part = slice(begin, begin + step)
        one, other = signatures[pairs[part, 0]], signatures[pairs[part, 1]]
        every = [np.einsum("ms,ms->m", one, turned(other, turn)) for turn in range(TURNS)]
        found[0, part], found[1, part] = every[0], np.max(every[1:], axis=0)
    return found[0], found[1]


def _groups(pairs: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], ...]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return ()
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, member = connected_components(graph, directed=False)
    rows = np.unique(pairs)
    rows = rows[np.argsort(member[rows], kind="stable")]
    groups = np.split(rows, np.flatnonzero(np.diff(member[rows])) + 1)
    return tuple(sorted(groups, key=lambda group: int(group[0])))
