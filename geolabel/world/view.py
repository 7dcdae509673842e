"""From the land of one date to what reaches the top of the canopy: reflectance, no sky."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.world import bare, vegetation
from geolabel.world.classes import (
    CLEARING,
    FARMLAND,
    QUARRY,
    RESIDENTIAL,
    ROAD,
    SAND,
    WATER,
)

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats
    from geolabel.world.fields import Textures
    from geolabel.world.land import Ground, Land
    from geolabel.world.season import Season


def draw_ground(ground: Ground, land: Land, tex: Textures, season: Season, seed: np.random.SeedSequence) -> Floats:
    """Reflectance of the ground, (4, size, size).

    The seed is the ground's own: with the same one at both dates, a field, a roof and a pond
    that did not change look alike at both.
    """
    dice = [np.random.default_rng(child) for child in seed.spawn(5)]
    image = np.empty((4, *ground.cover.shape), np.float32)
    vegetation.paint_forest(image, land, tex)
    cover, thing = ground.cover, ground.thing
    vegetation.paint_farmland(image, cover == FARMLAND, thing, land, tex, season=season, rng=dice[0])
    vegetation.paint_clearing(image, cover == CLEARING, thing, tex, dice[1])
    bare.paint_village(image, cover == RESIDENTIAL, land, tex, dice[2])
    bare.paint_water(image, cover == WATER, land, tex, season=season, rng=dice[3])
    bare.paint_sand(image, cover == SAND, land, tex)
    bare.paint_mine(image, cover == QUARRY, thing, land, tex, rng=dice[4])
    bare.paint_road(image, cover == ROAD, thing, tex)
    return image
