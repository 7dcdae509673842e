"""A tile in pieces that look alike: what LIME removes and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard

_COMPACTNESS = 0.4
"""How much nearness counts beside the colour of one band, 0 to 1. With a quarter of it, pieces of noise run together
until one is left; with ten times as much, they cut across what can be seen."""
_STRETCH = (2.0, 98.0)
"""Percentiles of a band that become 0 and 1: one glint would make all the rest alike."""


def superpixels(card: ModelCard, pixels: NDArray[Any], valid: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """About `count` connected pieces of a tile (bands, h, w): their numbers (h, w) from 0 on, −1 where not valid.

    By SLIC, on physical values of all bands alike. Source: Achanta et al. 2012, doi 10.1109/TPAMI.2012.120.
    """
    from skimage.segmentation import slic

    found = np.full(valid.shape, -1, np.int64)
    if valid.sum() <= count:
        found[valid] = np.arange(valid.sum())
        return found
    labels = slic(
        _stretched(card, pixels, valid).transpose(1, 2, 0),
        n_segments=count,
        compactness=_COMPACTNESS * np.sqrt(len(pixels)),  # the more bands, the farther colours are apart
        mask=None if valid.all() else valid,
        channel_axis=-1,
        convert2lab=False,  # of three bands it would take any for red, green and blue
        start_label=1,
    )
    found[valid] = np.unique(labels[valid], return_inverse=True)[1]
    return found


def _stretched(card: ModelCard, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each band between 0 and 1; 0 where not valid."""
    scale, offset = (
        np.array([getattr(band, name) for band in card.bands])[:, None, None] for name in ("scale", "offset")
    )
    physical = np.where(valid, pixels, 0) * scale + offset
    low, high = np.percentile(physical[:, valid], _STRETCH, axis=1)[:, :, None, None]
    spread = np.where(high > low, high - low, 1.0)
    return np.asarray(np.where(valid, np.clip((physical - low) / spread, 0, 1), 0))
