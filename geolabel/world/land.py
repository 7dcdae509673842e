"""The truth of both dates: who is where, and what changed in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel.world.blobs import draw_blob
from geolabel.world.classes import (
    CLEARING,
    FARMLAND,
    FOREST,
    QUARRY,
    RESIDENTIAL,
    ROAD,
    SAND,
    WATER,
)
from geolabel.world.curves import resample, wander
from geolabel.world.farms import draw_farms
from geolabel.world.mines import Mine, draw_mines
from geolabel.world.settle import fellings, gardens, villages
from geolabel.world.trace import Trace, trace
from geolabel.world.water import draw_waters

if TYPE_CHECKING:
    from geolabel.world.arrays import Codes, Floats, Ids, Mask, Points
    from geolabel.world.blobs import Blob, Window
    from geolabel.world.farms import Farms
    from geolabel.world.fields import Textures
    from geolabel.world.plan import Plan
    from geolabel.world.water import Waters

SPAN = 1_000_000
"""Object numbers of class c run from c * SPAN."""
_LOSS_SHARE = 0.03
"""Share of the scene that loses its forest between the dates."""
_MINE_SHARE = 0.012
"""Of that, at most this much to mines."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Cover of one date, (size, size) each."""

    cover: Codes
    """Class codes."""
    thing: Ids
    """Object of every pixel: class code * SPAN + number; forest is 0."""


@dataclass(frozen=True, slots=True)
class Land:
    """The country at both dates, with what drawing it needs."""

    before: Ground
    after: Ground
    waters: Waters
    farms: Farms
    roads: Trace
    """Nearest trunk or side road."""
    early_roads: tuple[Points, ...]
    """Roads of the first date: trunk, side roads, tracks."""
    digging: Floats
    """How deep inside a mine each pixel lies, (size, size), 1 at the heart, negative outside."""


