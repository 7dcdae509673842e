"""How hazy each tile is, as a column of the index."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch

from geolabel.learn.chips import load_chips
from geolabel.learn.haze import DarkChannel, atmospheric_light, haze_degree
from geolabel.learn.transforms import to_tensor, visible_bands
from geolabel.progress import track

if TYPE_CHECKING:
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
    visible = visible_bands(index.sources[0].bands)
    width, height = index.tiling["size"]
    step = max(1, _AT_ONCE_PX // (int(width) * int(height)))
    some = np.unique(np.linspace(0, len(index) - 1, min(_SAMPLE, len(index))).astype(np.int64))
    lights = [
        atmospheric_light(*_pixels(index, base, some[start : start + step]), DarkChannel(), visible)
        for start in range(0, len(some), step)
    ]
    light = torch.cat(lights).nanquantile(_BRIGHT, dim=0)
    degrees = np.full(len(index), np.nan, np.float32)
    for start in track(range(0, len(index), step), what="measuring haze", unit="parts"):
        rows = np.arange(start, min(start + step, len(index)))
        degrees[rows] = haze_degree(*_pixels(index, base, rows), DarkChannel(), visible, light).numpy()
    return index.with_columns({HAZE: pa.array(degrees)}, history=(*index.history, HAZE))


def _pixels(index: TileIndex, base: Path, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Physical values (n, bands, h, w) of tiles, and where they are valid (n, h, w)."""
    with tempfile.TemporaryDirectory() as scratch:
        chips = load_chips(index, rows, base, Path(scratch))
        pixels, valid = to_tensor(chips.pixels, torch.device("cpu")).float(), np.array(chips.valid)
    source = index.sources[0]  # load_chips refuses sources of different scales
    scale, offset = (
        torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (source.scale, source.offset)
    )
    return pixels * scale + offset, torch.from_numpy(valid)
