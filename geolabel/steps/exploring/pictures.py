"""Tiles as little pictures, all in one stretch, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.views.stretch import Stretch, shown_bands, stretch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Painter:
    """How physical values become colours."""

    bands: tuple[int, ...]
    """Which bands are red, green and blue; or one, for grey."""
    caption: str
    stretch: Stretch

    def pictures(self, physical: NDArray[Any], valid: NDArray[np.bool_], side: int) -> NDArray[np.uint8]:
        """Pictures (n, side, side, 3) of tiles (n, bands, h, w); white where less than half of a pixel is valid."""
        seen = valid & np.isfinite(physical).all(axis=1) if physical.dtype.kind == "f" else valid
        values = np.where(seen[:, None], physical[:, list(self.bands)], 0).astype(np.float32)
        down, across = area_weights(valid.shape[1], side), area_weights(valid.shape[2], side).T
        weight = (down @ seen.astype(np.float32) @ across)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (down @ values @ across) / weight
            bright = self.stretch.brightness(mean)
        painted = np.where(weight >= 0.5, bright, 1) * 255  # noqa: PLR2004 - half
        shown = np.rint(painted).astype(np.uint8).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(shown if shown.shape[3] > 1 else np.repeat(shown, 3, axis=3))


def painter_of(physical: NDArray[Any], valid: NDArray[np.bool_], names: Sequence[str], dtype: str) -> Painter:
    """The colours and the stretch of some tiles (n, bands, h, w), which stand for all (see `views.stretch`)."""
    shown, caption = shown_bands(names)
    bands = tuple(list(names).index(name) for name in shown)
    values = physical[:, list(bands)].transpose(1, 0, 2, 3)[:, valid].astype(np.float32)
    return Painter(bands, caption, stretch_of(list(values[:, np.isfinite(values).all(axis=0)]), shown, dtype))


def area_weights(length: int, side: int) -> NDArray[np.float32]:
    """Share (side, length) that each of `length` pixels has in each of `side` cells over the same stretch."""
    edges = np.arange(side + 1) * (length / side)
    pixel = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.maximum(overlap, 0) * (side / length), np.float32)
