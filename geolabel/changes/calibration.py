"""Probabilities of one date made comparable with those of another: calm places are to get the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 200
"""Pixels on either side of one half, below which nothing is concluded."""
_STEEPEST = 2.0
"""A date's log-odds are stretched or shrunk by this factor at the most."""


def line_between(reference: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """Scale and offset that bring log-odds of one date (n,) to those of a reference date on the same, calm, pixels.

    The medians of two groups of pixels are made to agree: what the reference takes for the class, and the others.
    Medians do not heed the few that did change. With too few of either the other group alone gives an offset.
    """
    groups = [reference > 0, reference <= 0]
    told = [group.sum() >= _LEAST for group in groups]
    if not any(told):
        return 1.0, 0.0
    pairs = [
        (float(np.median(reference[group])), float(np.median(other[group])))
        for group, on in zip(groups, told, strict=True)
        if on
    ]
    if len(pairs) == 1 or abs(pairs[0][1] - pairs[1][1]) < 1e-3:  # noqa: PLR2004 - the date tells nothing apart
        return 1.0, pairs[0][0] - pairs[0][1]
    scale = (pairs[0][0] - pairs[1][0]) / (pairs[0][1] - pairs[1][1])
    scale = float(np.clip(scale, 1 / _STEEPEST, _STEEPEST)) if scale > 0 else 1.0
    return scale, float(np.mean([wanted - scale * found for wanted, found in pairs]))


def calm(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels (n,) of two images (bands, n), normalised to each other, changed less than half of them did."""
    if not before.shape[1]:
        return np.zeros(0, dtype=bool)
    spread = np.maximum(before.std(axis=1, keepdims=True), 1e-6)
    moved = (((after - before) / spread) ** 2).sum(axis=0)
    return np.asarray(moved <= np.median(moved))
