"""Water and sand on the ground: river, point bars, oxbow lakes, creeks, ponds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel.world.trace import Trace, trace

if TYPE_CHECKING:
    from geolabel.world.arrays import Floats, Ids, Mask
    from geolabel.world.fields import Textures
    from geolabel.world.plan import Plan


@dataclass(frozen=True, slots=True)
class Waters:
    """Every water surface and what the river left beside it; fields (size, size)."""

    body: Ids
    """Water body: 1 the river, then oxbows, creeks and lakes; 0 = dry."""
    river: Trace
    """Nearest point of the river's centre line."""
    creek: Trace
    """Nearest point of any creek."""
    sand: Mask
    """Point bars: ground that the river swept in the last few steps and has left."""
    plain_age: Floats
    """How long ago the river ran here, 0 (now) to 1; 2 where it never did."""
    meadow: Mask
    """Silted rims and ends of oxbows: swamp, neither lake nor tall forest."""


def draw_waters(rng: np.random.Generator, plan: Plan, tex: Textures, size_px: int) -> Waters:
    """Rasterise the plan's water and let the river leave its bars and lakes."""
    half = 0.5 * plan.river_width_px
    edge = 0.5 * tex.warp_x + 0.25 * tex.clump
    river = trace([plan.river.path], size_px)
    swell = 1.0 + 0.13 * np.sin(river.along / (2.3 * plan.river_width_px)) + 0.05 * tex.region
    channel = river.distance < half * swell + 0.4 * edge

    history = plan.river.history
    recent = trace(history[-13:-1], size_px).distance < 0.92 * half + 0.5 * edge
    bar_edge = 0.9 * tex.patch + 0.25 * tex.clump
    # Bars come and go along the river; where one is missing, willows hold the bank.
    reach = half * (2.3 + 1.0 * np.sin(river.along / (9.1 * half) + 0.8 * tex.region))
    sand = recent & ~channel & (river.distance < reach + 1.5 * bar_edge)
    # Low bars drown: an island here, a chute there.
    shoal = _large(channel & recent & (1.5 * tex.patch + 0.1 * tex.clump > 2.4), 14)
    channel &= ~shoal
    sand |= shoal

    past = trace(history, size_px)
    swept = past.distance < half + edge
    age = 1.0 - past.line.astype(np.float32) / max(len(history) - 1, 1)
    plain_age = np.where(swept, age, np.float32(2.0))

    body = np.where(channel, 1, 0).astype(np.int32)
    meadow = np.zeros_like(channel)
    lakes = [loop[len(loop) // 12 : -max(len(loop) // 12, 1)] for loop in plan.river.oxbows[-5:]]
    if lakes:
        ring = trace(lakes, size_px)
        shrink = (0.45 + 0.35 * rng.random(len(lakes)))[ring.line] * half
        free = ~channel & ~sand & (ring.line >= 0)
        lake = free & (ring.distance < shrink + 1.6 * edge)
        meadow = free & ~lake & (ring.distance < 0.85 * half + 2.2 * edge)
        body[lake] = 2 + ring.line[lake]
    creek = trace(plan.creeks, size_px)
    width = (0.55 + 0.6 * rng.random(len(plan.creeks)))[creek.line]
    # Creeks broaden towards their mouth and vanish under the canopy at their source.
    width = width * np.clip(creek.along / 260.0, 0.0, 1.5)
    wet = (body == 0) & ~sand & (creek.distance < width) & (width > 0.45)
    body[wet] = 10 + creek.line[wet]
    _ponds(rng, body, blocked=sand | meadow, tex=tex)
    return Waters(body, river, creek, sand, plain_age, meadow)


def _large(where: Mask, least_px: int) -> Mask:
    """The connected parts of where that have at least least_px pixels."""
    number, _ = ndimage.label(where)
    keep = np.bincount(number.ravel()) >= least_px
    keep[0] = False
    return np.asarray(keep[number])


def _ponds(rng: np.random.Generator, body: Ids, *, blocked: Mask, tex: Textures) -> None:
    """Add a few small lakes to body, in place, where the ground is free."""
    size_px = body.shape[0]
    centre = np.arange(size_px)
    for _ in range(max(2, round(14 * (size_px / 1536) ** 2))):
        x, y = rng.uniform(0.05, 0.95, 2) * size_px
        radius = rng.uniform(1.6, 5.5)
        rows = slice(max(int(y) - 14, 0), int(y) + 15)
        cols = slice(max(int(x) - 14, 0), int(x) + 15)
        away = np.hypot(centre[cols][None, :] - x, (centre[rows][:, None] - y) * 1.4)
        pond = away + 1.1 * tex.patch[rows, cols] + 0.5 * tex.clump[rows, cols] < radius
        pond &= (body[rows, cols] == 0) & ~blocked[rows, cols]
        body[rows, cols][pond] = body.max() + 1


def lowland(waters: Waters) -> Floats:
    """How low and wet the ground lies, (size, size), 1 beside water falling to 0."""
    creek = np.exp(-waters.creek.distance / 28.0)
    river = np.exp(-waters.river.distance / 110.0)
    wet = np.maximum(0.8 * creek, river)
    return ndimage.gaussian_filter(wet.astype(np.float32), 4.0)
