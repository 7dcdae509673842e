"""What becomes of a region's visible bands: haze removed, shadows lifted, contrast; the same however it is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.learn.haze.region import illumination, local_haze
from geolabel.tones import lab
from geolabel.tones.shadows import gain
from geolabel.tones.veil import CELL_PX, haze, upsampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.haze import DarkChannel
    from geolabel.tones.clahe import Curves
    from geolabel.tones.stretch import Stretch

_RADIUS, _EPS = 30, 1e-2
"""Of the guided filter that says how bright surroundings are, pixels; variance below which a place counts as flat."""


@dataclass(frozen=True, slots=True)
class Veil:
    """The haze over a region."""

    light: NDArray[np.float64]
    """(3,) physical value of the light that comes from the air itself."""
    field: NDArray[np.float64]
    """(rows, cols) of cells: what the darkest of the neighbourhood shows of the light."""
    settings: DarkChannel

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return bool((haze(self.field) > 0).any())


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a region with what lies around it."""

    values: NDArray[np.floating]
    """(3, h, w) physical."""
    valid: NDArray[np.bool_]
    rows: slice
    """Of the region."""
    cols: slice


@dataclass(frozen=True, slots=True)
class Tones:
    """All that is done to a region."""

    veil: Veil
    white: float
    """Physical value that is shown white."""
    shadows: float = 0.0
    stretch: Stretch | None = None
    curves: Curves | None = None
    """Of lightness, after the stretch."""

    @property
    def reach(self) -> int:
        """Pixels around a pixel on which its result depends."""
        dark = self.veil.settings.reach if self.veil.found else 0
        return dark + (2 * _RADIUS if self.shadows else 0)

    def clear(self, part: Part) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """The part without haze, (3, h, w) physical, and how much of it was removed, (h, w), 0–1.

        Exactly as it was where nothing was found.
        """
        veil = self.veil
        shown = upsampled(veil.field, part.rows, part.cols, (CELL_PX, CELL_PX))
        over = haze(shown).astype(np.float32)
        if not over.any():
            return part.values, over
        light = veil.light.astype(part.values.dtype)
        over = np.minimum(over, local_haze(part.values, part.valid, light, veil.settings).astype(np.float32))
        through = np.clip(1 - veil.settings.omega * over, veil.settings.floor, 1).astype(part.values.dtype)
        air = light[:, None, None]
        veiled = (over > 0) & part.valid
        return np.where(veiled, air + (part.values - air) / through, part.values), np.where(veiled, 1 - through, 0)

    def lifted(self, values: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.floating]:
        """With its shadows lifted, all bands alike."""
        if not self.shadows:
            return values
        light = np.where(valid, np.clip(values.mean(axis=0) / self.white, 0, 1), 0).astype(values.dtype)
        around = illumination(light, valid, _RADIUS, _EPS)
        return np.where(valid, values * gain(around, self.shadows).astype(values.dtype), values)

    def levels(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Lightness 0–1 (h, w) after the stretch."""
        assert self.stretch is not None
        return np.asarray(lab.to_lab(self.stretch.apply(values))[0] / lab.WHITEST)

    def contrasted(
        self, values: NDArray[np.floating], valid: NDArray[np.bool_], rows: slice, cols: slice
    ) -> NDArray[np.floating]:
        """With its contrast changed; nothing below 0 or above white is left then."""
        if self.stretch is None:
            return values
        shown = self.stretch.apply(np.where(valid, values, self.stretch.low))
        if self.curves is not None:
            colours = lab.to_lab(shown)
            colours[0] = lab.WHITEST * self.curves.apply(colours[0] / lab.WHITEST, rows, cols)
            shown = lab.to_rgb(colours)
        return np.where(valid, shown * self.white, values).astype(values.dtype)
