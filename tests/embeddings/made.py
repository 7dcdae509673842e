"""Embeddings files made on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from geolabel.embeddings import EmbeddingsHeader, EmbeddingsWriter
from geolabel.tiling import Source, TileIndex

if TYPE_CHECKING:
    from pathlib import Path

TILE, LEFT, TOP = 32, 400_000.0, 8_600_000.0
MODEL = {"architecture": "resnet18", "fingerprint": "abc", "name": "e.safetensors"}


def tiles(count: int, across: int = 10, source: str = "region.tif") -> TileIndex:
    """Tiles of 32 pixels of 10 m, row by row, `across` side by side."""
    row, col = np.divmod(np.arange(count), across)
    west, north = LEFT + col * TILE * 10, TOP - row * TILE * 10
    table = pa.table(
        {
            "tile": pa.array(np.arange(count), pa.int64()),
            "source": pa.array([source] * count).dictionary_encode(),
            "col_off": pa.array(col * TILE, pa.int32()),
            "row_off": pa.array(row * TILE, pa.int32()),
            "width": pa.array(np.full(count, TILE), pa.int32()),
            "height": pa.array(np.full(count, TILE), pa.int32()),
            "valid": pa.array(np.ones(count), pa.float32()),
            "geometry": pa.array(shapely.to_wkb(shapely.box(west, north - TILE * 10, west + TILE * 10, north))),
            "label.mine": pa.array((np.arange(count) % 3 == 0).astype(np.float32)),
        }
    )
    described = Source(
        source,
        "raster",
        ("red", "green", "blue"),
        "uint8",
        (1.0,) * 3,
        (0.0,) * 3,
        None,
        "EPSG:32719",
        (10.0, 0.0, LEFT, 0.0, -10.0, TOP),
        10.0,
        "f",
    )
    return TileIndex(
        table, (described,), "EPSG:32719", {"size": [TILE, TILE], "stride": [TILE, TILE]}, history=("geolabel tile",)
    )


def unit(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Vectors (count, size) of length 1."""
    found = rng.standard_normal((count, size)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def write(path: Path, index: TileIndex, vectors: np.ndarray, *, norm: bool = True, step: int = 700) -> None:
    """An embeddings file, written in parts."""
    header = EmbeddingsHeader(vectors.shape[1], str(vectors.dtype), norm, MODEL)
    with EmbeddingsWriter(path, index, header) as writer:
        for start in range(0, len(index), step):
            writer.write(index.table.slice(start, step), vectors[start : start + step])
