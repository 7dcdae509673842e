"""The half of `geolabel tile` that draws tiles instead of laying them out as a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel.errors import OptionError
from geolabel.progress import log
from geolabel.steps.drawn import ground_of, index_of_places
from geolabel.tiling.places import Places
from geolabel.tiling.sampling import MOST_TILES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from geolabel.raster import RasterInfo
    from geolabel.tiling.ground import Ground
    from geolabel.tiling.index import TileIndex

_REACH = 5.0
"""Tiles of a cluster lie within so many tile sizes of its first: what counts as near where embeddings are learned."""
_ROUNDS = 8
"""Tiles drawn twice count once; so often others are drawn for them."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tiles are drawn."""

    how: Literal["random", "cluster"]
    count: int
    cluster_size: int = 16
    """Tiles of a cluster."""
    random_reset: float = 0.0
    """Chance that a tile begins a cluster of its own: 1 is sampling at random."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise OptionError(f"--count must be at least 1, got {self.count}")
        if self.count > MOST_TILES:
            raise OptionError(f"--count {self.count:,}: an index holds {MOST_TILES:,} tiles at most; draw fewer")
        if self.cluster_size < 1:
            raise OptionError(f"--cluster-size must be at least 1, got {self.cluster_size}")
        if not 0 <= self.random_reset <= 1:
            raise OptionError(f"--random-reset must lie in 0–1, got {self.random_reset:g}")


def tile_sampled(
    infos: Iterable[RasterInfo], output: Path, size: int, aoi: Path | None, min_valid: float, how: Sampling
) -> TileIndex:
    """An index at `output` of different tiles, drawn and then sorted by raster, row and column.

    Raises OptionError, BandError, CRSError, InputError, EmptyError (no tile fits).
    """
    sources, ground = ground_of(infos, output, size, min_valid=min_valid, aoi=aoi)
    places = _draw(ground, how)
    if len(places) < how.count:
        log.warning("only %d different tiles were found, of --count %d", len(places), how.count)
    tiling = {"sampling": how.how, "size": [size, size], "min_valid": min_valid, "count": how.count, "seed": how.seed}
    if how.how == "cluster":
        tiling |= {"cluster_size": how.cluster_size, "random_reset": how.random_reset, "reach_px": _REACH * size}
    return index_of_places(places, ground, sources, ground.valid_share(places), tiling)


def _draw(ground: Ground, how: Sampling) -> Places:
    """Different tiles, sorted."""
    rng = np.random.default_rng(how.seed)
    found = np.zeros((0, 3), np.int64)
    for _ in range(_ROUNDS):
        missing = how.count - len(found)
        if not missing:
            break
        if how.how == "random":
            drawn = ground.random(missing, rng)
        else:
            drawn = ground.clusters(missing, how.cluster_size, _REACH * ground.size, rng, how.random_reset)
        more = np.column_stack([drawn.source, drawn.row, drawn.col])
        found = np.unique(np.concatenate([found, more]), axis=0)
    return Places(found[:, 0], found[:, 2], found[:, 1])
