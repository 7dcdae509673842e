"""Numbers of many tiles as a page carries them: little-endian bytes in base64."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHOLE = ("u1", "i1", "u2", "i2", "u4", "i4")
_LEVELS = 65_534
NOWHERE = 65_535
"""The level of a point that is not finite."""


def packed(values: NDArray[Any]) -> dict[str, str]:
    """Whole numbers in the smallest type that holds them, others in their own: its name and the bytes."""
    kind = values.dtype.str[1:]
    if values.dtype.kind in "iub":
        low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
        ranges = ((name, np.iinfo(name)) for name in _WHOLE)
        # larger ones are told exactly up to 2⁵³, as a page counts
        kind = next((name for name, of in ranges if of.min <= low and high <= of.max), "f8")
    return {"type": kind, "data": base64.b64encode(values.astype(f"<{kind}").tobytes()).decode()}


def quantised(points: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Points (n, 2 or 3) in 65,535 levels of the widest axis, each axis about its own middle: shapes are kept."""
    shown = np.isfinite(points).all(axis=1)
    values = points.astype(np.float64)
    levels = np.full(points.shape, NOWHERE, np.uint16)
    if shown.any():
        low, high = values[shown].min(axis=0), values[shown].max(axis=0)
        step = max(float((high - low).max()), np.finfo(np.float64).tiny) / _LEVELS
        levels[shown] = np.rint((values[shown] - (low + high) / 2) / step + _LEVELS / 2)
    return levels


def unwrapped(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes without the jump at 180° where the tiles lie on both its sides."""
    known = lon[np.isfinite(lon)]
    if known.size and np.ptp(known % 360) < np.ptp(known):
        return lon % 360
    return lon
