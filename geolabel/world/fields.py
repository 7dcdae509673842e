"""Random fields drawn in frequency space: no lattice, so no lattice artefacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats


def random_field(
    rng: np.random.Generator,
    size_px: int,
    *,
    coarse_px: float,
    fine_px: float,
    slope: float = 1.0,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Gaussian field (size, size), mean 0 and deviation 1, with detail between two scales.

    Amplitude falls as frequency ** -slope between 1/coarse_px and 1/fine_px and rolls off
    smoothly outside. ``stretch`` (x, y) lengthens features along an axis.
    """
    side = fft.next_fast_len(size_px, real=True)
    white = rng.standard_normal((side, side), dtype=np.float32)
    freq_y = fft.fftfreq(side).astype(np.float32)[:, None] * stretch[1]
    freq_x = fft.rfftfreq(side).astype(np.float32)[None, :] * stretch[0]
    freq = np.hypot(freq_x, freq_y)
    freq[0, 0] = 1.0  # the mean is removed below; this only avoids dividing by zero
    amplitude = freq**-slope * np.exp(-((freq * fine_px) ** 2))
    amplitude *= 1.0 - np.exp(-((freq * coarse_px) ** 2))
    amplitude[0, 0] = 0.0
    field = fft.irfft2(fft.rfft2(white) * amplitude, s=(side, side))[:size_px, :size_px]
    field -= field.mean()
    field /= max(float(field.std()), 1e-9)
    return field.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Textures:
    """Fields of the ground itself: alike at both dates. Each (size, size), deviation 1."""

    crown: Floats
    """Single tree crowns, 1-3 px."""
    grain: Floats
    """Pixel-scale roughness: debris, tussocks, heaps."""
    clump: Floats
    """Groups of trees and shrubs, 4-12 px."""
    maze: Floats
    """Narrow-band field whose level sets wind like the pits of a gold mine."""
    patch: Floats
    """Stands and soil patches, 10-60 px."""
    region: Floats
    """Forest types and soils, 80-400 px."""
    hue: Floats
    """A second regional field, for colour rather than brightness."""
    warp_x: Floats
    """Bends straight boundaries sideways."""
    warp_y: Floats
    """Bends straight boundaries lengthways."""


def draw_textures(rng: np.random.Generator, size_px: int) -> Textures:
    """Draw every ground texture of a scene size_px on a side."""
    scales = {
        "crown": (5.0, 1.1, 0.6),
        "grain": (4.0, 0.6, 0.2),
        "clump": (16.0, 2.5, 1.0),
        "maze": (11.0, 4.4, 0.6),
        "patch": (70.0, 5.0, 1.5),
        "region": (500.0, 20.0, 1.6),
        "hue": (350.0, 12.0, 1.5),
        "warp_x": (50.0, 5.0, 1.6),
        "warp_y": (50.0, 5.0, 1.6),
    }
    return Textures(
        **{
            name: random_field(child, size_px, coarse_px=coarse, fine_px=fine, slope=slope)
            for child, (name, (coarse, fine, slope)) in zip(rng.spawn(len(scales)), scales.items(), strict=True)
        }
    )
