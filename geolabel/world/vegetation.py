"""How forest and farmland look: reflectance of everything that grows or was ploughed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.world.land import SPAN
from geolabel.world.water import lowland

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats, Ids, Mask
    from geolabel.world.fields import Textures
    from geolabel.world.land import Land
    from geolabel.world.season import Season

FOREST_COLOR = (0.0190, 0.0390, 0.0225, 0.295)
"""Old-growth canopy, reflectance in the order of BANDS."""
# blue, green, red, nir of a field's cover; a field is one of these, varied.
_FIELDS = np.array(
    [
        [0.032, 0.078, 0.046, 0.360],  # lush pasture
        [0.041, 0.082, 0.068, 0.300],  # grazed pasture
        [0.055, 0.090, 0.112, 0.255],  # dry pasture
        [0.066, 0.092, 0.145, 0.235],  # bare, reddish
        [0.036, 0.072, 0.052, 0.330],  # rows of a crop
        [0.026, 0.056, 0.034, 0.345],  # regrowth
    ],
    np.float32,
)
_FIELD_SHARE = (0.20, 0.32, 0.22, 0.07, 0.08, 0.11)
_BARE, _ROWS, _REGROWTH = 3, 4, 5
_DICE = 79_999
"""Sets of dice; objects whose numbers agree modulo this, seldom neighbours, look alike."""


def column(color: tuple[float, float, float, float]) -> Floats:
    """A colour as (4, 1), ready to be multiplied by values at n pixels."""
    return np.array(color, np.float32)[:, None]


def paint_forest(image: Floats, land: Land, tex: Textures) -> None:
    """Fill image (4, size, size) with canopy, in place: crowns, relief, wet lowlands."""
    low = lowland(land.waters)
    # Hills are the drained country between creeks; the sun stands in the north-east.
    height = 2.2 * tex.region - 5.0 * low + 0.22 * tex.patch
    slope = np.gradient(height, axis=0) - np.gradient(height, axis=1)
    crowns = np.gradient(tex.crown, axis=0) - np.gradient(tex.crown, axis=1)
    log_light = 0.06 * crowns + 0.075 * tex.crown + 0.035 * tex.clump + 0.035 * tex.patch
    log_light += 0.42 * np.clip(slope, -0.5, 0.5)
    # Gaps: dark holes where a giant fell, seldom and small.
    log_light -= 0.35 * np.clip(tex.clump + 0.4 * tex.crown - 2.5, 0.0, 1.0)
    tint = 0.05 * tex.hue + 0.03 * tex.region
    swamp = np.clip(1.6 * low - 0.55 + 0.25 * tex.patch, 0.0, 0.7)
    # Beside the river stands young forest in arcs, one for every place the river has been.
    age = land.waters.plain_age
    arcs = np.clip(1.0 - age, 0.0, 1.0) * (0.75 + 0.5 * np.sin(age * 70.0))
    young = arcs * (age <= 1.0) * (0.8 + 0.3 * tex.patch)
    gains = ((0.30, -0.05, 0.08), (0.55, 0.13, 0.19), (0.45, -0.04, 0.13), (0.75, 0.12, 0.20))
    for band, (texture, wet_gain, young_gain) in enumerate(gains):
        log = (0.6 + texture) * log_light + (tint if band != 3 else -0.5 * tint)
        log += wet_gain * swamp + young_gain * young
        image[band] = FOREST_COLOR[band] * np.exp(log)
    meadow = land.waters.meadow
    image[:, meadow] = column((0.024, 0.053, 0.032, 0.30)) * np.exp(0.25 * tex.patch[meadow])


def paint_farmland(
    image: Floats,
    where: Mask,
    thing: Ids,
    land: Land,
    tex: Textures,
    *,
    season: Season,
    rng: np.random.Generator,
) -> None:
    """Give every farmland pixel its field's cover, in place."""
    names, field = np.unique(thing[where] % SPAN, return_inverse=True)
    # Every number has its own dice, so that a field keeps its cover from date to date.
    dice = rng.random((_DICE, 8), dtype=np.float32)[names % _DICE]
    kind = np.searchsorted(np.cumsum(_FIELD_SHARE), dice[:, 0] * 0.999)
    shade = np.exp(0.34 * (dice[:, 1] - 0.5))[:, None]
    lean = 1.0 + 0.16 * (dice[:, 2:6] - 0.5)
    dry = np.clip(dice[:, 6] + season.dryness - 0.5, 0.0, 1.0)[:, None]
    color = _FIELDS[kind] * shade * lean
    green = (kind != _BARE)[:, None] & (kind != _REGROWTH)[:, None]
    color = np.where(green, color + 0.5 * dry * (_FIELDS[2] - color), color)[field].T
    kind, theta = kind[field], (np.pi * dice[:, 7])[field]

    grain, clump, patch, crown = (f[where] for f in (tex.grain, tex.clump, tex.patch, tex.crown))
    damp = 0.10 * patch + 0.05 * clump + 0.045 * grain
    light = np.exp(np.where(kind == _REGROWTH, 0.09 * crown + 0.08 * clump, damp))
    across, deep = land.farms.across[where], land.farms.deep[where]
    phase = (across * np.cos(theta) + deep * np.sin(theta)) * (2 * np.pi / 3.7)
    ploughed = (kind == _BARE) | (kind == _ROWS)
    light *= np.where(ploughed, 1.0 + 0.09 * np.sin(phase), 1.0)
    painted = color * light
    # Cattle wear the ground bare; palms and Brazil-nut trees stay where they were.
    worn = np.clip(0.45 * patch + 0.35 * clump - 0.75, 0.0, 0.8) * (kind < _BARE)
    painted += worn * (column((0.068, 0.095, 0.140, 0.24)) - painted)
    trees = np.clip(1.1 * (clump + 0.7 * crown - 1.9), 0.0, 0.9) * (kind != _BARE)
    painted += trees * (column((0.022, 0.046, 0.028, 0.29)) - painted)
    image[:, where] = painted


def paint_clearing(image: Floats, where: Mask, thing: Ids, tex: Textures, rng: np.random.Generator) -> None:
    """Fresh fellings, in place: trunks and slash, ash where burnt, leaves left standing."""
    names, patch_of = np.unique(thing[where] % SPAN, return_inverse=True)
    dice = rng.random((_DICE, 6), dtype=np.float32)[names % _DICE]
    slash = column((0.052, 0.070, 0.098, 0.190))[:, 0]
    ash = column((0.042, 0.049, 0.058, 0.092))[:, 0]
    soil = column((0.060, 0.082, 0.128, 0.215))[:, 0]
    burnt = np.clip(1.8 * dice[:, :1] - 0.7, 0.0, 1.0)
    color = slash + burnt * (ash - slash) + (1 - burnt) * dice[:, 1:2] ** 2 * (soil - slash)
    color = (color * np.exp(0.3 * (dice[:, 2:3] - 0.5)))[patch_of].T
    grain, clump, patch = tex.grain[where], tex.clump[where], tex.patch[where]
    painted = color * np.exp(0.19 * grain + 0.11 * clump + 0.12 * patch)
    # Fire is patchy within one felling too.
    char = np.clip(0.6 * patch + 0.4 * clump - 0.5, 0.0, 0.8)
    painted += char * (column((0.038, 0.043, 0.050, 0.085)) - painted)
    left = np.clip(1.3 * (-clump + 0.5 * grain - 1.7), 0.0, 0.85)
    painted += left * (column((0.024, 0.048, 0.032, 0.26)) - painted)
    image[:, where] = painted
