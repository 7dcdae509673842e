"""Where people fell trees, garden and build: patches that are not lots and not mines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.world.blobs import Shape

if TYPE_CHECKING:
    from geolabel.world.arrays import Points
    from geolabel.world.plan import Plan
    from geolabel.world.trace import Trace


def fellings(rng: np.random.Generator, roads: Trace, size_px: int) -> list[Shape]:
    """Fresh fellings: behind the farms, square to their road, seldom far from one."""
    count = max(10, round(170 * (size_px / 1536) ** 2))
    spots = rng.uniform(0.02, 0.98, (12 * count, 2)) * size_px
    row, col = spots[:, 1].astype(int), spots[:, 0].astype(int)
    gap = roads.distance[row, col]
    near = (gap > 14) & (gap < rng.gamma(3.0, 26.0, len(gap)))
    shapes: list[Shape] = []
    for x, y in spots[near][:count]:
        half = float(np.clip(rng.lognormal(2.25, 0.5), 3.5, min(30.0, size_px / 16)))
        shapes.append(
            Shape(
                float(x),
                float(y),
                length_px=half,
                width_px=half * rng.uniform(0.5, 0.95),
                angle=_bearing(roads, int(y), int(x)) + rng.normal(0, 0.15),
                square=rng.uniform(2.2, 5.0),
                ragged=rng.uniform(0.12, 0.3),
            )
        )
    return shapes


def gardens(rng: np.random.Generator, plan: Plan, size_px: int) -> list[Shape]:
    """Small plots of the people who live on the river's bank."""
    river = plan.river.path
    count = max(3, round(26 * (size_px / 1536) ** 2))
    shapes: list[Shape] = []
    for at in rng.integers(1, len(river) - 1, 3 * count):
        ahead = river[at + 1] - river[at - 1]
        angle = float(np.arctan2(ahead[1], ahead[0]))
        half = rng.uniform(3.0, 9.0)
        away = rng.choice([-1.0, 1.0]) * (0.6 * plan.river_width_px + 1.2 * half)
        x, y = river[at] + away * np.array([-np.sin(angle), np.cos(angle)])
        if 0 <= x < size_px and 0 <= y < size_px and len(shapes) < count:
            shapes.append(Shape(x, y, half, half * rng.uniform(0.5, 1.0), angle, 3.0, 0.2))
    return shapes


def villages(rng: np.random.Generator, plan: Plan, size_px: int) -> list[Shape]:
    """Villages on the main road where side roads leave it, and hamlets further along them."""
    largest = min(34.0, size_px / 24.0)
    middles = [rib[len(rib) // 2] for rib in plan.sides]
    corners = [rib[0] for rib in plan.sides]
    count = max(2, round(7 * size_px / 1536))
    spots: list[tuple[Points, float]] = [
        (corners[number], largest * rng.uniform(0.4, 1.0)) for number in rng.permutation(len(corners))[:count]
    ]
    spots += [(middles[number], rng.uniform(3.0, 6.5)) for number in rng.permutation(len(middles))[: 2 * count]]
    ahead = plan.trunk[-1] - plan.trunk[0]
    angle = float(np.arctan2(ahead[1], ahead[0]))
    return [
        Shape(float(at[0]), float(at[1]), half, 0.62 * half, angle, 2.6, 0.28)
        for at, half in spots
        if 0 <= at[0] < size_px and 0 <= at[1] < size_px
    ]


def _bearing(roads: Trace, row: int, col: int) -> float:
    """Direction away from the road at a pixel, radians."""
    size_px = roads.distance.shape[0]
    low_r, high_r = max(row - 2, 0), min(row + 2, size_px - 1)
    low_c, high_c = max(col - 2, 0), min(col + 2, size_px - 1)
    down = roads.distance[high_r, col] - roads.distance[low_r, col]
    right = roads.distance[row, high_c] - roads.distance[row, low_c]
    return float(np.arctan2(down, right))
