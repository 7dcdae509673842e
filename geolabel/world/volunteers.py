"""What volunteers drew of the first date: incomplete, shifted, smoothed, now and then wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from shapely import LineString, get_coordinates, line_interpolate_point, simplify

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
from geolabel.world.fields import random_field

if TYPE_CHECKING:
    from geolabel.world.arrays import Codes, Ids, Mask
    from geolabel.world.land import Land

_MAPPED_SHARE = {
    FARMLAND: 0.66,
    CLEARING: 0.60,
    RESIDENTIAL: 0.70,
    QUARRY: 0.64,
    WATER: 0.66,
    SAND: 0.62,
}
"""How many objects of each class somebody has drawn, in the order they are drawn over."""
_WRONG_SHARE = 0.03
"""How many were given another class."""
_THIN = (WATER,)
"""Classes drawn as lines with a width, so that smoothing must not erase them."""


def draw_map(rng: np.random.Generator, land: Land) -> tuple[Ids, Codes, tuple[LineString, ...]]:
    """The map of the first date: object per pixel, class per object, and its roads."""
    forest_rng, rng, road_rng = rng.spawn(3)
    mapped, count = _woods(forest_rng, land.before.cover)
    classes = [0] + [FOREST] * count
    for code, share in _MAPPED_SHARE.items():
        things = _objects(land, code)
        for number, box in enumerate(ndimage.find_objects(things), start=1):
            # The one thing every volunteer draws first is the big river.
            if box is None or (rng.random() > share and not _is_river(land, things, number)):
                continue
            window = tuple(
                slice(max(s.start - 6, 0), min(s.stop + 6, size)) for s, size in zip(box, things.shape, strict=True)
            )
            drawn = _by_hand(rng, things[window] == number, thin=code in _THIN)
            if not drawn.any():
                continue
            mapped[window][drawn] = len(classes)
            wrong = rng.random() < _WRONG_SHARE
            others = [c for c in (FOREST, *_MAPPED_SHARE) if c != code]
            classes.append(int(rng.choice(others)) if wrong else code)
    lines: list[LineString] = []
    for number, path in enumerate(land.early_roads):
        if number > 0 and road_rng.random() > 0.66:
            continue
        shifted = path + road_rng.normal(0.0, 0.7, 2)
        line = LineString(simplify(LineString(shifted), 0.6).coords)
        lines.append(line)
        col, row = _pixels(line, mapped.shape[0])
        if len(col):
            mapped[row, col] = len(classes)
            classes.append(ROAD)
    return mapped, np.array(classes, np.uint8), tuple(lines)


def _objects(land: Land, code: int) -> Ids:
    """Objects of one class as a volunteer sees them, numbered from 1."""
    where = land.before.cover == code
    if code in (QUARRY, SAND):
        return np.asarray(ndimage.label(where, np.ones((3, 3)))[0], np.int32)
    _, number = np.unique(land.before.thing[where], return_inverse=True)
    things = np.zeros(where.shape, np.int32)
    things[where] = number + 1
    return things


def _is_river(land: Land, things: Ids, number: int) -> bool:
    """Whether an object is the big river."""
    return bool(((things == number) & (land.waters.body == 1)).any())


def _by_hand(rng: np.random.Generator, shape: Mask, *, thin: bool) -> Mask:
    """One object as drawn: its outline smoothed and laid up to two pixels off."""
    soft = ndimage.gaussian_filter(shape.astype(np.float32), 0.8 if thin else 1.5)
    drawn = soft > (0.28 if thin else rng.uniform(0.36, 0.6))
    reach, way = rng.uniform(0.0, 2.0), rng.uniform(0.0, 2.0 * np.pi)
    off = (int(np.rint(reach * np.sin(way))), int(np.rint(reach * np.cos(way))))
    return np.asarray(ndimage.shift(drawn, off, order=0, cval=False))


def _woods(rng: np.random.Generator, cover: Codes) -> tuple[Ids, int]:
    """Forest as a few generous polygons over part of the country: (numbers, how many)."""
    size_px = cover.shape[0]
    where_rng, split_rng = rng.spawn(2)
    worked = random_field(where_rng, size_px, coarse_px=0.5 * size_px, fine_px=25.0, slope=1.5)
    canopy = ndimage.gaussian_filter((cover == FOREST).astype(np.float32), 3.5) > 0.5
    drawn = canopy & (worked > np.quantile(worked, 0.36))
    # People work square by square: a few seats, each pixel to the nearest.
    seats = split_rng.uniform(0.0, size_px, (9, 2)).astype(np.float32)
    row, col = np.ogrid[0:size_px, 0:size_px]
    nearest = np.argmin([(col - x) ** 2 + (row - y) ** 2 for x, y in seats], axis=0)
    names, number = np.unique(nearest[drawn], return_inverse=True)
    woods = np.zeros(cover.shape, np.int32)
    woods[drawn] = number + 1
    return woods, len(names)


def _pixels(line: LineString, size_px: int) -> tuple[Ids, Ids]:
    """Columns and rows under a line, two pixels wide."""
    at = np.arange(0.0, line.length, 0.4)
    points = get_coordinates(line_interpolate_point(line, at))
    aside = np.array([[0.0, 0.0], [0.8, 0.0], [0.0, 0.8]])
    points = (points[:, None] + aside).reshape(-1, 2)
    col, row = points.astype(np.int32).T
    inside = (col >= 0) & (row >= 0) & (col < size_px) & (row < size_px) & (points > 0).all(axis=1)
    return col[inside], row[inside]
