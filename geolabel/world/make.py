"""One call for a whole world."""

from __future__ import annotations

import numpy as np

from geolabel.errors import OptionError
from geolabel.world.fields import Textures, draw_textures
from geolabel.world.land import Ground, Land, draw_land
from geolabel.world.plan import draw_plan
from geolabel.world.scene import Scene, World
from geolabel.world.season import AFTER, BEFORE, Season
from geolabel.world.sky import draw_clouds, outside_swath, photograph
from geolabel.world.view import draw_ground
from geolabel.world.volunteers import draw_map

MIN_SIZE_PX = 256
"""Below this a river, a road and their farms do not fit."""


def make_world(size_px: int = 1536, seed: int = 7) -> World:
    """Draw a gold-mining front in Amazonia at two dates, 10 m pixels, with its truth.

    The same size and seed give the same bytes. Raises OptionError where size_px is too small.
    """
    if size_px < MIN_SIZE_PX:
        raise OptionError(f"world: size must be at least {MIN_SIZE_PX} pixels, got {size_px}")
    rng = np.random.default_rng(seed)
    texture_rng, plan_rng, land_rng, map_rng, *sky_rngs = rng.spawn(6)
    tex = draw_textures(texture_rng, size_px)
    land = draw_land(land_rng, draw_plan(plan_rng, size_px), tex)
    before = _scene(sky_rngs[0], land.before, land, tex, season=BEFORE, seed=seed)
    after = _scene(sky_rngs[1], land.after, land, tex, season=AFTER, seed=seed)
    mapped, mapped_class, roads = draw_map(map_rng, land)
    return World(before, after, mapped, mapped_class, roads)


def _scene(
    rng: np.random.Generator,
    ground: Ground,
    land: Land,
    tex: Textures,
    *,
    season: Season,
    seed: int,
) -> Scene:
    """Photograph one date."""
    cloud_rng, sensor_rng = rng.spawn(2)
    size_px = ground.cover.shape[0]
    light = draw_ground(ground, land, tex, season, np.random.SeedSequence([seed, size_px]))
    clouds = draw_clouds(cloud_rng, size_px, season)
    outside = outside_swath(size_px, season)
    cloud = clouds.cover > 0.5
    return Scene(
        image=photograph(sensor_rng, light, clouds, outside, season),
        truth=ground.cover,
        valid=~outside,
        cloud=cloud & ~outside,
        shadow=(clouds.shade > 0.4) & ~cloud & ~outside,
    )
