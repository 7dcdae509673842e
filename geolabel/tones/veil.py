"""How much haze lies over a region, by what is darkest in large neighbourhoods: an atmospheric light, a smooth field.

Somewhere within some hundred metres something is dark: water, a shadow, a wood. What even that is not dark of is light
that came from the air. So a neighbourhood's darkest bounds its haze, where a single place's (the dark channel of a few
pixels) would take bright soil for haze. An image I is the true one J under a veil of the light A: I = J·t + A·(1 − t),
and the veil is 1 − t. Source of the model: He, Sun and Tang (CVPR 2009); of the darkest as haze: Chavez, An improved
dark-object subtraction technique (Remote Sensing of Environment 24, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_PX = 64
"""Side of the cells whose darkest is taken."""
NOTHING, SURE = 0.16, 0.24
"""Of the light: what a clear image's darkest shows at the most, and what is a veil beyond doubt."""
_BASE = 0.12
"""What the darkest shows of itself, under no veil."""
_AROUND = 2
"""Cells around one that belong to its neighbourhood, along each axis."""
_TAIL = 0.01
"""Share of a cell's pixels that are left out as darkest and as brightest: noise, dead pixels, glints."""
_LEAST = 1 / 16
"""Share of a cell that must be valid, so that it says something."""
_BRIGHT = 0.5
"""How bright the brightest ground is beside thick haze."""
_WHITES = (0.7, 1.0)
"""Of white: the light of a picture that was made to be looked at lies between these."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What is dark and what is bright in cells of a region, (bands, rows, cols) each; NaN where nothing was seen."""

    dark: NDArray[np.float64]
    bright: NDArray[np.float64]


def ends_of(pixels: NDArray[np.floating], valid: NDArray[np.bool_]) -> Ends:
    """Of one row of cells: pixels (bands, up to CELL_PX, width), valid (height, width); answers (bands, 1, cols)."""
    bands, height, width = pixels.shape
    cols = -(-width // CELL_PX)
    more = ((0, 0), (0, 0), (0, cols * CELL_PX - width))
    values = np.pad(np.where(valid, pixels, np.inf), more, constant_values=np.inf)
    cells = values.reshape(bands, height, cols, CELL_PX).transpose(0, 2, 1, 3).reshape(bands, cols, -1)
    ordered = np.sort(cells, axis=2)
    count = np.isfinite(ordered[0]).sum(axis=1)
    whole = height * np.minimum(CELL_PX, width - CELL_PX * np.arange(cols))
    dark, bright = (
        np.take_along_axis(ordered, (share * np.maximum(count - 1, 0)).astype(np.int64)[None, :, None], axis=2)[..., 0]
        for share in (_TAIL, 1 - _TAIL)
    )
    told = count >= np.maximum(1, _LEAST * whole)
    return Ends(*(np.where(told, end, np.nan).astype(np.float64)[:, None] for end in (dark, bright)))


def joined(rows: list[Ends]) -> Ends:
    """Rows of cells, from the top down, as one."""
    return _as_one(rows, axis=1)


def beside(lanes: list[Ends]) -> Ends:
    """Lanes of cells, from left to right, as one."""
    return _as_one(lanes, axis=2)


def _as_one(parts: list[Ends], axis: int) -> Ends:
    return Ends(*(np.concatenate([getattr(part, end) for part in parts], axis=axis) for end in ("dark", "bright")))


def airlight(ends: Ends, white: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """The light A of the air, one a band, for the whole region; 0 where nothing was seen.

    Under a veil, what is bright stands out from what is dark by t·k·A, where ground is k times as bright as haze at the
    most: so A = dark + (bright − dark) / k. Cells that are most veiled say most of it: there k matters least. With
    `white` (bands,), the values of a picture's white, A is neither far below nor above it.
    """
    seen = np.isfinite(ends.dark).all(axis=0)
    dark, bright = ends.dark[:, seen], ends.bright[:, seen]
    weights = np.clip(dark.mean(axis=0), 0, None) ** 2
    if not weights.sum():
        return np.zeros(len(dark)) if white is None else white.astype(np.float64)
    light = (dark + (bright - dark).mean(axis=0) / _BRIGHT) @ (weights / weights.sum())
    if white is not None:
        most = float((light / white).max())
        light *= np.clip(most, *_WHITES) / most
    return np.asarray(light)


def veil_field(ends: Ends, light: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the darkest of each neighbourhood shows of the light, (rows, cols) of cells, smooth; 0 where unknown."""
    if not (light > 0).all():
        return np.zeros(ends.dark.shape[1:])
    shown = (ends.dark / light[:, None, None]).min(axis=0)
    side = 2 * _AROUND + 1
    least = ndimage.minimum_filter(np.where(np.isnan(shown), np.inf, shown), side, mode="nearest")
    known = np.isfinite(least)
    total = ndimage.uniform_filter(np.where(known, least, 0.0), side, mode="nearest")
    share = ndimage.uniform_filter(known.astype(np.float64), side, mode="nearest")
    return np.where(share > 1 / (2 * side**2), total / np.maximum(share, 1e-9), 0.0)


def haze(shown: NDArray[np.floating]) -> NDArray[np.floating]:
    """The veil 1 − t of what the darkest shows: 0 up to NOTHING, all but what is its own from SURE on."""
    rise = np.clip((shown - NOTHING) / (SURE - NOTHING), 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise) * (shown - _BASE) / (1 - _BASE), shown.dtype).clip(0, 1)


def upsampled(field: NDArray[np.float64], rows: slice, cols: slice, cell: tuple[float, float]) -> NDArray[np.float32]:
    """Values of a field of cells (rows, cols) at some pixels, linear between the cells' centres; `cell` (h, w), px."""
    down, across = (
        _weights(np.arange(part.start, part.stop), size, side)
        for part, size, side in zip((rows, cols), field.shape, cell, strict=True)
    )
    (top, bottom, low), (left, right, near) = down, across
    wide = field[:, left] * (1 - near) + field[:, right] * near
    return (wide[top] * (1 - low)[:, None] + wide[bottom] * low[:, None]).astype(np.float32)


def _weights(
    at: NDArray[np.int64], cells: int, side: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The cells before and after some pixels, and how far they are on the way from one to the other."""
    place = np.clip((at + 0.5) / side - 0.5, 0, cells - 1)
    before = np.floor(place).astype(np.int64)
    return before, np.minimum(before + 1, cells - 1), place - before
