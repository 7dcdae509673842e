"""Farm lots along the roads: who holds which pixel, and when it was opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.world.curves import lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.world.arrays import Floats, Ids, Mask, Points
    from geolabel.world.fields import Textures
    from geolabel.world.trace import Trace

_ROWS = 16
"""Fields per lot, counted away from the road; beyond the last the lot is forest."""


@dataclass(frozen=True, slots=True)
class Farms:
    """Fields of the lots along a set of roads."""

    field: Ids
    """Field number of every pixel, (size, size); 0 = belongs to no lot."""
    opened: Mask
    """Whether each field is farmed at the first date, (fields + 1,)."""
    next_up: Mask
    """Whether each field is likely to be opened next, (fields + 1,)."""
    across: Floats
    """Distance along the road, warped as the fences are, (size, size), pixels."""
    deep: Floats
    """Distance from the road, warped alike, (size, size), pixels."""


def draw_farms(
    rng: np.random.Generator,
    roads: Sequence[Points],
    near: Trace,
    tex: Textures,
    *,
    wet: Mask,
) -> Farms:
    """Cut the land along the roads into lots, lots into fields, and open some of them."""
    road_length = np.array([lengths(road)[-1] for road in roads])
    # A long number line holds all roads end to end, so that one search finds every lot.
    base = np.concatenate(([0.0], np.cumsum(road_length + 400.0)))[:-1]
    fences = np.cumsum(rng.gamma(5.0, 5.0, size=int(base[-1] / 14.0) + 200) + 7.0)
    # Surveyors' fences are straight but seldom square to a bending road.
    skew = rng.normal(0.0, 0.14, len(roads))[near.line].astype(np.float32)
    across = near.along + skew * near.offset + 1.5 * tex.warp_x + 0.25 * tex.clump
    deep = np.abs(near.offset) + 1.5 * tex.warp_y + 0.25 * tex.clump
    lot = np.searchsorted(fences, across + base[near.line].astype(np.float32))
    lot = 2 * lot + (near.offset > 0)
    lots = int(lot.max()) + 1
    depth = rng.gamma(6.0, 4.2, lots).astype(np.float32) + 9.0
    row = np.clip(deep / depth[lot], 0, _ROWS - 1).astype(np.int32)
    field = (lot * _ROWS + row + 1).astype(np.int32)
    past_end = (near.along < -1.0) | (near.along > road_length[near.line] + 1.0)
    field[past_end | (row >= _ROWS - 1) | (near.line < 0)] = 0
    # Forest left standing: along creeks by law, in clumps by neglect.
    left = wet | (tex.patch + 0.3 * tex.clump + 0.3 * tex.region > 1.8)
    field[left] = 0

    vigour = np.repeat(rng.normal(0.0, 0.9, lots), _ROWS)
    rank = np.tile(np.arange(_ROWS), lots)
    # Farms thin out towards the young end of every road and away from it.
    eagerness = vigour + rng.normal(0.0, 0.55, lots * _ROWS) - 0.85 * rank + 0.75
    opened = np.concatenate(([False], eagerness > 0.0))
    next_up = np.concatenate(([False], (eagerness <= 0.0) & (eagerness > -1.1)))
    return Farms(field, opened, next_up, across, deep)
