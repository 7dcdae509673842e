"""What an embedding must beat: features of the same chips that nobody learned for the place at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.baselines.features import StatisticsFeatures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.model import BandContract

SIDE_PX = 24
"""Larger chips are reduced to so many pixels a side: kNN and PCA on all pixels of a large tile need too much memory."""
_AT_ONCE_BYTES = 64 << 20
_FITTED_TILES = 20_000


def pixel_features(chips: Chips, bands: Sequence[BandContract], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Physical values of the pixels, standardised by band: (n, bands × side × side).

    Chips of more than 24 px a side are reduced to 24 by the mean of the valid pixels of each cell. Mean and deviation
    of a band are those of the chips `train` (m,); what is not valid has the mean, which is 0.
    """
    step = max(1, _AT_ONCE_BYTES // max(1, 8 * chips.pixels[:1].size))
    spans = [slice(at, at + step) for at in range(0, len(chips), step)]
    reduced = [_reduced(np.asarray(chips.pixels[span]), np.asarray(chips.valid[span])) for span in spans]
    values = np.concatenate(reduced)
    scale, offset = (
        np.array([getattr(band, name) for band in bands], np.float32).reshape(-1, 1, 1) for name in ("scale", "offset")
    )
    values = values * scale + offset
    mean, deviation = (
        np.nan_to_num(found(values[train], axis=(0, 2, 3), keepdims=True)) for found in (_nanmean, _nanstd)
    )
    standard = (values - mean) / np.where(deviation > 0, deviation, 1)
    flat: NDArray[np.float32] = np.nan_to_num(standard).reshape(len(values), -1).astype(np.float32, copy=False)
    return flat


def colour_features(chips: Chips, bands: Sequence[BandContract], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Colour and texture (n, features; see `learn.statistics`), standardised as the chips `train` (m,) are spread."""
    tell = StatisticsFeatures(tuple(bands))
    step = max(1, _AT_ONCE_BYTES // max(1, chips.pixels[:1].nbytes))
    found = np.concatenate(
        [
            tell(np.asarray(chips.pixels[at : at + step]), np.asarray(chips.valid[at : at + step]))
            for at in range(0, len(chips), step)
        ]
    )
    return standardised(found, train)


def standardised(features: NDArray[np.float32], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features (n, f) with mean 0 and deviation 1 over the rows `train` (m,); what is not known has the mean."""
    mean, deviation = (np.nan_to_num(by(features[train], axis=0)) for by in (_nanmean, _nanstd))
    standard = np.nan_to_num((features - mean) / np.where(deviation > 0, deviation, 1))
    return np.asarray(standard, np.float32)


def principal_features(
    features: NDArray[np.float32], size: int, train: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """The first `size` principal components (n, size) of features (n, f), fitted on the rows `train` (m,).

    Fewer where there are fewer features or rows; of more than 20,000 rows so many are drawn.
    """
    from sklearn.decomposition import PCA

    rows = train
    if len(rows) > _FITTED_TILES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _FITTED_TILES, replace=False))
    count = min(size, features.shape[1], len(rows))
    found = PCA(count, random_state=seed).fit(features[rows]).transform(features)
    return np.asarray(found, np.float32)


def _reduced(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Means (n, bands, side, side) of the valid pixels of each cell of chips (n, bands, h, w); NaN where none is."""
    seen = valid & np.isfinite(pixels).all(axis=1) if pixels.dtype.kind == "f" else valid
    values = np.where(seen[:, None], pixels, 0).astype(np.float64)
    number = seen[:, None].astype(np.float64)
    for axis in (2, 3):
        length = pixels.shape[axis]
        edges = np.arange(min(length, SIDE_PX)) * length // min(length, SIDE_PX)
        values, number = (np.add.reduceat(layer, edges, axis=axis) for layer in (values, number))
    return np.asarray(np.divide(values, number, out=np.full(values.shape, np.nan), where=number > 0), np.float32)


def _nanmean(values: NDArray[np.float32], **over: Any) -> NDArray[np.float64]:
    """As numpy's, without its warning where nothing is known."""
    known = np.isfinite(values)
    count = known.sum(**over)
    total = np.where(known, values, 0).sum(dtype=np.float64, **over)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _nanstd(values: NDArray[np.float32], **over: Any) -> NDArray[np.float64]:
    centre = _nanmean(values, **{**over, "keepdims": True}).astype(values.dtype)
    return np.sqrt(_nanmean(np.square(values - centre), **over))
