"""Colour and texture of chips in some numbers a band: what a forest or a nearest neighbour learns from."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_PERCENTILES = (2, 10, 25, 50, 75, 90, 98)
_WINDOWS = (3, 9)
_OF_A_BAND = (
    *("mean", "std", *(f"p{percentile}" for percentile in _PERCENTILES), "gradient mean", "gradient std"),
    *(f"texture {window} px" for window in _WINDOWS),
)
_OF_A_PAIR = ("mean", "std")
_MARGIN = max(_WINDOWS) // 2
_ALL_PAIRS_UP_TO = 16
"""So many bands are compared each with each (120 pairs); of more, each with the next."""
_RANKED_PIXELS = 4096
"""So many pixels of a chip, spread evenly over it, are enough to tell percentiles."""
_VALUES_AT_ONCE = 1 << 17
"""What fits a processor's cache."""


def feature_names(bands: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `statistics` are."""
    own = [f"{number} {band}" for band in bands for number in _OF_A_BAND]
    pairs = [f"({bands[a]} - {bands[b]}) / sum, {number}" for a, b in _pairs(len(bands)) for number in _OF_A_PAIR]
    return (*own, *pairs)


def statistics(physical: NDArray[np.floating[Any]], valid: NDArray[np.bool_]) -> Floats:
    """Numbers (n, features) of the valid pixels of n chips; NaN where the valid pixels do not tell one.

    `physical` (n, bands, height, width), in physical units; `valid` (n, height, width). A pixel that is not finite in
    all bands is not valid. Of each band: mean, deviation, seven percentiles; mean and deviation of the gradient's
    magnitude (a pixel with its right and lower neighbour); and texture, the mean over pixels of the deviation in
    windows of 3 and of 9 px around them, cut at the chip's edge. Of each pair of bands: mean and deviation of the
    normalised difference (a − b) / (|a| + |b|), which sun and shade leave as it is.
    """
    step = max(1, _VALUES_AT_ONCE // max(1, physical[:1].size))
    parts = [_statistics(physical[at : at + step], valid[at : at + step]) for at in range(0, len(physical), step)]
    bands = physical.shape[1]
    width = bands * len(_OF_A_BAND) + len(_pairs(bands)) * len(_OF_A_PAIR)
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)


def _pairs(bands: int) -> list[tuple[int, int]]:
    return list(combinations(range(bands), 2) if bands <= _ALL_PAIRS_UP_TO else pairwise(range(bands)))


def _statistics(physical: NDArray[np.floating[Any]], valid: NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        seen = valid & np.isfinite(physical).all(axis=1)
        values = np.where(seen[:, None], physical, 0).astype(np.float32, order="C")
        mean, deviation = _moments(values, seen)
        centred = np.where(seen[:, None], values - mean[..., None, None], 0).astype(np.float32)
        own = [mean, deviation, *_percentiles(values, seen), *_gradient(values, seen), *_texture(centred, seen)]
        pairs = _differences(values, seen)
        count = len(values)
        found = np.concatenate([np.stack(own, axis=2).reshape(count, -1), pairs.reshape(count, -1)], axis=1)
        return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


def _moments(values: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and deviation (n, layers) of values (n, layers, h, w) where `seen` (n, h, w); NaN where nothing is."""
    flat = values.reshape(*values.shape[:2], -1)
    mask = seen.reshape(len(seen), 1, -1)
    number = mask.sum(axis=2, dtype=np.float32)
    number[number == 0] = np.nan
    mean = np.where(mask, flat, 0).sum(axis=2) / number
    centred = np.where(mask, flat - mean[..., None], 0)
    return mean, np.sqrt(np.einsum("nbp,nbp->nb", centred, centred) / number)


def _percentiles(values: Floats, seen: NDArray[np.bool_]) -> list[Floats]:
    """Percentiles, each (n, bands), by linear interpolation between the two nearest ranks."""
    pixels = seen[0].size
    step = -(-pixels // _RANKED_PIXELS) | 1  # odd: it does not fall into step with the columns
    mask = seen.reshape(len(seen), 1, -1)[..., ::step]
    ordered = np.sort(np.where(mask, values.reshape(*values.shape[:2], -1)[..., ::step], np.inf), axis=2)
    last = mask.sum(axis=2) - 1  # (n, 1); −1 where no pixel is seen: the infinity there becomes NaN
    found = []
    for percentile in _PERCENTILES:
        place = np.maximum(last, 0) * (percentile / 100)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(last, 0))
        low, high = (np.take_along_axis(ordered, at[..., None], axis=2)[..., 0] for at in (below, above))
        found.append(low + (high - low) * (place - below).astype(np.float32))
    return found


def _gradient(values: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    across = values[:, :, :-1, 1:] - values[:, :, :-1, :-1]
    down = values[:, :, 1:, :-1] - values[:, :, :-1, :-1]
    both = seen[:, :-1, :-1] & seen[:, :-1, 1:] & seen[:, 1:, :-1]
    return _moments(np.sqrt(across * across + down * down), both)


def _texture(centred: Floats, seen: NDArray[np.bool_]) -> list[Floats]:
    """Mean local deviation (n, bands) in each window; `centred` is 0 where not seen."""
    around = (_MARGIN, _MARGIN)
    sums = np.pad(centred, ((0, 0), (0, 0), around, around))
    squares = sums * sums
    number = np.pad(seen[:, None].astype(np.float32), ((0, 0), (0, 0), around, around))
    inside = (..., slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
    found = []
    for stride in (1, 3):  # three windows of 3, side by side, are one of 9
        sums, squares, number = (_three(layer, stride) for layer in (sums, squares, number))
        share = 1 / np.maximum(number[inside], 1)
        mean = sums[inside] * share
        local = np.sqrt(np.maximum(squares[inside] * share - mean * mean, 0))
        found.append(_moments(local, seen)[0])
    return found


def _three(layer: Floats, stride: int) -> Floats:
    """Sums over 3 × 3 values that lie `stride` apart, 0 beyond the edge."""
    rows = layer.copy()
    rows[..., stride:, :] += layer[..., :-stride, :]
    rows[..., :-stride, :] += layer[..., stride:, :]
    both = rows.copy()
    both[..., stride:] += rows[..., :-stride]
    both[..., :-stride] += rows[..., stride:]
    return both


def _differences(values: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Mean and deviation of the normalised difference of each pair of bands: (n, pairs, 2)."""
    pairs = _pairs(values.shape[1])
    found = np.empty((len(values), len(pairs), len(_OF_A_PAIR)), np.float32)
    size, tiny = np.abs(values), np.finfo(np.float32).tiny
    for at, (a, b) in enumerate(pairs):
        ratio = (values[:, a] - values[:, b]) / np.maximum(size[:, a] + size[:, b], tiny)
        mean, deviation = _moments(ratio[:, None], seen)
        found[:, at, 0], found[:, at, 1] = mean[:, 0], deviation[:, 0]
    return found
