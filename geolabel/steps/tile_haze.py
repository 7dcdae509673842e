"""How hazy each tile is, as a column of the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.haze.tiles import degrees, lights
from geolabel.learn.transforms import visible_bands
from geolabel.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex

HAZE = "haze"
_AT_ONCE_PX = 1 << 24
_SAMPLE = 1024
"""Tiles from which the light of the whole is taken."""
_BRIGHT = 0.98
"""Quantile of the tiles' lights: a tile without haze has none to show, a roof in the sun is brighter than any."""


def with_haze(index: TileIndex, base: Path) -> TileIndex:
    """The index, whose sources lie by `base`, with a column `haze`: 0 clear to 1, NaN where nothing is valid.

    The mean of 1 − transmission by the dark channel prior, under one atmospheric light for all tiles, so that they can
    be compared. Raises BandError without red, green and blue, InputError.
    """
    source = index.sources[0]  # load_chips refuses sources of different scales
    visible = visible_bands(source.bands)
    some = np.unique(np.linspace(0, len(index) - 1, min(_SAMPLE, len(index))).astype(np.int64))
    shown = [lights(chips, source.scale, source.offset, visible) for _, chips in _parts(index, base, some)]
    light = np.nanquantile(np.concatenate(shown), _BRIGHT, axis=0)
    found = np.full(len(index), np.nan, np.float32)
    parts = _parts(index, base, np.arange(len(index)))
    for rows, chips in track(parts, total=_count(index, len(index)), what="measuring haze", unit="parts"):
        found[rows] = degrees(chips, source.scale, source.offset, visible, light)
    return index.with_columns({HAZE: pa.array(found)}, history=(*index.history, HAZE))


def _parts(index: TileIndex, base: Path, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Chips]]:
    """Tiles `rows` (n,) with their pixels, as many as memory holds at a time."""
    for part in np.array_split(rows, _count(index, len(rows))):
        with files.scratch() as scratch:
            yield part, load_chips(index, part, base, scratch)


def _count(index: TileIndex, tiles: int) -> int:
    width, height = index.size_px
    return max(1, -(-tiles * int(width) * int(height) // _AT_ONCE_PX))
