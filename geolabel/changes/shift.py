"""How far one date lies beside another: phase correlation in windows over the scene, and what most of them say.

Source: Kuglin & Hines, "The phase correlation image alignment method", IEEE Conf. Cybernetics and Society, 1975.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_PX = 0.1
"""A smaller shift is not worth the blur of resampling."""
_SIDES = (256, 128, 64, 32)
_MOST_ALONG = 7
_FEW_ALONG = 4
"""Windows along the shorter axis, halves overlapping, that a scene should have: smaller windows give more."""
_LEAST_VALID = 0.8
"""Share of a window that both dates must show."""
_CLEAR = 9.0
"""Peak over the deviation of its surface: unrelated pictures reach about 6."""
_NEAR_PX = 0.5
_LEAST_VOTES = 4
_SMOOTH_PX = 1.0
"""The peak's width: a Gaussian, so that its place between pixels is the vertex of a parabola in its logarithm."""


class Displacement(NamedTuple):
    """What one window says."""

    col_px: float
    row_px: float
    clearness: float
    """Height of the correlation's peak over the deviation of its surface; 0 where nothing could be compared."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Where a date's picture lies, relative to the reference: its content is so far right of, and below, its place."""

    col_px: float
    row_px: float
    windows: int
    """How many were compared."""
    clear: int
    """How many of them had a peak that stands out, and so a vote."""
    agreeing: int
    """How many votes lie within half a pixel of the consensus."""
    spread_px: float
    """Median distance of these from the consensus."""

    @property
    def sure(self) -> bool:
        """Whether at least half of the votes agree, and these are not few."""
        return self.agreeing >= _LEAST_VOTES and 2 * self.agreeing >= self.clear

    @property
    def distance_px(self) -> float:
        """Length."""
        return float(np.hypot(self.col_px, self.row_px))

    @property
    def to_correct(self) -> bool:
        """Whether it is sure, and large enough to matter."""
        return self.sure and self.distance_px >= LEAST_PX


def spots(width: int, height: int) -> tuple[Window, ...]:
    """Square windows spread over a grid, at most 49; none where it is smaller than 32 px."""
    for side in _SIDES:
        if min(_along(width, side), _along(height, side)) >= _FEW_ALONG:
            break
    if min(width, height) < side:
        return ()
    cols, rows = (
        np.linspace(0, length - side, min(_MOST_ALONG, _along(length, side))).astype(int).tolist()
        for length in (width, height)
    )
    return tuple(Window(col, row, side, side) for row in rows for col in cols)


def _along(length: int, side: int) -> int:
    return 2 * length // side - 1


def displacement(reference: NDArray[Any], moving: NDArray[Any], valid: NDArray[np.bool_]) -> Displacement:
    """How far the content of `moving` lies from that of `reference`, both (bands, side, side), where `valid`.

    The bands' phase correlations are added up: each counts alike, whatever its contrast. A clearness of 0 says that
    too little is valid, or that there is nothing to see.
    """
    side = valid.shape[0]
    if valid.mean() < _LEAST_VALID:
        return Displacement(0.0, 0.0, 0.0)
    taper = np.hanning(side + 2)[1:-1]
    window = np.outer(taper, taper)
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    spectrum = np.zeros(np.broadcast_shapes(down.shape, across.shape), dtype=np.complex128)
    for still, moved in zip(reference, moving, strict=True):
        cross = _spectrum(moved, valid, window) * _spectrum(still, valid, window).conj()
        size = np.abs(cross)
        spectrum += np.divide(cross, size, out=np.zeros_like(cross), where=size > size.max() * 1e-12)
    spectrum *= np.exp(-2 * (np.pi * _SMOOTH_PX) ** 2 * (down**2 + across**2))
    surface = np.fft.irfft2(spectrum, (side, side))
    deviation = float(surface.std())
    if not deviation:
        return Displacement(0.0, 0.0, 0.0)
    row, col = (int(at) for at in np.unravel_index(int(surface.argmax()), surface.shape))
    rows, cols = surface[np.arange(row - 1, row + 2) % side, col], surface[row, np.arange(col - 1, col + 2) % side]
    return Displacement(
        (col + _vertex(cols) + side / 2) % side - side / 2,
        (row + _vertex(rows) + side / 2) % side - side / 2,
        float(surface[row, col]) / deviation,
    )


def _spectrum(band: NDArray[Any], valid: NDArray[np.bool_], window: NDArray[np.float64]) -> NDArray[np.complex128]:
    values = band.astype(np.float64)
    return np.asarray(np.fft.rfft2(np.where(valid, values - values[valid].mean(), 0.0) * window))


def _vertex(around: NDArray[np.float64]) -> float:
    """Where a peak lies between its neighbours, −.5 to .5 from the middle one."""
    before, middle, after = np.log(around) if around.min() > 0 else around
    bend = before - 2 * middle + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def consensus(found: Sequence[Displacement]) -> Shift:
    """The median of those clear displacements that most others lie near; nothing where none is clear."""
    votes = np.array([(each.col_px, each.row_px) for each in found if each.clearness >= _CLEAR]).reshape(-1, 2)
    compared = sum(each.clearness > 0 for each in found)
    if not len(votes):
        return Shift(0.0, 0.0, compared, 0, 0, 0.0)
    near = np.linalg.norm(votes[:, None] - votes[None], axis=2) <= _NEAR_PX
    middle = np.median(votes[near[near.sum(axis=1).argmax()]], axis=0)
    distance = np.linalg.norm(votes - middle, axis=1)
    agreeing = distance <= _NEAR_PX
    col, row = np.median(votes[agreeing], axis=0) if agreeing.any() else middle
    spread = float(np.median(distance[agreeing])) if agreeing.any() else 0.0
    return Shift(float(col), float(row), compared, len(votes), int(agreeing.sum()), spread)
