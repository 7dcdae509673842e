"""Outlines of patches straight from their runs, corner to corner: compiled loops.

Every run has two sides, numbered 2 × run (left, gone upwards) and 2 × run + 1 (right, gone downwards), so that the
patch is on the right: shells run clockwise on the screen, holes counter-clockwise. Along the line between two rows, the
stretches that are inside on one side of it only join the sides of both rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOMY = 5
"""Pixels of the smallest hole that another patch fits into."""
_FAR = np.iinfo(np.int32).max


@njit(cache=True, nogil=True)
def link(row: NDArray[np.int32], edge: NDArray[np.int32], begin: NDArray[np.int64]) -> NDArray[np.int32]:
    """The side that follows each side: (2 × runs,). `edge` (2 × runs,): their columns; `begin`: where patches begin.

    Where a patch meets itself at a corner, both ways turn left there, around the pixel that is outside: a hole that
    touches the shell becomes a ring of its own, and no ring touches itself.
    """
    following = np.empty(len(edge), dtype=np.int32)
    for patch in range(len(begin) - 1):
        upper = lower = upper_stop = 2 * begin[patch]
        stop = 2 * begin[patch + 1]
        while upper < stop:
            lower = upper_stop
            lower_stop = lower
            while lower_stop < stop and row[lower_stop >> 1] == row[lower >> 1]:
                lower_stop += 2
            _join(edge, upper, upper_stop, lower, lower_stop, following)
            upper, upper_stop = lower, lower_stop
    return following


@njit(cache=True, nogil=True)
def _join(  # noqa: C901, PLR0912 - a compiled kernel is one loop
    edge: NDArray[np.int32], a: int, a_stop: int, b: int, b_stop: int, following: NDArray[np.int32]
) -> None:
    """Join the sides a … of a row with the sides b … of the row below it, from left to right.

    A side with an odd number is a right one: what comes next of its row is outside left of it, inside where it is odd.
    """
    # the side at the left end of the stretch at hand: where it comes from (inside below), or goes to (inside above)
    open_ = -1
    while a < a_stop or b < b_stop:
        a_col = edge[a] if a < a_stop else _FAR
        b_col = edge[b] if b < b_stop else _FAR
        a_ends, b_ends = a & 1, b & 1
        if a_col == b_col:
            if a_ends and b_ends:
                following[a] = b
            elif a_ends:  # the patch meets itself
                following[b] = open_
                open_ = a
            elif b_ends:
                following[open_] = a
                open_ = b
            else:
                following[b] = a
            a, b = a + 1, b + 1
        elif a_col < b_col:
            if bool(a_ends) == bool(b_ends):
                open_ = a
            elif a_ends:
                following[a] = open_
            else:
                following[open_] = a
            a += 1
        else:
            if bool(a_ends) == bool(b_ends):
                open_ = b
            elif b_ends:
                following[open_] = b
            else:
                following[b] = open_
            b += 1


@njit(cache=True, nogil=True)
def follow(
    row: NDArray[np.int32],
    edge: NDArray[np.int32],
    begin: NDArray[np.int64],
    following: NDArray[np.int32],
    fill_pixels: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Closed rings, patch by patch, the shell before its holes; `following` is used up.

    Returns vertices (v, 2) as (col, row); vertices of each ring (rings,); its patch (rings,); and whether it is a hole
    of fewer than `fill_pixels` pixels: of these, only those into which another patch fits are returned.
    """
    bends = 0
    for side in range(len(edge)):
        bends += edge[side] != edge[following[side]]
    vertices = np.empty((2 * bends + bends // 2, 2), dtype=np.float64)  # a ring has two bends or more, and is closed
    lengths = np.empty(bends // 2, dtype=np.int64)
    patches = np.empty(bends // 2, dtype=np.int64)
    filled = np.zeros(bends // 2, dtype=np.bool_)
    used = rings = 0
    for patch in range(len(begin) - 1):
        shell = True
        for first in range(2 * begin[patch], 2 * begin[patch + 1]):
            if following[first] < 0:
                continue
            start, area, here = used, 0, first
            while following[here] >= 0:
                after = following[here]
                following[here] = -1
                area += edge[here] if here & 1 else -edge[here]
                if edge[after] != edge[here]:
                    line = row[here >> 1] + (here & 1)
                    vertices[used, 0], vertices[used + 1, 0] = edge[here], edge[after]
                    vertices[used, 1] = vertices[used + 1, 1] = line
                    used += 2
                here = after
            vertices[used] = vertices[start]
            used += 1
            small = not shell and -area < fill_pixels
            shell = False
            if small and -area < ROOMY:
                used = start
                continue
            lengths[rings], patches[rings], filled[rings] = used - start, patch, small
            rings += 1
    return vertices[:used], lengths[:rings], patches[:rings], filled[:rings]
