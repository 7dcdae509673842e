"""What a tile shows in a few numbers, so that copies are found without keeping pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float32]

SIDE = 8
"""Waves along each axis, the constant one among them: half a wave of the shortest is a seventh of a tile."""
TURNS = 8
"""Ways to turn and mirror a square."""
_AROUND = 4
"""A pixel is compared with what lies about it, a quarter of the tile wide."""
_FLOOR = 0.05
"""Of a tile's standard deviation: quiet places are not made loud beyond that."""
_TAMED = 0.7
"""Power of each coefficient: the strongest wave does not decide alone."""
_VARIED = 0.25
"""Share of the pixels that differ from the next one, at the least: else a tile has edges and no texture."""
_ROUNDING = 1e-9
"""Pixels along one line tell no plane: as flat as they let it be."""
_VALUES_AT_ONCE = 1 << 18


def signatures(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Values:
    """Signatures (n, bands · 64) of length 1 of pixels (n, bands, height, width), `valid` (n, height, width).

    A tile without its slope of light, each pixel less the mean of what lies around it, by the standard deviation there:
    light, contrast and a coast or road that outshines all else drop out, and of a flat tile its noise is left, in which
    no two tiles agree. Of that the longest waves of the cosine transform. Zeros for a tile that is empty, smaller than
    8 pixels or of one colour in three quarters of its pixels: where only the border of two colours tells tiles apart,
    many are alike by chance.
    """
    count, bands, height, width = pixels.shape
    found = np.zeros((count, bands * SIDE * SIDE), np.float32)
    if min(height, width) < SIDE:
        return found
    step = max(1, _VALUES_AT_ONCE // (bands * height * width))
    down, across = _waves(height), _waves(width)
    for begin in range(0, count, step):
        part = slice(begin, begin + step)
        local = _local(pixels[part], valid[part])
        waves = np.matmul(np.matmul(down, local), across.T)
        waves[..., 0, 0] = 0
        tamed = (np.sign(waves) * np.abs(waves) ** np.float32(_TAMED)).reshape(len(local), -1)
        length = np.linalg.norm(tamed, axis=1, keepdims=True)
        usable = (length > 0) & (_varied(pixels[part], valid[part]) >= _VARIED)[:, None]
        found[part] = np.divide(tamed, length, out=np.zeros_like(tamed), where=usable)
    return found


def turned(found: Values, turn: int) -> Values:
    """Signatures (n, s) as of tiles that were turned or mirrored in one of 8 ways; 0 leaves them as they are."""
    waves = found.reshape(len(found), -1, SIDE, SIDE)
    if turn & 1:
        waves = waves.swapaxes(2, 3)
    # an odd wave that is mirrored is its negative
    odd = np.where(np.arange(SIDE) % 2, -1, 1).astype(np.float32)
    if turn & 2:
        waves = waves * odd[:, None]
    if turn & 4:
        waves = waves * odd
    return np.ascontiguousarray(waves).reshape(found.shape)


def unturned(found: Values) -> Values:
    """Numbers (n, s) that are the same however a tile is turned or mirrored, no farther apart than signatures (n, s).

    A turn changes signs of waves, and exchanges rows and columns; so sizes, ordered within each pair, stay.
    """
    waves = np.abs(found.reshape(len(found), -1, SIDE, SIDE))
    swapped = waves.swapaxes(2, 3)
    lower = np.tril(np.ones((SIDE, SIDE), bool), -1)
    ordered = np.where(lower, np.minimum(waves, swapped), np.maximum(waves, swapped))
    return np.asarray(ordered.reshape(found.shape))


def _waves(size: int) -> Values:
    """The first cosines of the orthonormal DCT-II: (8, size)."""
    place = np.arange(size) + 0.5
    waves = np.cos(np.pi * np.arange(SIDE)[:, None] * place / size) * np.sqrt(2 / size)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, np.float32)


def _local(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Values:
    """What each valid pixel is beside those around it, about −1 to 1; 0 where there is none."""
    from scipy.ndimage import uniform_filter

    height, width = valid.shape[1:]
    size = (1, 1, _odd(height), _odd(width))
    seen = valid[:, None]
    part = seen.astype(np.float32)
    share = np.maximum(uniform_filter(part, size), np.float32(1e-6))
    values = _levelled(np.where(seen, pixels, 0), part)
    known = np.maximum(part.sum(axis=(2, 3), keepdims=True), 1)
    away = (values - uniform_filter(values, size) / share) * part
    around = np.maximum(uniform_filter(np.square(away), size) / share, 0)
    whole = np.square(values).sum(axis=(2, 3), keepdims=True) / known
    scale = np.sqrt(around + _FLOOR**2 * whole)
    return np.asarray(np.divide(away, scale, out=np.zeros_like(away), where=scale > 0))


def _levelled(pixels: NDArray[Any], part: Values) -> Values:
    """Pixels less the plane that fits the valid ones best: a slope of light would show at the edges; 0 elsewhere."""
    height, width = pixels.shape[2:]
    down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    plane = np.stack([np.ones((height, width)), down + 0 * across, across + 0 * down]).reshape(3, -1)
    flat, seen = pixels.reshape(*pixels.shape[:2], -1).astype(np.float64), part.reshape(len(part), -1)
    fit = (plane * seen[:, None]) @ plane.T + _ROUNDING * height * width * np.eye(3)
    slopes = np.linalg.solve(fit, (flat @ plane.T).swapaxes(1, 2))
    left = (flat - slopes.swapaxes(1, 2) @ plane) * seen[:, None]
    return np.asarray(left.reshape(pixels.shape), np.float32)


def _varied(pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the pairs of valid pixels beside each other that differ in some band: (n,); 0 where there is no pair."""
    here, right, below = pixels[..., :-1, :-1], pixels[..., :-1, 1:], pixels[..., 1:, :-1]
    both = valid[:, :-1, :-1] & valid[:, :-1, 1:] & valid[:, 1:, :-1]
    differs = ((here != right) | (here != below)).any(axis=1) & both
    return np.asarray(differs.sum(axis=(1, 2)) / np.maximum(both.sum(axis=(1, 2)), 1))


def _odd(size: int) -> int:
    return max(3, round(size / _AROUND) // 2 * 2 + 1)
