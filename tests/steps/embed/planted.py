"""A region whose tiles show their class as brightness, and encoders that see it, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn.encoder import start_encoder
from geolabel.learn.store import save_predictor
from geolabel.model import BandContract, ModelCard
from geolabel.tiling.index import read_index, write_index
from tests.steps.lesson import TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.tiling.index import TileIndex
    from tests.conftest import WriteRaster

CPU = torch.device("cpu")
UNKNOWN = 7
"""Every seventh tile has no label."""


def planted_tiles(write_raster: WriteRaster, *, doubt: float = 2) -> Path:
    """Tiles of a bright class and a dark one; of every seventh nothing is known."""
    bright = draw_classes(1, share=0.5)
    raster = write_region(write_raster, np.repeat(bright, 3, axis=1), doubt=doubt)
    labels = bright[:, 0].copy()
    labels[::UNKNOWN] = np.nan
    return write_tiles(raster, {"bright": labels, "dark": 1 - labels}, groups=("tone", "tone"))


def with_split(tiles: Path, split: dict[str, object] | None) -> TileIndex:
    """Write what the index says of its split."""
    index = replace(read_index(tiles), split=split)
    write_index(tiles, index, overwrite=True)
    return index


def write_encoder(path: Path, tiles: Path, *, mean: float = 110.0, **trained_on: object) -> Path:
    """A network with weights drawn at random; of bands with an absurd mean it sees nothing."""
    index = read_index(tiles)
    source, size = index.sources[0], index.tiling["size"]
    card = ModelCard(
        architecture="small-cnn",
        heads=(),
        scheme={},
        bands=tuple(BandContract(name, 1.0, 0.0, mean, 15.0) for name in source.bands),
        dtype=source.dtype,
        nodata=source.nodata,
        gsd_m=source.gsd_m,
        tile_px=(size[0], size[1]),
        presence={},
        thresholds={},
        settings={"output_size": 1},
        trained_on=trained_on,
        kind="embedder",
    )
    save_predictor(path, start_encoder(card, "none", 3, CPU))
    return path


__all__ = ["CPU", "TILES", "UNKNOWN", "planted_tiles", "with_split", "write_encoder"]
