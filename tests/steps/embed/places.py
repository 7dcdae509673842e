"""A little region to train embedders on: tiles with labels, and the raster they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.steps.lesson import SIZE, TILES, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

CLASSES = ("sand", "water", "wood")
RINGS: dict[str, Any] = {
    "supervised": False,
    "min_pos_dist": 1,
    "max_pos_dist": 2,
    "min_neg_dist": 4,
    "max_neg_dist": 8,
}
"""Distances for which a region of 20 × 12 tiles is large enough."""
QUICK: dict[str, Any] = {"epochs": 1, "steps": 2, "batch": 8, "output_size": 6}
SHORT_VECTORS: dict[str, Any] = {"norm_output": False, "margin": 10.0}
"""What tile2vec needs."""


@dataclass(frozen=True)
class Places:
    raster: Path
    tiles: Path
    classes: np.ndarray
    """(tiles,): 0, 1 or 2."""


def write_places(write_raster: WriteRaster, seed: int = 0, doubt: float = 3) -> Places:
    """Tiles of one class each, which is the band that is brighter."""
    classes = np.random.default_rng(seed).integers(3, size=TILES)
    shown = np.eye(3, dtype=np.float32)[classes]
    raster = write_region(write_raster, shown, doubt=doubt)
    labels = {name: shown[:, number] for number, name in enumerate(CLASSES)}
    return Places(raster, write_tiles(raster, labels, groups=["cover"] * 3), classes)


__all__ = ["CLASSES", "QUICK", "RINGS", "SHORT_VECTORS", "SIZE", "TILES", "Places", "write_places"]
