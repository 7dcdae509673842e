"""A little region whose tiles show classes as brightness, labelled and split: what tune, compare and ensemble learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.steps.tile import tile
from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.conftest import WriteRaster

SIZE, COLS, ROWS = 16, 20, 12
TILES = COLS * ROWS
BANDS = ("red", "green", "blue")


def draw_classes(count: int, seed: int = 0, share: float = 0.4) -> np.ndarray:
    """Which classes are there: (tiles, count), 0 or 1."""
    return (np.random.default_rng(seed).random((TILES, count)) < share).astype(np.float32)


def write_region(write_raster: WriteRaster, shown: np.ndarray, *, name: str = "region.tif", doubt: float = 12) -> Path:
    """A raster, class k of each tile shown (tiles, classes) in band k: 20 brighter, with a spread of `doubt`."""
    rng = np.random.default_rng(1)
    level = np.full((TILES, len(BANDS)), 100.0) + rng.normal(0, doubt, (TILES, len(BANDS)))
    level[:, : shown.shape[1]] += 20 * shown
    cells = level.T.reshape(len(BANDS), ROWS, COLS)
    pixels = np.kron(cells, np.ones((SIZE, SIZE))) + rng.normal(0, 5, (len(BANDS), ROWS * SIZE, COLS * SIZE))
    return write_raster(name, pixels.clip(1, 255).astype("uint8"), descriptions=BANDS)


def write_tiles(
    raster: Path,
    labels: Mapping[str, np.ndarray],
    *,
    name: str = "tiles.parquet",
    groups: Sequence[str] = (),
    scheme: str = "lesson",
) -> Path:
    """Tiles of the raster with labels (tiles,) by class, NaN unknown; three in five train, one each val and test."""
    path = raster.parent / name
    tile([raster], output=path, size=SIZE)
    index = read_index(path)
    assert len(index) == TILES
    part = np.array(["train", "train", "train", "val", "test"])[np.random.default_rng(2).permutation(TILES) % 5]
    classes = tuple(
        LabelClass(found, group=group) for found, group in zip(labels, groups or [""] * len(labels), strict=True)
    )
    columns = {
        "known": pa.array(np.ones(TILES, np.float32)),
        "split": dictionary(part.tolist()),
        **{LABEL_PREFIX + found: pa.array(values.astype(np.float32)) for found, values in labels.items()},
    }
    done = index.with_columns(
        columns, scheme=complete(Scheme(scheme, classes)).to_json(), split={"method": "random", "by": None, "seed": 2}
    )
    write_index(path, done, overwrite=True)
    return path
