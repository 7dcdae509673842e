"""Sets of which is known what is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio


def groups(seed: int, tiles: int = 120, count: int = 3, size: int = 12, apart: float = 6.0) -> tuple:
    """Vectors (tiles, size) in `count` round groups, and which group each is of."""
    rng = np.random.default_rng(seed)
    middles = np.zeros((count, size))
    middles[np.arange(count), np.arange(count)] = apart
    labels = rng.permutation(np.arange(tiles) % count)
    return middles[labels] + rng.normal(size=(tiles, size)), labels.astype(np.int64)


def scenes(seed: int, tiles: int, side: int = 48, bands: int = 3, steep: float = 1.5) -> np.ndarray:
    """Pictures (tiles, bands, side, side) of 8 bits with the spectrum of landscapes: amplitude as 1/frequency^steep."""
    rng = np.random.default_rng(seed)
    away = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    away[0, 0] = np.inf
    common = rng.normal(size=(tiles, 1, side, side)) + 0.3 * rng.normal(size=(tiles, bands, side, side))
    made = np.fft.irfft2(np.fft.rfft2(common) / away**steep, s=(side, side))
    made *= 25 / made.std(axis=(2, 3), keepdims=True)
    return np.clip(np.rint(made + 110), 0, 255).astype(np.uint8)


def everywhere(pixels: np.ndarray) -> np.ndarray:
    """All of the pixels are valid: (n, height, width)."""
    return np.ones((len(pixels), *pixels.shape[2:]), bool)


def tiles_of(path: Path, side: int) -> np.ndarray:
    """A raster cut into (n, bands, side, side), what is left at its edges dropped."""
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
    bands, height, width = pixels.shape
    down, across = height // side, width // side
    cut = pixels[:, : down * side, : across * side].reshape(bands, down, side, across, side)
    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, bands, side, side)
