"""The union of polygons that meet along known rows, by relinking outlines: exact, linear in their size.

Where two pieces meet, the lower side of one and the upper side of the other run over the same pixel edges in
opposite directions. Those edges go. What is left of the outlines ends and starts in the same corners, and is
joined there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.maps import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEFT, _AHEAD, _RIGHT = 1, 0, 3
"""Quarter turns, counter-clockwise. Directions are counted likewise: 0 is +x, 1 is +y, 2 is -x, 3 is -y."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Parts of outlines, each with the inside on its right."""

    first: NDArray[np.float64]
    """(n, 2) first vertex."""
    last: NDArray[np.float64]
    """(n, 2) last vertex."""
    leaves: NDArray[np.int64]
    """(n,) direction of the first side."""
    arrives: NDArray[np.int64]
    """(n,) direction of the last side."""
    start: NDArray[np.int64]
    """(n,) where its vertices start in the array of all."""
    length: NDArray[np.int64]
    """(n,) how many they are, without the last: that is the first of the next line."""
    polygon: NDArray[np.int64]
    """(n,) number of the united polygon it belongs to."""


def stitch(pieces: NDArray[Any], polygon: NDArray[np.int64], seams: NDArray[np.int64]) -> NDArray[Any]:
    """Unite pieces that share a number into one Polygon each: (max + 1,), vertices at corners only.

    `pieces` (n,) are valid Polygons along pixel edges, in whole-numbered pixel coordinates. Those of one
    number, from 0, do not overlap, meet in rows of `seams` and make up one 4-connected patch.
    """
    # Normalised, shells run clockwise and holes counter-clockwise: the inside is on the right of both.
    _, xy, (ring_ends, polygon_ends) = shapely.to_ragged_array(shapely.normalize(pieces))
    starts, closing = ring_ends[:-1].astype(np.int64), ring_ends[1:] - 1
    lengths = closing - starts
    ring_polygon = np.repeat(polygon, np.diff(polygon_ends))
    crossing = np.append(_along(seams, xy[:-1], xy[1:]), False)
    crossing[closing] = False  # from the end of one ring to the start of the next there is no side
    touched = np.logical_or.reduceat(crossing, starts)

    rest = xy[rings.ranges(starts[~touched], lengths[~touched])]  # holes within one strip
    ring = rings.ranges(starts[touched], lengths[touched])
    joined, joined_lengths, joined_polygon = _relink(xy[ring], crossing[ring], lengths[touched], ring_polygon[touched])
    return rings.polygons(
        np.concatenate([joined, rest]),
        np.concatenate([joined_lengths, lengths[~touched]]),
        np.concatenate([joined_polygon, ring_polygon[~touched]]),
        int(polygon.max()) + 1,
    )


