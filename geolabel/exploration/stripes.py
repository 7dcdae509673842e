"""Lines of a sensor in an image: offsets of whole rows or columns, the same on all that they cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float32]

_BLOCKS = 4
"""Parts of a line that must agree on its offset."""
_SHARPEST = 0.25
"""Of the lines, those with the largest offsets do not count: a road or the edge of a field along a row is no stripe."""
_LEAST_SIDE = 16
_SEEN = 0.9
"""Share of a part of a line that is valid, for the line to count."""


def stripes(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Values:
    """How much of what differs from line to line is the same all along the lines: (n,), 0–1.

    The larger of rows and columns, the largest of the bands, of pixels (n, bands, height, width), `valid` (n, height,
    width). A line is laid beside the mean of the two next to it, in four parts. What the parts agree on beyond chance,
    as a share of all (an intraclass correlation), is a stripe's; texture has none in common, and an edge or two are
    left out. NaN for tiles smaller than 16 pixels or without half of their lines. Furrows that run exactly along the
    pixels over a whole tile cannot be told from stripes.
    """
    if min(pixels.shape[2:]) < _LEAST_SIDE:
        return np.full(len(pixels), np.nan, np.float32)
    return np.fmax(_along_rows(pixels, valid), _along_rows(pixels.swapaxes(2, 3), valid.swapaxes(1, 2)))


def _along_rows(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Values:
    count, _, height, width = pixels.shape
    usable = width - width % _BLOCKS
    shape = (height, _BLOCKS, usable // _BLOCKS)
    seen = valid[..., :usable].reshape(count, 1, *shape)
    sums = np.where(seen, pixels[..., :usable].reshape(count, -1, *shape), 0).sum(axis=4, dtype=np.float64)
    known = seen.sum(axis=4)
    means = sums / np.maximum(known, 1)  # (n, bands, height, blocks)
    offsets = means[:, :, 1:-1] - (means[:, :, :-2] + means[:, :, 2:]) / 2
    whole = (known >= _SEEN * shape[2]).all(axis=3)[:, 0]
    whole = whole[:, 1:-1] & whole[:, :-2] & whole[:, 2:]  # (n, height − 2)
    common = np.square(offsets.mean(axis=3))
    apart = offsets.var(axis=3, ddof=1) / _BLOCKS
    # the smallest three quarters of the lines that are whole
    ordered = np.argsort(np.where(whole[:, None], common, np.inf), axis=2)
    kept = np.arange(height - 2) < np.ceil((1 - _SHARPEST) * whole.sum(axis=1))[:, None, None]
    common = np.where(kept, np.take_along_axis(common, ordered, axis=2), 0).sum(axis=2)
    apart = np.where(kept, np.take_along_axis(apart, ordered, axis=2), 0).sum(axis=2)
    share = np.divide(common - apart, common + (_BLOCKS - 1) * apart, out=np.zeros_like(common), where=common > 0)
    enough = whole.sum(axis=1) >= (height - 2) / 2
    return np.where(enough, np.maximum(share, 0).max(axis=1), np.nan).astype(np.float32)