def draw_land(rng: np.random.Generator, plan: Plan, tex: Textures) -> Land:
    """Settle the country: first date, then the changes."""
    size_px = tex.patch.shape[0]
    water_rng, farm_rng, mine_rng, patch_rng, change_rng = rng.spawn(5)
    waters = draw_waters(water_rng, plan, tex, size_px)
    near = trace([plan.trunk, *plan.sides], size_px)
    wet = (waters.creek.distance < 2.6) | (waters.river.distance < 0.62 * plan.river_width_px)
    farms = draw_farms(farm_rng, (plan.trunk, *plan.sides), near, tex, wet=wet)
    mines = draw_mines(mine_rng, plan, waters, tex)
    tracks = [_track(mine_rng, mine, near) if mine.track else None for mine in mines]
    felled = [draw_blob(shape, tex) for shape in fellings(patch_rng, near, size_px)]
    young = len(felled) // 2

    cover = np.full((size_px, size_px), FOREST, np.uint8)
    thing = np.zeros((size_px, size_px), np.int32)
    ground = Ground(cover, thing)
    whole = (slice(0, size_px), slice(0, size_px))
    _paint(ground, whole, farms.opened[farms.field], FARMLAND, farms.field)
    for number, blob in enumerate(felled[:young]):
        window = blob.window
        free = (blob.height > 0) & ~wet[window] & (cover[window] == FOREST)
        _paint(ground, window, free, CLEARING, number)
    for number, shape in enumerate(gardens(patch_rng, plan, size_px)):
        blob = draw_blob(shape, tex)
        _paint(ground, blob.window, blob.height > 0, FARMLAND, SPAN // 2 + number)
    for number, shape in enumerate(villages(patch_rng, plan, size_px)):
        blob = draw_blob(shape, tex)
        _paint(ground, blob.window, blob.height > 0, RESIDENTIAL, number)
    _paint(ground, whole, waters.body >= 10, WATER, waters.body)
    for number, mine in enumerate(mines):
        if mine.early:
            _paint(ground, mine.blob.window, mine.blob.height > 0, QUARRY, number)
    half = np.where(near.line == 0, 0.95, 0.62)
    _paint(ground, whole, (near.line >= 0) & (near.distance < half), ROAD, near.line)
    early = [path for mine, path in zip(mines, tracks, strict=True) if mine.early]
    for number, path in enumerate(early):
        _paint_track(ground, path, 1000 + number)
    _paint(ground, whole, waters.sand, SAND, np.asarray(ndimage.label(waters.sand)[0], np.int32))
    _paint(ground, whole, (waters.body > 0) & (waters.body < 10), WATER, waters.body)

    late = Ground(cover.copy(), thing.copy())
    _change(change_rng, late, farms, felled=felled[young:], mines=mines, wet=wet)
    for number, (mine, path) in enumerate(zip(mines, tracks, strict=True)):
        if not mine.early:
            _paint_track(late, path, 3000 + number)
    digging = np.full((size_px, size_px), -1.0, np.float32)
    for mine in mines:
        inside = digging[mine.blob.window]
        np.maximum(inside, mine.blob.height, out=inside)
    kept = tuple(path for path in early if path is not None)
    return Land(ground, late, waters, farms, near, (plan.trunk, *plan.sides, *kept), digging)


def _paint(ground: Ground, window: Window, where: Mask, code: int, number: Ids | int) -> None:
    """Give the pixels where (shape of the window) a class and an object, in place."""
    ground.cover[window][where] = code
    values = number[where] if isinstance(number, np.ndarray) else number
    ground.thing[window][where] = code * SPAN + values


def _change(
    rng: np.random.Generator,
    late: Ground,
    farms: Farms,
    *,
    felled: list[Blob],
    mines: list[Mine],
    wet: Mask,
) -> None:
    """Fell forest in late, in place, mines first, until the loss is reached."""
    budget = _LOSS_SHARE * late.cover.size
    spent = 0
    for number in rng.permutation(len(mines)):
        blob, early = mines[number].blob, mines[number].early
        where = blob.height > (-mines[number].growth if early else 0.0)
        where &= late.cover[blob.window] == FOREST
        if spent + where.sum() <= _MINE_SHARE * late.cover.size:
            _paint(late, blob.window, where, QUARRY, int(number))
            spent += int(where.sum())
    boxes = ndimage.find_objects(farms.field)
    fields = np.flatnonzero(farms.next_up)
    plots = [(CLEARING, number) for number in range(len(felled))]
    plots += [(FARMLAND, int(f)) for f in fields if f <= len(boxes) and boxes[f - 1] is not None]
    for pick in rng.permutation(len(plots)):
        code, number = plots[pick]
        if code == CLEARING:
            window, number = felled[number].window, number + 50_000
            where = (felled[number - 50_000].height > 0) & ~wet[window]
        else:
            window = boxes[number - 1]
            where = farms.field[window] == number
            # Half of what will be pasture is still ash and logs on the day.
            code = CLEARING if rng.random() < 0.4 else FARMLAND
        where = where & (late.cover[window] == FOREST)
        if spent + where.sum() <= budget:
            _paint(late, window, where, code, number)
            spent += int(where.sum())
    old = np.unique(late.thing[(late.cover == CLEARING) & (late.thing < CLEARING * SPAN + 50_000)])
    grassed = rng.choice(old, size=len(old) // 3, replace=False)
    where = np.isin(late.thing, grassed)
    late.cover[where] = FARMLAND
    late.thing[where] += (FARMLAND - CLEARING) * SPAN + SPAN // 4


def _track(rng: np.random.Generator, mine: Mine, near: Trace) -> Points | None:
    """A track from a mine to the nearest road, where one is near enough."""
    size_px = near.distance.shape[0]
    row = int(np.clip(mine.y, 1, size_px - 2))
    col = int(np.clip(mine.x, 1, size_px - 2))
    gap = float(near.distance[row, col])
    if near.line[row, col] < 0 or not 6.0 < gap < 260.0:
        return None
    # The gradient of the distance points away from the road, so the road lies against it.
    down = near.distance[row + 1, col] - near.distance[row - 1, col]
    right = near.distance[row, col + 1] - near.distance[row, col - 1]
    away = np.array([right, down]) / max(float(np.hypot(right, down)), 1e-6)
    here = np.array([mine.x, mine.y])
    return wander(rng, here, here - gap * away, sway_px=0.05 * gap + 0.8, bend_px=40.0)


def _paint_track(ground: Ground, path: Points | None, number: int) -> None:
    """Cut a track one pixel wide through forest, in place."""
    if path is None:
        return
    dense = resample(path, 0.5).astype(int)
    dense = dense[((dense >= 0) & (dense < ground.cover.shape[0])).all(axis=1)]
    row, col = dense[:, 1], dense[:, 0]
    forest = ground.cover[row, col] == FOREST
    ground.cover[row[forest], col[forest]] = ROAD
    ground.thing[row[forest], col[forest]] = ROAD * SPAN + number
