"""Pictures of many tiles on a few sheets, as a page carries them."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SIDES = ((4_000, 96), (10_000, 64), (25_000, 48))
"""Pictures up to which a side, px, is used; 32 beyond. Whole blocks of WebP, so that neighbours do not bleed."""
_SMALLEST_SIDE = 32
_SHEET_PX = 1536
"""Sides of a sheet at most: a page decodes the sheets it needs, and these in a moment."""
_BEST, _WORST, _STEP = 90, 5, 5
_TRIED = 3
"""Sheets of which the quality is found."""
_METHOD = 2
"""How hard the encoder tries, 0–6: 4 takes a half longer for some percent."""
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Atlas:
    """Square pictures side by side, row by row, on one or more sheets; picture k lies on sheet k // each."""

    side: int
    """Of a picture, px."""
    across: int
    """Pictures in a row of a sheet."""
    each: int
    """Pictures on a sheet; the last may hold fewer."""
    sheets: tuple[bytes, ...]
    """WebP."""


def side_for(count: int) -> int:
    """Side of each of `count` pictures, px: fewer pictures are larger ones."""
    return next((side for most, side in _SIDES if count <= most), _SMALLEST_SIDE)


def make_atlas(pictures: NDArray[np.uint8], budget_bytes: int) -> Atlas:
    """Pictures (n, side, side, 3) on sheets, in the best quality whose WebP bytes fit together, else the lowest.

    A page carries them in base64, which takes a third more.
    """
    count, side = pictures.shape[:2]
    across = max(1, min(_SHEET_PX // side, int(np.ceil(np.sqrt(count)))))
    sheets = [_sheet(pictures[first : first + across**2], across) for first in range(0, count, across**2)]
    quality = _quality(sheets, budget_bytes)
    encoded = _encoded(sheets, quality)
    while sum(map(len, encoded)) > budget_bytes and quality > _WORST:
        quality -= _STEP
        encoded = _encoded(sheets, quality)
    return Atlas(side, across, across**2, encoded)


def _sheet(pictures: NDArray[np.uint8], across: int) -> NDArray[np.uint8]:
    """Pictures (n, side, side, 3) as one (down × side, across × side, 3)."""
    count, side = pictures.shape[:2]
    down = -(-count // across)
    filled = np.zeros((down * across, side, side, 3), np.uint8)
    filled[:count] = pictures
    return filled.reshape(down, across, side, side, 3).swapaxes(1, 2).reshape(down * side, across * side, 3)


def _quality(sheets: Sequence[NDArray[np.uint8]], budget_bytes: int) -> int:
    """The highest quality at which some of the sheets, spread over all, keep to their part of the budget."""
    tried = [sheets[at] for at in np.unique(np.linspace(0, len(sheets) - 1, _TRIED).astype(int))] if sheets else []
    part = budget_bytes * sum(sheet.size for sheet in tried) / max(sum(sheet.size for sheet in sheets), 1)
    low, high = _WORST // _STEP, _BEST // _STEP
    while low < high:
        middle = (low + high + 1) // 2
        if sum(map(len, _encoded(tried, middle * _STEP))) <= part:
            low = middle
        else:
            high = middle - 1
    return low * _STEP


def _encoded(sheets: Sequence[NDArray[np.uint8]], quality: int) -> tuple[bytes, ...]:
    with ThreadPoolExecutor(_THREADS) as pool:
        return tuple(pool.map(lambda sheet: _webp(sheet, quality), sheets))


def _webp(sheet: NDArray[np.uint8], quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "WEBP", quality=quality, method=_METHOD)
    return stream.getvalue()
