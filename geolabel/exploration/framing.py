"""Points as a picture can show them: a few that lie far out must not press all others into a corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INSIDE = (0.5, 99.5)
"""Percentiles along each axis between which a picture's points lie …"""
_BEYOND = 0.25
"""… and so much of the distance between them beyond either."""


def framed(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points (n, dims), those that lie far out moved to the edge of what is shown; and which were moved, (n,).

    Along each axis by itself. Where most points share a value, all others would be far out: none is moved there.
    """
    low, high = np.percentile(points, _INSIDE, axis=0)
    spare = _BEYOND * (high - low)
    reach = np.where(high > low, spare, np.inf)
    found = np.clip(points, low - reach, high + reach).astype(np.float32)
    return found, np.asarray((found != points).any(axis=1))
