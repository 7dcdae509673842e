"""What the pixels of a tile are like, in a few numbers a band: enough for a quick model, cheap to make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_QUANTILES = (0.1, 0.5, 0.9)
_NUMBERS = ("mean", "std", *(f"p{quantile * 100:.0f}" for quantile in _QUANTILES), "edges", "part")
_RANKED_PIXELS = 1024
"""So many pixels of a tile, spread evenly over it, are enough to tell quantiles."""
_VALUES_AT_ONCE = 1 << 18
"""What fits a processor's cache: four times as fast as all at once."""


def stat_names(bands: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `pixel_stats` are."""
    return tuple(f"{number} {band}" for band in bands for number in _NUMBERS)


def pixel_stats(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Numbers (n, bands × 7) of the valid pixels of n tiles, band after band; NaN for a tile without any.

    `pixels` (n, bands, height, width), `valid` (n, height, width). Of each band mean, standard deviation, three
    quantiles, the mean difference of neighbours (smooth or rough), all in the unit of the pixels; and the mean as a
    part of that of all bands: its colour, in sun or shade.
    """
    step = max(1, _VALUES_AT_ONCE // max(1, pixels[:1].size))
    parts = [_stats(pixels[at : at + step], valid[at : at + step]) for at in range(0, len(pixels), step)]
    return np.concatenate(parts) if parts else np.zeros((0, pixels.shape[1] * len(_NUMBERS)), np.float32)


def _stats(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = pixels.astype(np.float32, order="C")
    seen = valid[:, None]
    values[~np.broadcast_to(seen, values.shape)] = 0
    count = valid.sum(axis=(1, 2), dtype=np.float64)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=(2, 3), dtype=np.float64) / count
        centred = (values - mean[..., None, None].astype(np.float32)) * seen
        std = np.sqrt(np.einsum("nbhw,nbhw->nb", centred, centred, dtype=np.float64) / count)
    ranked = _quantiles(values.reshape(*values.shape[:2], -1), valid.reshape(len(valid), -1))
    part = mean / np.maximum(np.abs(mean).sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    found = np.stack([mean, std, *ranked, _edges(values, valid), part], axis=2)
    return np.where(count > 0, found.reshape(len(values), -1), np.nan).astype(np.float32)


def _quantiles(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(quantiles, n, bands) of values (n, bands, pixels), of which `valid` (n, pixels) count."""
    step = -(-valid.shape[1] // _RANKED_PIXELS) | 1  # odd: it does not fall into step with the columns
    some, seen = values[..., ::step], valid[:, ::step]
    empty = ~seen.any(axis=1)
    seen[empty] = valid[empty].any(axis=1, keepdims=True)
    ordered = np.sort(np.where(seen[:, None], some, np.inf), axis=2)
    last = np.maximum(seen.sum(axis=1) - 1, 0)
    places = [np.rint(quantile * last).astype(np.int64)[:, None, None] for quantile in _QUANTILES]
    return np.stack([np.take_along_axis(ordered, place, axis=2)[..., 0] for place in places]).astype(np.float64)


def _edges(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean absolute difference of neighbours to the right and below: (n, bands); 0 where no two are valid."""
    total = np.zeros(values.shape[:2])
    count = np.zeros(len(values))
    for axis in (2, 3):
        both = np.take(valid, range(1, valid.shape[axis - 1]), axis=axis - 1)
        both &= np.take(valid, range(valid.shape[axis - 1] - 1), axis=axis - 1)
        total += (np.abs(np.diff(values, axis=axis)) * both[:, None]).sum(axis=(2, 3), dtype=np.float64)
        count += both.sum(axis=(1, 2))
    return total / np.maximum(count, 1)[:, None]