def _along(seams: NDArray[np.int64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the sides from a to b run along a seam: (n,)."""
    known = np.zeros(int(max(seams.max(), a[:, 1].max())) + 1, dtype=bool)
    known[seams] = True
    return np.asarray((a[:, 1] == b[:, 1]) & known[a[:, 1].astype(np.int64)])


def _relink(
    xy: NDArray[np.float64],
    crossing: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    polygon: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Open rings that touch seams, joined: vertices, length of each ring and its polygon.

    `crossing` (n,): whether the side that leaves a vertex runs along a seam.
    """
    # Turned, each ring ends with a side along a seam, so that no line runs over a ring's end.
    starts = np.cumsum(lengths) - lengths
    seam_sides = np.flatnonzero(crossing)
    shift = seam_sides[np.searchsorted(seam_sides, starts)] - starts + 1
    place = rings.ranges(shift, lengths) % np.repeat(lengths, lengths)
    turned = np.repeat(starts, lengths) + place
    xy, crossing, owner = xy[turned], crossing[turned], np.repeat(polygon, lengths)

    # Lines lie between seams, and end where outlines touch: there they may have to be joined in another way.
    touching = _repeated(_corner(xy))
    begins = np.flatnonzero(~crossing & (np.roll(crossing, 1) | touching))
    ends = np.flatnonzero(~crossing & np.roll(crossing | touching, -1)) + 1
    between = _Lines(
        xy[begins],
        xy[ends],
        _direction(xy[begins], xy[begins + 1]),
        _direction(xy[ends - 1], xy[ends]),
        begins,
        ends - begins,
        owner[begins],
    )
    following = np.arange(len(xy)) + 1
    following[starts + lengths - 1] = starts
    units = _unmatched(xy[crossing], xy[following[crossing]], owner[crossing], len(xy))
    return _follow(_both(between, units), np.concatenate([xy, units.first]))


def _unmatched(a: NDArray[np.float64], b: NDArray[np.float64], owner: NDArray[np.int64], offset: int) -> _Lines:
    """Pixel edges of the sides from a to b, but for those that two pieces share."""
    count = np.abs(b[:, 0] - a[:, 0]).astype(np.int64)
    sign = np.repeat(np.sign(b[:, 0] - a[:, 0]), count)
    x = np.repeat(a[:, 0], count) + sign * rings.ranges(np.zeros_like(count), count)
    y = np.repeat(a[:, 1], count)
    _, where, seen = np.unique(
        _corner(np.column_stack([np.minimum(x, x + sign), y])), return_inverse=True, return_counts=True
    )
    alone = seen[where] == 1
    x, y, sign = x[alone], y[alone], sign[alone]
    direction = np.where(sign > 0, 0, 2)
    start = np.arange(len(x)) + offset
    first, last = np.column_stack([x, y]), np.column_stack([x + sign, y])
    return _Lines(first, last, direction, direction, start, np.ones_like(start), np.repeat(owner, count)[alone])


def _follow(lines: _Lines, xy: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Rings made by going from line to line: vertices at corners, length of each ring and its polygon."""
    order: list[int] = []
    ring_starts: list[int] = []
    following = _following(lines).tolist()
    for line in range(len(following)):
        if following[line] < 0:
            continue
        ring_starts.append(len(order))
        here = line
        while following[here] >= 0:
            order.append(here)
            following[here], here = -1, following[here]
    length = lines.length[order]
    vertices = xy[rings.ranges(lines.start[order], length)]
    joined, lengths = rings.corners(vertices, np.add.reduceat(length, ring_starts))
    return joined, lengths, lines.polygon[order][ring_starts]


def _following(lines: _Lines) -> NDArray[np.int64]:
    """The line that starts where each one ends: (n,).

    Where two start, the patch meets itself at a corner. Turning left there keeps to the same outside: a hole
    that touches the shell becomes a ring of its own, and no ring touches itself.
    """
    corners, node = np.unique(_corner(np.concatenate([lines.first, lines.last])), return_inverse=True)
    first, last = (node.reshape(2, -1) + lines.polygon * len(corners)) * 4  # patches may touch each other, too
    starts = first + lines.leaves
    order = np.argsort(starts)
    starts = starts[order]
    following = np.full(len(starts), -1)
    for turn in (_RIGHT, _AHEAD, _LEFT):  # the last word is the left turn's
        wanted = last + (lines.arrives + turn) % 4
        place = np.minimum(np.searchsorted(starts, wanted), len(starts) - 1)
        found = starts[place] == wanted
        following[found] = order[place[found]]
    return following


def _repeated(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each value is there more than once: (n,)."""
    ordered = np.sort(values)
    return np.isin(values, ordered[1:][ordered[1:] == ordered[:-1]])


def _both(a: _Lines, b: _Lines) -> _Lines:
    return _Lines(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in _Lines.__slots__))


def _direction(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.int64]:
    x, y = (b - a).T
    return np.select([x > 0, y > 0, x < 0], [0, 1, 2], 3)


def _corner(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """One number for each pixel corner."""
    col, row = xy.T.astype(np.int64)
    return np.asarray((row << 31) | col)
