"""A planted region to be looked at: three kinds of ground, and a few tiles in which something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import rasterio
from affine import Affine

from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.steps.tile import tile
from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index

if TYPE_CHECKING:
    from pathlib import Path

SIZE, COLS, ROWS = 24, 15, 10
TILES = COLS * ROWS
KINDS = ("wood", "field", "sand")
COLORS = np.array([[60.0, 90, 55], [120, 110, 60], [170, 150, 125]])
ROUGH = (14.0, 4.0, 8.0)
"""Deviation of a kind's pixels."""
BANDS = ("red", "green", "blue")
ODD, STRIPED, FULL, EMPTY = 22, 57, 93, 131
"""Tiles: of a checked cloth, with an offset a row, saturated, of one value."""


@dataclass(frozen=True)
class Gallery:
    tiles: Path
    pixels: np.ndarray
    """(TILES, 3, 24, 24), as in the raster."""
    kinds: np.ndarray
    """(TILES,): of the ground."""

    @property
    def sound(self) -> np.ndarray:
        """Which tiles nothing is wrong with (TILES,)."""
        return ~np.isin(np.arange(TILES), (ODD, STRIPED, FULL, EMPTY))


def write_gallery(folder: Path) -> Gallery:
    """Its raster and its index of labelled tiles, in two parts."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, len(KINDS), TILES)
    level = COLORS[kinds] + rng.normal(0, 3, (TILES, 3))
    spread = np.array(ROUGH)[kinds, None, None, None]
    pixels = level[:, :, None, None] + spread * rng.normal(size=(TILES, 3, SIZE, SIZE))
    row, col = np.indices((SIZE, SIZE))
    pixels[ODD] = np.where((row // 2 + col // 2) % 2, 235, 15) * np.array([1, 0.2, 1])[:, None, None]
    pixels[STRIPED] += rng.normal(0, 25, SIZE)[:, None]
    pixels[FULL] = 255
    pixels[EMPTY] = 7
    pixels = pixels.round().clip(1, 255).astype("uint8")
    part = np.where(rng.random(TILES) < 0.5, "train", "test")
    labels = {name: kinds == kind for kind, name in enumerate(KINDS)}
    return Gallery(write_tiles(folder, pixels, labels, part), pixels, kinds)


def write_tiles(folder: Path, pixels: np.ndarray, labels: dict[str, np.ndarray], part: np.ndarray) -> Path:
    """Tiles (TILES, 3, 24, 24) side by side in a raster, and their index; of each one class is there."""
    mosaic = pixels.reshape(ROWS, COLS, 3, SIZE, SIZE).transpose(2, 0, 3, 1, 4).reshape(3, ROWS * SIZE, COLS * SIZE)
    place = {"crs": "EPSG:32719", "transform": Affine(10.0, 0.0, 400_000.0, 0.0, -10.0, 8_600_000.0)}
    shape = {"count": 3, "height": mosaic.shape[1], "width": mosaic.shape[2], "dtype": "uint8"}
    with rasterio.open(folder / "region.tif", "w", driver="GTiff", **shape, **place) as raster:
        raster.write(mosaic)
        raster.descriptions = BANDS
    path = folder / "tiles.parquet"
    tile([folder / "region.tif"], output=path, size=SIZE)
    index = read_index(path)
    at = index.column("row_off") // SIZE * COLS + index.column("col_off") // SIZE
    assert at.tolist() == list(range(TILES))
    columns = {
        "known": pa.array(np.ones(TILES, np.float32)),
        "split": dictionary(part.tolist()),
        **{LABEL_PREFIX + name: pa.array(there.astype(np.float32)) for name, there in labels.items()},
    }
    scheme = complete(Scheme("gallery", tuple(LabelClass(name, group="kind") for name in labels)))
    split = {"method": "random", "by": None, "seed": 0}
    write_index(path, index.with_columns(columns, scheme=scheme.to_json(), split=split), overwrite=True)
    return path
