"""Whether an explanation means anything: what is called relevant is removed, and the model must miss it.

Removed are square blocks, not single pixels: a tile of pixels taken out here and there is like nothing that a model has
ever seen, and its answer would tell of that. Blocks that are removed by chance are removed by the same relevance, moved
and mirrored by chance, so that they hang together as much, leave as much of an edge, and only lie elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.explain.removal import Removal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

_BLOCKS = 8
"""Along the tile's smaller side."""
_REMOVED = (0, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1)
"""Shares of the tile that are removed: close at the beginning, where orders differ most. Even sixteenths say the same,
and leave time for half as many random orders."""
_REPEATS = 40
"""Random orders."""
_LEAST_GAIN = 0.05
"""Of probability, on average over what is removed: less is of no use to anybody, however certain."""
_RARE = 0.05
"""Fewer random orders than this share may do as well: of 40, one, which chance brings about twice in 41 times."""
_UNSEEN = 0.1
"""Below this probability there is little to explain."""
_AT_ONCE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """What a class's probability does while a tile is removed, by relevance and by chance."""

    removed: tuple[float, ...]
    """Shares of the valid pixels, 0–1: (k,)."""
    probability: tuple[float, ...]
    """Where the most relevant go first: (k,)."""
    random: tuple[float, ...]
    """Mean of the random orders: (k,)."""
    area: float
    """Under `probability`, 0–1: the lower, the better the explanation."""
    random_area: float
    """Mean of the areas of the random orders."""
    random_spread: float
    """Standard deviation of these."""
    p: float
    """Share of random orders whose area is as low."""
    meaningful: bool
    """Whether relevance does better than chance: surely, and by so much that it matters."""
    told: str
    """The same in words."""


def deletion_check(
    predictor: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    relevance: NDArray[np.floating[Any]],
    class_index: int,
    *,
    seed: int,
) -> Check:
    """Remove a tile block by block, the most relevant first, and in random orders.

    `pixels` (bands, h, w) are stored values, `valid` and `relevance` (h, w). Source: the deletion curve of Petsiuk, Das
    and Saenko 2018 (RISE, arXiv 1806.07421).
    """
    rng = np.random.default_rng(seed)
    blocks = _blocks(valid)
    maps = [relevance, *(_moved(relevance, rng) for _ in range(_REPEATS))]
    orders = np.stack([_order(blocks, one, rng) for one in maps])
    removed = np.array(_REMOVED)
    removal = Removal.of(predictor.card, pixels, valid)
    curves = _curves(predictor, removal, blocks, orders, removed, class_index)
    areas = (curves[:, 1:] + curves[:, :-1]) @ np.diff(removed) / 2
    return _judged(removed, curves, areas)


def points_at(relevance: NDArray[np.floating[Any]], inside: NDArray[np.bool_], tolerance_px: float = 0) -> bool:
    """The pointing game: whether the most relevant pixel of (h, w) lies inside an object, or as near as that.

    Of pixels that are as relevant (a superpixel's, say), the one deepest among them points. Where nothing speaks for
    the class, nothing is pointed at. Source: Zhang et al. 2016, arXiv 1608.00507.
    """
    from scipy.ndimage import distance_transform_edt

    if not relevance.max() > 0 or not inside.any():
        return False
    depth = distance_transform_edt(np.pad(relevance == relevance.max(), 1))[1:-1, 1:-1]
    away = distance_transform_edt(~inside)
    return bool(away.flat[int(depth.argmax())] <= tolerance_px)


def _blocks(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The number of each pixel's square block (h, w), from 0 on; −1 where not valid."""
    side = max(1, min(valid.shape) // _BLOCKS)
    down, across = (np.arange(length) // side for length in valid.shape)
    found = np.full(valid.shape, -1, np.int64)
    numbers = (down[:, None] * (across[-1] + 1) + across)[valid]
    found[valid] = np.unique(numbers, return_inverse=True)[1]
    return found


def _moved(relevance: NDArray[np.floating[Any]], rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """The map mirrored and rolled around by chance."""
    upside_down, mirrored = rng.integers(0, 2, 2)
    turned = relevance[:: 1 - 2 * upside_down, :: 1 - 2 * mirrored]
    down, across = rng.integers(0, relevance.shape)
    return np.roll(turned, (down, across), axis=(0, 1))


def _order(
    blocks: NDArray[np.int64], relevance: NDArray[np.floating[Any]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Blocks by their mean relevance, the highest first; those alike in an order by chance."""
    seen = blocks >= 0
    total = np.bincount(blocks[seen], relevance[seen])
    mean = total / np.bincount(blocks[seen])
    return np.lexsort((rng.permutation(len(mean)), -mean))


def _curves(
    predictor: Predictor,
    removal: Removal,
    blocks: NDArray[np.int64],
    orders: NDArray[np.int64],
    removed: NDArray[np.float64],
    class_index: int,
) -> NDArray[np.float64]:
    """Probabilities (orders, k) where the shares `removed` (k,) are gone, read off between whole blocks."""
    several, number = orders.shape
    if not number:  # nothing is valid
        return np.full((several, len(removed)), predictor(removal.pixels[None], removal.valid[None])[0, class_index])
    ranks = np.empty_like(orders)
    np.put_along_axis(ranks, orders, np.arange(number)[None], axis=1)
    counts = np.unique(np.round(removed * number).astype(np.int64))
    # the whole tile and none of it are the same in every order
    asked = [(0, 0), (0, number), *((order, count) for order in range(several) for count in counts[1:-1].tolist())]
    step = max(1, _AT_ONCE_BYTES // removal.pixels.nbytes)
    parts = []
    for start in range(0, len(asked), step):
        order, count = np.array(asked[start : start + step]).T
        gone = (ranks[order][:, blocks] < count[:, None, None]) & (blocks >= 0)
        parts.append(predictor(*removal.without(gone))[:, class_index])
    whole, nothing, between = np.split(np.concatenate(parts), [1, 2])
    ends = [np.broadcast_to(end, (several, 1)) for end in (whole, nothing)]
    known = np.concatenate([ends[0], between.reshape(several, -1), ends[1]], axis=1)
    sizes = np.bincount(blocks[blocks >= 0])
    shares = np.cumsum(sizes[orders], axis=1)[:, counts[1:] - 1] / removal.valid.sum()
    return np.stack([np.interp(removed, [0, *share], one) for share, one in zip(shares, known, strict=True)])


def _judged(removed: NDArray[np.float64], curves: NDArray[np.float64], areas: NDArray[np.float64]) -> Check:
    """The verdict on curves (1 + repeats, k) and the areas under them, that of the relevance first."""
    area, random_area, spread = float(areas[0]), float(areas[1:].mean()), float(areas[1:].std())
    as_good = float((areas[1:] <= areas[0]).mean())
    meaningful = as_good < _RARE and random_area - area >= _LEAST_GAIN
    told = "better than random" if meaningful else "not surely better than random"
    told += f": area under the deletion curve {area:.2f}, by chance {random_area:.2f} ± {spread:.2f}"
    told += "" if meaningful or not as_good else f", as low in {as_good:.0%} of the random orders"
    start, end = curves[0][[0, -1]]
    if start < _UNSEEN:
        told += f"; the model hardly sees the class here (probability {start:.2f})"
    elif end >= start:
        told += f"; a tile without anything looks as much like the class ({end:.2f}) as this one ({start:.2f})"
    return Check(
        tuple(removed.tolist()),
        tuple(curves[0].tolist()),
        tuple(curves[1:].mean(axis=0).tolist()),
        area,
        random_area,
        spread,
        as_good,
        meaningful,
        told,
    )
