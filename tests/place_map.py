"""A made-up map on which places predict classes, and colours do not: regions of textures under uneven light.

Regions are the cells nearest to some random points; each has one of four textures: stripes across, stripes down, fine
and coarse grain, all of one mean and deviation. The light differs from tile to tile. So pixels of two tiles of one
class have nothing in common, and neither have their colours.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

TILE = 24
CLASSES = ("across", "down", "fine", "coarse")
_WIDTHS = ((0.4, 3.0), (3.0, 0.4), (0.5, 0.5), (1.6, 1.6))
"""Deviation of the blur of white noise, down and across."""


def place_map(tiles: int = 40, regions: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (3, side, side) uint8, and the class of each pixel (side, side), of a map of tiles × tiles tiles."""
    rng = np.random.default_rng(seed)
    side = tiles * TILE
    points = rng.random((regions, 2)) * side
    row, col = np.mgrid[:side, :side]
    nearest = np.stack([(row - y) ** 2 + (col - x) ** 2 for y, x in points]).argmin(axis=0)
    classes = rng.permutation(np.arange(regions) % len(CLASSES))[nearest]
    textures = []
    for widths in _WIDTHS:
        noise = gaussian_filter(rng.normal(size=(side, side)), widths)
        textures.append((noise - noise.mean()) / noise.std())
    texture = np.choose(classes, textures)
    light = np.kron(rng.uniform(70, 180, (3, tiles, tiles)), np.ones((TILE, TILE)))
    gain = np.kron(rng.uniform(8, 20, (tiles, tiles)), np.ones((TILE, TILE)))
    pixels = light + gain * texture + rng.normal(0, 2, (3, side, side))
    return pixels.clip(1, 255).astype(np.uint8), classes.astype(np.uint8)


def whole_tiles(tiles: int = 40, regions: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Tiles (n, 3, TILE, TILE) of a map that show one class only, and their class (n,)."""
    pixels, classes = place_map(tiles, regions, seed)
    cut = pixels.reshape(3, tiles, TILE, tiles, TILE).transpose(1, 3, 0, 2, 4).reshape(-1, 3, TILE, TILE)
    shown = classes.reshape(tiles, TILE, tiles, TILE).transpose(0, 2, 1, 3).reshape(tiles * tiles, -1)
    pure = (shown == shown[:, :1]).all(axis=1)
    return np.ascontiguousarray(cut[pure]), shown[pure, 0].astype(np.int64)
