"""Where gold is dug: pits strung along creeks, on river banks, and a few alone in the forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.world.blobs import Blob, Shape, draw_blob, window_of
from geolabel.world.curves import lengths

if TYPE_CHECKING:
    from geolabel.world.arrays import Points
    from geolabel.world.fields import Textures
    from geolabel.world.plan import Plan
    from geolabel.world.water import Waters


@dataclass(frozen=True, slots=True)
class Mine:
    """One working."""

    x: float
    """Centre column, pixels."""
    y: float
    """Centre row, pixels."""
    blob: Blob
    """Its outline and how it would grow."""
    early: bool
    """Dug already at the first date."""
    growth: float
    """How far below 0 its height is dug at the second date."""
    track: bool
    """Reached by a track; the others by boat."""


def draw_mines(rng: np.random.Generator, plan: Plan, waters: Waters, tex: Textures) -> list[Mine]:
    """Draw the workings of both dates, largest first."""
    size_px = tex.patch.shape[0]
    count = max(10, round(95 * (size_px / 1536) ** 2))
    halves = np.sort(np.exp(rng.uniform(np.log(3.2), np.log(46.0), count)))[::-1]
    halves = np.minimum(halves, size_px / 14.0)
    hot = rng.permutation(len(plan.creeks))[: max(2, len(plan.creeks) // 2)]
    mines: list[Mine] = []
    for number, half in enumerate(halves):
        kind = rng.random()
        if kind < 0.62:
            x, y, blob = _on_creek(rng, plan, waters, tex, creek=int(rng.choice(hot)), half=half)
        else:
            where = plan.river.path if kind < 0.82 else None
            shape = _beside(rng, where, size_px, half=half, gap_px=plan.river_width_px)
            x, y, blob = shape.x, shape.y, draw_blob(shape, tex)
        if blob.height.size == 0:
            continue
        early = number % 9 < 6
        growth = float(rng.uniform(0.05, 0.32)) if rng.random() < 0.65 else 0.0
        mines.append(Mine(x, y, blob, early, growth, bool(rng.random() < 0.6)))
    return mines


def _on_creek(
    rng: np.random.Generator,
    plan: Plan,
    waters: Waters,
    tex: Textures,
    *,
    creek: int,
    half: float,
) -> tuple[float, float, Blob]:
    """A working that follows its creek around the bends."""
    size_px = tex.patch.shape[0]
    path = plan.creeks[creek]
    inside = np.flatnonzero(((path > 6) & (path < size_px - 6)).all(axis=1))
    at = int(rng.choice(inside)) if len(inside) else len(path) // 2
    x, y = path[at]
    along = lengths(path)[at]
    # A creek winds, so the working is longer along it than it is across the map.
    long_px, wide_px = 1.9 * half, max(half * rng.uniform(0.22, 0.5), 2.2)
    window = window_of(x, y, 1.6 * half + 4.0, size_px)
    near = waters.creek
    radius = np.hypot((near.along[window] - along) / long_px, near.distance[window] / wide_px)
    noise = 0.85 * tex.patch[window] + 0.42 * tex.clump[window]
    height = 1.0 - radius + 0.33 * noise
    height[near.line[window] != creek] = -9.0
    return float(x), float(y), Blob(window, height.astype(np.float32))


def _beside(rng: np.random.Generator, river: Points | None, size_px: int, *, half: float, gap_px: float) -> Shape:
    """A working on the river's bank, or anywhere where there is no river given."""
    x, y = rng.uniform(0.04, 0.96, 2) * size_px
    angle = rng.uniform(0.0, np.pi)
    if river is not None:
        inside = np.flatnonzero(((river > 10) & (river < size_px - 10)).all(axis=1))
        at = int(np.clip(rng.choice(inside), 1, len(river) - 2))
        ahead = river[at + 1] - river[at - 1]
        angle = float(np.arctan2(ahead[1], ahead[0]))
        away = rng.choice([-1.0, 1.0]) * (0.5 * gap_px + rng.uniform(0.4, 1.6) * half)
        x, y = river[at] + away * np.array([-np.sin(angle), np.cos(angle)])
    return Shape(
        float(x),
        float(y),
        length_px=half,
        width_px=max(half * rng.uniform(0.35, 0.75), 2.4),
        angle=float(angle),
        square=rng.uniform(2.0, 2.8),
        ragged=0.34,
    )
