"""Tiles of one source that show the same ground and are in different parts of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Pairs of tiles with pixels in common, in different parts."""

    pairs: NDArray[np.int64]
    """(m, 2): rows, ascending."""
    share: NDArray[np.float32]
    """(m,): of the smaller tile, how much lies in the other, 0–1."""


def overlaps(sources: NDArray[Any], windows: NDArray[np.integer[Any]], parts: NDArray[np.integer[Any]]) -> Overlaps:
    """Find pairs across `parts` (n,; −1 for none) whose windows in one source overlap.

    `sources` (n,) of any kind; `windows` (n, 4): column, row, width, height in pixels of the source.
    """
    from shapely import STRtree, box

    judged = np.flatnonzero(parts >= 0)
    left, top, width, height = windows[judged].astype(np.float64).T
    _, which = np.unique(sources[judged], return_inverse=True)
    # sources lie beside each other, so that one tree serves all
    left = left + which * (float(np.max(left + width, initial=0)) - float(np.min(left, initial=0)) + 1)
    boxes = box(left, top, left + width, top + height)
    tree = STRtree(boxes)
    pairs, shares = [np.zeros((0, 2), np.int64)], [np.zeros(0, np.float32)]
    for begin in range(0, len(boxes), _AT_ONCE):
        one, other = tree.query(boxes[begin : begin + _AT_ONCE])
        one = one + begin
        apart = (one < other) & (parts[judged[one]] != parts[judged[other]])
        one, other = one[apart], other[apart]
        wide = np.minimum((left + width)[one], (left + width)[other]) - np.maximum(left[one], left[other])
        high = np.minimum((top + height)[one], (top + height)[other]) - np.maximum(top[one], top[other])
        area = np.maximum(wide, 0) * np.maximum(high, 0)
        share = area / np.minimum((width * height)[one], (width * height)[other])
        pairs.append(np.column_stack([judged[one], judged[other]])[share > 0])
        shares.append(share[share > 0].astype(np.float32))
    found, share = np.concatenate(pairs), np.concatenate(shares)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return Overlaps(found[order], share[order])
