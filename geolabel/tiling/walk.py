"""Cluster sampling: a walk over the ground that stays near for some tiles, then begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import OptionError
from geolabel.tiling.places import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.tiling.ground import Ground


def draw_clusters(
    ground: Ground, count: int, per: int, reach_px: float, rng: np.random.Generator, random_reset: float
) -> Places:
    """`Ground.clusters`."""
    if per < 1 or reach_px < 1 or not 0 <= random_reset <= 1:
        raise OptionError(
            "a cluster needs at least 1 tile, a reach of at least 1 px, and a chance of 0–1 to begin anew; "
            f"got {per}, {reach_px:g} px and {random_reset:g}"
        )
    starts, cluster = cluster_starts(count, per, random_reset, rng)
    firsts = ground.random(len(starts), rng).take(cluster)
    near, found = ground.around(firsts, 1, reach_px, rng)
    anywhere = ground.random(int((~found).sum()), rng)
    chosen = np.where(found, np.arange(count) + count, 2 * count - 1 + np.cumsum(~found))
    chosen[starts] = starts
    return Places.concat([firsts, near, anywhere]).take(chosen)


def cluster_starts(
    count: int, per: int, random_reset: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of `count` tiles begin a cluster (clusters,), and the cluster of each tile (count,).

    A cluster ends after `per` tiles, or before any tile with probability `random_reset`.
    """
    at = np.arange(count)
    reset = rng.random(count) < random_reset
    reset[:1] = True
    since = at - np.maximum.accumulate(np.where(reset, at, 0))
    begins = since % per == 0
    return np.flatnonzero(begins), np.cumsum(begins) - 1
