"""Between the ground and the file: haze, clouds and their shadows, the swath, the sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel.world.fields import random_field

if TYPE_CHECKING:
    import numpy.typing as npt

    from geolabel.world.arrays import Floats, Mask
    from geolabel.world.season import Season

_VEIL = (1.0, 0.62, 0.40, 0.12)
"""Haze in each band, relative to blue: it scatters short waves most."""
_SHADE = (0.62, 0.52, 0.45, 0.40)
"""Light left in a cloud's shadow; the blue sky still shines into it."""
_NOISE = (0.0009, 0.0010, 0.0011, 0.0028)
"""Deviation of the sensor's noise, reflectance."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """Clouds of one date, (size, size) each."""

    cover: Floats
    """Opacity, 0-1."""
    light: Floats
    """Reflectance of the cloud's top."""
    shade: Floats
    """Depth of shadow on the ground, 0-1."""


def draw_clouds(rng: np.random.Generator, size_px: int, season: Season) -> Clouds:
    """Fair-weather cumulus in loose herds, their shadows displaced by the sun."""
    herd_rng, billow_rng, puff_rng = rng.spawn(3)
    herd = random_field(herd_rng, size_px, coarse_px=0.5 * size_px, fine_px=60.0, slope=1.2)
    billow = random_field(billow_rng, size_px, coarse_px=55.0, fine_px=1.6, slope=2.3)
    puff = random_field(puff_rng, size_px, coarse_px=14.0, fine_px=1.0, slope=1.3)
    # Billowing: folds of |noise| give the cauliflower outline that plain noise lacks.
    dense = billow - 0.20 * np.abs(puff) + 1.15 * herd
    edge = np.quantile(dense, 1.0 - season.cloud_share)
    thick = (dense - edge).astype(np.float32)
    cover = np.clip(0.5 + thick / 0.42, 0.0, 1.0) ** 1.3
    steep = ndimage.gaussian_gradient_magnitude(thick, 1.0)
    lit = ndimage.gaussian_filter(np.gradient(thick, axis=0) - np.gradient(thick, axis=1), 0.8)
    light = 0.25 + 0.22 * np.clip(thick / 1.1, 0.0, 1.0) + 0.75 * lit - 0.08 * steep
    light += 0.02 * puff
    shadow = ndimage.shift(cover, (season.shadow_y, season.shadow_x), order=1)
    shade = ndimage.gaussian_filter(shadow, 1.3)
    return Clouds(cover, np.clip(light, 0.22, 0.95).astype(np.float32), shade)


def outside_swath(size_px: int, season: Season) -> Mask:
    """True beyond the satellite's slanted swath edge, (size, size)."""
    row, col = np.ogrid[0:size_px, 0:size_px]
    slant = np.tan(np.radians(13.0))
    if season.wedge == "south-east":
        edge = size_px - 1 - slant * (row - 0.55 * size_px)
        return np.asarray(col > edge)
    return np.asarray(col < slant * (0.36 * size_px - row))


def photograph(
    rng: np.random.Generator, ground: Floats, clouds: Clouds, outside: Mask, season: Season
) -> npt.NDArray[np.uint16]:
    """The file's numbers, (4, size, size): reflectance x 10 000, at least 1, 0 outside."""
    haze_rng, noise_rng = rng.spawn(2)
    size_px = ground.shape[1]
    drift = random_field(haze_rng, size_px, coarse_px=0.6 * size_px, fine_px=40.0, slope=1.6)
    veil = season.haze * np.exp(0.45 * drift)
    # The view angle brightens one side of the swath by a few percent.
    lean = 1.0 + 0.035 * np.linspace(-1.0, 1.0, size_px, dtype=np.float32)[None, :]
    image = np.empty(ground.shape, np.uint16)
    for band in range(4):
        light = ground[band] * (1.0 - (1.0 - _SHADE[band]) * clouds.shade)
        light = light * lean + _VEIL[band] * veil
        # Thin cloud scatters a little bluer than thick.
        light += clouds.cover * (clouds.light * (1.02, 1.0, 0.99, 1.03)[band] - light)
        light = ndimage.gaussian_filter(light, 0.55) * season.gain[band]
        noise = noise_rng.standard_normal(light.shape, dtype=np.float32)
        light += noise * (_NOISE[band] + 0.008 * light)
        image[band] = np.clip(np.rint(light * 10_000.0), 1, 16_000).astype(np.uint16)
    image[:, outside] = 0
    return image
