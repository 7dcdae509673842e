"""How bare and wet ground looks: water, sand, mines, roads and villages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel.world.land import SPAN
from geolabel.world.vegetation import column

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats, Ids, Mask
    from geolabel.world.fields import Textures
    from geolabel.world.land import Land
    from geolabel.world.season import Season

# Pond water by what floats in it: blue, green, red, nir.
_PONDS = np.array(
    [
        [0.125, 0.165, 0.085, 0.050],  # turquoise
        [0.070, 0.105, 0.060, 0.040],  # green
        [0.135, 0.185, 0.185, 0.100],  # milky
        [0.078, 0.128, 0.135, 0.070],  # olive, silty
        [0.085, 0.150, 0.225, 0.130],  # orange, freshly worked
        [0.035, 0.048, 0.038, 0.030],  # clear, old
    ],
    np.float32,
)
_POND_SHARE = (0.20, 0.22, 0.14, 0.18, 0.10, 0.16)


def paint_water(
    image: Floats, where: Mask, land: Land, tex: Textures, *, season: Season, rng: np.random.Generator
) -> None:
    """River with streaks of silt, dark creeks and lakes, in place."""
    body = land.waters.body[where]
    river, creek = body == 1, body >= 10
    silt = season.silt * np.exp(0.03 * tex.patch[where] + 0.06 * tex.region[where])
    # Silt travels in long streaks, most of it along the middle.
    offset, along = land.waters.river.offset[where], land.waters.river.along[where]
    streak = np.sin(0.55 * offset + 1.7 * np.sin(along / 47.0) + 0.5 * tex.patch[where])
    middle = 1.0 + 0.08 * np.cos(0.16 * np.clip(np.abs(offset), 0, 14)) + 0.035 * streak
    dice = rng.random((int(land.waters.body.max()) + 1, 2), dtype=np.float32)[body]
    lake = column((0.030, 0.046, 0.034, 0.022)) * (0.75 + 0.6 * dice[:, 0])
    lake += dice[:, 1] ** 3 * column((0.018, 0.032, 0.026, 0.012))
    stream = column((0.036, 0.056, 0.052, 0.060)) * (0.75 + 0.7 * dice[:, 0])
    brown = column((0.066, 0.098, 0.112, 0.050)) * silt * middle
    image[:, where] = np.where(river, brown, np.where(creek, stream, lake))


def paint_sand(image: Floats, where: Mask, land: Land, tex: Textures) -> None:
    """Point bars, in place: dry and white far from the water, wet and brown at its edge."""
    river = land.waters.body[...] == 1
    ashore = ndimage.distance_transform_edt(~river)[where].astype(np.float32)
    patch, clump, grain = tex.patch[where], tex.clump[where], tex.grain[where]
    dry = np.clip(ashore / 4.0 + 0.28 * patch + 0.2 * clump, 0.05, 1.0)
    # Scroll ridges follow the river's old banks.
    ridge = np.sin(land.waters.river.distance[where] * 1.25 + 0.8 * patch)
    light = np.exp(0.07 * ridge + 0.05 * patch + 0.03 * grain)
    wet, white = column((0.085, 0.118, 0.140, 0.150)), column((0.172, 0.228, 0.278, 0.355))
    painted = (wet + dry * (white - wet)) * light
    willow = 0.8 * (0.9 * patch + clump - 1.9) + 0.05 * (ashore - 9.0)
    # Low shoals in mid-river flood too often for anything to grow.
    willow = np.clip(willow, 0.0, 0.85) * np.clip((ashore - 4.0) / 4.0, 0.0, 1.0)
    painted += willow * (column((0.034, 0.068, 0.048, 0.32)) - painted)
    image[:, where] = painted


def paint_mine(image: Floats, where: Mask, thing: Ids, land: Land, tex: Textures, *, rng: np.random.Generator) -> None:
    """Tailings with ponds of every colour, in place."""
    dice = rng.random((4096, 6), dtype=np.float32)[thing[where] % SPAN % 4096]
    maze, clump, grain, patch = (f[where] for f in (tex.maze, tex.clump, tex.grain, tex.patch))
    depth = land.digging[where]
    # Heaps of washed gravel, from buff to nearly white, ridged at the scale of one pixel.
    dark, pale = column((0.100, 0.138, 0.185, 0.260)), column((0.195, 0.245, 0.300, 0.360))
    fresh = np.clip(0.15 + 0.75 * dice[:, 0] + 0.22 * patch + 0.25 * clump, 0.0, 1.25)
    painted = (dark + fresh * (pale - dark)) * np.exp(0.075 * grain + 0.07 * clump)
    warm = column((-0.12, -0.02, 0.08, 0.03))
    painted *= 1.0 + (1.6 * dice[:, 1] - 0.5) * warm
    # Old diggings green over; their rim was never cleared to the last tree.
    scrub = 0.7 * clump - 0.5 * patch + 0.4 * grain - 1.35 + 1.1 * dice[:, 2] - 0.9 * depth
    scrub = np.clip(1.6 * scrub, 0.0, 0.9)
    painted += scrub * (column((0.036, 0.062, 0.052, 0.235)) - painted)
    water_line = -1.0 + 0.95 * dice[:, 3] + 0.3 * patch
    wet = np.clip((water_line + 0.5 - maze) / 0.5, 0.0, 1.0) * 0.6
    painted += wet * (column((0.066, 0.086, 0.100, 0.140)) - painted)

    pond = np.zeros_like(where)
    pond[where] = (maze + 0.12 * clump < water_line) & (depth > -0.02)
    number, count = ndimage.label(pond)
    chosen = rng.choice(len(_PONDS), size=count + 1, p=_POND_SHARE)
    color = _PONDS[chosen] * np.exp(0.18 * rng.standard_normal((count + 1, 1)))
    image[:, where] = painted
    image[:, pond] = (color[number[pond]] * np.exp(0.03 * tex.patch[pond, None])).T


def paint_road(image: Floats, where: Mask, thing: Ids, tex: Textures) -> None:
    """Roads of beaten red earth, in place; tracks are half hidden by trees."""
    number = thing[where] % SPAN
    earth = column((0.074, 0.108, 0.172, 0.250)) * np.exp(0.06 * tex.grain[where] + 0.06 * tex.patch[where])
    share = np.where(number == 0, 1.0, np.where(number < 1000, 0.86, 0.62))
    image[:, where] += share * (earth - image[:, where])


def paint_village(image: Floats, where: Mask, land: Land, tex: Textures, rng: np.random.Generator) -> None:
    """Roofs along a street grid, in place, with yards of soil and fruit trees between."""
    across, offset = land.roads.along[where], land.roads.offset[where]
    street = (np.abs(across) % 11.0 < 1.5) | (np.abs(offset) % 9.0 < 1.3)
    # One plot every two pixels or so; its number picks its roof.
    plot = (across / 2.3).astype(np.int64) * 7919 + (offset / 1.9).astype(np.int64) * 104_729
    dice = rng.random((4099, 4), dtype=np.float32)[plot % 4099]
    clump, grain, patch = tex.clump[where], tex.grain[where], tex.patch[where]
    yard = np.clip(0.4 + 0.4 * clump + 0.25 * patch + 0.1 * grain, 0.0, 1.0)
    soil, tree = column((0.085, 0.118, 0.165, 0.250)), column((0.032, 0.058, 0.042, 0.270))
    painted = tree + yard * (soil - tree)
    metal = column((0.200, 0.225, 0.245, 0.290)) * (0.65 + 0.9 * dice[:, 1])
    tile = column((0.095, 0.115, 0.175, 0.235)) * (0.8 + 0.5 * dice[:, 1])
    roof = np.where(dice[:, 2] < 0.62, metal, tile)
    built = (dice[:, 0] < 0.34 - 0.10 * patch) & ~street
    painted = np.where(built, roof, painted)
    dust = column((0.098, 0.135, 0.190, 0.270)) * np.exp(0.05 * grain)
    image[:, where] = np.where(street, 0.6 * dust + 0.4 * painted, painted)
