"""Patches with ragged edges: fellings, villages, mine pits, garden plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats
    from geolabel.world.fields import Textures

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Blob:
    """One patch as a height above its own outline."""

    window: Window
    """Rows and columns of the scene that it may touch."""
    height: Floats
    """1 at the heart, 0 on the outline, negative outside; shape of the window."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a patch is drawn."""

    x: float
    """Centre column, pixels."""
    y: float
    """Centre row, pixels."""
    length_px: float
    """Half its long axis."""
    width_px: float
    """Half its short axis."""
    angle: float = 0.0
    """Direction of the long axis, radians from x towards y."""
    square: float = 2.0
    """Exponent of the outline: 2 an ellipse, 6 nearly a rectangle."""
    ragged: float = 0.25
    """How far noise moves the outline, as a share of the size."""


def window_of(x: float, y: float, reach_px: float, size_px: int) -> Window:
    """The part of the scene within reach_px of a point; empty where that is outside."""
    reach = int(reach_px) + 2
    low = [int(np.clip(int(at) - reach, 0, size_px)) for at in (y, x)]
    high = [int(np.clip(int(at) + reach + 1, 0, size_px)) for at in (y, x)]
    return slice(low[0], high[0]), slice(low[1], high[1])


def draw_blob(shape: Shape, tex: Textures) -> Blob:
    """Draw one patch into its window."""
    size_px = tex.patch.shape[0]
    window = window_of(shape.x, shape.y, 1.9 * shape.length_px + 4.0, size_px)
    rows, cols = np.ogrid[window]
    x, y = cols + 0.5 - shape.x, rows + 0.5 - shape.y
    cos, sin = np.cos(shape.angle), np.sin(shape.angle)
    # Straight sides bend with the same field that bends fences.
    u = (x * cos + y * sin + 0.9 * tex.warp_x[window]) / shape.length_px
    v = (y * cos - x * sin + 0.9 * tex.warp_y[window]) / shape.width_px
    radius = (np.abs(u) ** shape.square + np.abs(v) ** shape.square) ** (1.0 / shape.square)
    noise = 0.85 * tex.patch[window] + 0.35 * tex.clump[window]
    height = 1.0 - radius + shape.ragged * noise
    return Blob(window, height.astype(np.float32))
