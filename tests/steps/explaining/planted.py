"""A little region in which a class is a bright square in its tile: where it is, is known to the pixel."""

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

SIZE, COLS, ROWS, SQUARE = 24, 12, 10, 8
TILES = COLS * ROWS
BANDS = ("red", "green", "blue")
TRANSFORM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)


@dataclass(frozen=True)
class Planted:
    raster: Path
    tiles: Path
    there: np.ndarray
    """(TILES,): which tiles show the class."""
    squares: np.ndarray
    """(height, width): where it is."""


def plant(folder: Path, *, nodata_cols: int = 0) -> Planted:
    """Write the raster and its labelled, split index; the second class, `dull`, is a darker blue all over its tile."""
    rng = np.random.default_rng(4)
    there, dull = rng.random((2, TILES)) < 0.4
    height, width = ROWS * SIZE, COLS * SIZE
    pixels = rng.normal(90, 6, (3, height, width))
    squares = np.zeros((height, width), dtype=bool)
    for at in np.flatnonzero(there):
        row, col = at // COLS * SIZE, at % COLS * SIZE
        down, across = rng.integers(0, SIZE - SQUARE + 1, 2)
        squares[row + down : row + down + SQUARE, col + across : col + across + SQUARE] = True
    pixels[0, squares] += 110
    pixels[2] -= np.kron(dull.reshape(ROWS, COLS) * 40, np.ones((SIZE, SIZE)))
    if nodata_cols:
        pixels[:, :, :nodata_cols] = 0
    path = folder / "planted.tif"
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", transform=TRANSFORM, nodata=0, **profile) as dataset:
        dataset.write(pixels.clip(0 if nodata_cols else 1, 255).astype("uint8"))
        dataset.descriptions = BANDS
    tiles = folder / "tiles.parquet"
    tile([path], output=tiles, size=SIZE, min_valid=0.2)
    index = read_index(tiles)
    cells = index.column("row_off") // SIZE * COLS + index.column("col_off") // SIZE
    part = np.array(["train", "train", "val", "test"])[np.random.default_rng(2).permutation(TILES) % 4][cells]
    columns = {
        "known": pa.array(np.ones(len(index), np.float32)),
        "split": dictionary(part.tolist()),
        f"{LABEL_PREFIX}square": pa.array(there[cells].astype(np.float32)),
        f"{LABEL_PREFIX}dull": pa.array(dull[cells].astype(np.float32)),
    }
    scheme = complete(Scheme("planted", (LabelClass("square"), LabelClass("dull")))).to_json()
    write_index(
        tiles,
        index.with_columns(columns, scheme=scheme, split={"method": "random", "by": None, "seed": 2}),
        overwrite=True,
    )
    return Planted(path, tiles, there, squares)
