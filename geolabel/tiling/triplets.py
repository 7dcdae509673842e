"""Triplets by distance: an anchor, a tile near it, and tiles farther away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError, OptionError
from geolabel.tiling.places import Places

if TYPE_CHECKING:
    from geolabel.tiling.ground import Ground

Ring = tuple[float, float]
"""From … to, pixels."""

_AT_ONCE = 1 << 15
"""Anchors that are looked at together."""
_RAREST, _ENOUGH = 0.001, 1 << 12
"""Where fewer anchors of so many have both, the ground is taken for too small: the search would take too long."""
_NAMES = {"positives": "pos", "negatives": "neg"}


def draw_triplets(
    ground: Ground, count: int, rng: np.random.Generator, *, positive: Ring, negative: Ring, negatives: int
) -> tuple[Places, Places, Places]:
    """`Ground.triplets`."""
    if negatives < 1:
        raise OptionError(f"a triplet needs at least one negative, got {negatives}")
    for what, (low, high) in (("positives", positive), ("negatives", negative)):
        _check(ground, what, low, high)
    anchors: list[Places] = []
    near: list[Places] = []
    far: list[Places] = []
    missing, tried, done = count, 0, 0
    while missing > 0:
        tries = min(int(missing * (tried + 1) / (done + 1) * 1.1) + 16, _AT_ONCE)
        drawn = ground.random(tries, rng)
        some, found = ground.around(drawn, *positive, rng)
        drawn, some = drawn.take(found), some.take(found)
        others, found = ground.around(drawn.take(np.repeat(np.arange(len(drawn)), negatives)), *negative, rng)
        both = np.flatnonzero(found.reshape(-1, negatives).all(axis=1))
        tried, done = tried + tries, done + len(both)
        if tried >= _ENOUGH and done < tried * _RAREST:
            what = "negatives" if len(drawn) else "positives"
            low, high = negative if len(drawn) else positive
            raise EmptyError(
                f"{what} are to lie {low:g}–{high:g} px away, but {done} of {tried} tiles have such; "
                f"{_remedy(what)}, lower --min-valid, or give more ground"
            )
        kept = both[:missing]
        anchors.append(drawn.take(kept))
        near.append(some.take(kept))
        far.append(others.take((kept[:, None] * negatives + np.arange(negatives)).ravel()))
        missing -= len(kept)
    return Places.concat(anchors), Places.concat(near), Places.concat(far)


def _check(ground: Ground, what: str, low: float, high: float) -> None:
    """Raises OptionError and EmptyError where no raster can hold such a pair."""
    name = _NAMES[what]
    if not 0 <= low <= high or high < 1:
        raise OptionError(
            f"{what} cannot lie {low:g}–{high:g} px away; give --min-{name}-dist and a larger --max-{name}-dist"
        )
    sides = [(info.width, info.height) for info in ground.infos]
    width, height = max(sides, key=lambda side: math.hypot(side[0] - ground.size, side[1] - ground.size))
    if low > math.hypot(width - ground.size, height - ground.size):
        subject = "the raster is" if len(sides) == 1 else f"the largest of {len(sides)} rasters is"
        raise EmptyError(
            f"{what} are to lie {low:g}–{high:g} px away, but {subject} {width} × {height} px: {_remedy(what)}"
        )


def _remedy(what: str) -> str:
    return (
        f"lower --min-{_NAMES[what]}-dist or --size"
        if what == "negatives"
        else "raise --max-pos-dist, or lower --min-pos-dist"
    )
