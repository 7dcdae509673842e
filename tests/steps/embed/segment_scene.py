"""A place whose classes no colour tells: stripes downward and stripes across, with the same values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import torch
from affine import Affine

from geolabel import raster
from geolabel.learn.encoder import start_encoder
from geolabel.learn.store import save_predictor
from geolabel.model import NORM_OUTPUT, OUTPUT_SIZE, BandContract, ModelCard

if TYPE_CHECKING:
    from pathlib import Path

SIDE, CELL = 256, 32
BANDS = ("red", "green", "blue")
NAMES = ("down", "across")
NODATA_COLS = 20


def truth(side: int = SIDE) -> np.ndarray:
    """0 down, 1 across (side, side): cells at random."""
    cells = np.random.default_rng(0).integers(0, 2, (side // CELL, side // CELL))
    return np.kron(cells, np.ones((CELL, CELL), int))


def write_stripes(path: Path, side: int = SIDE) -> None:
    """Three bands; the first columns hold nothing."""
    rng = np.random.default_rng(1)
    row, col = np.indices((side, side))
    stripes = np.where(truth(side) == 0, col, row) // 3 % 2 * 80 + 80
    pixels = (stripes + rng.normal(0, 12, (3, side, side))).clip(1, 255).astype(np.uint8)
    pixels[:, :, :NODATA_COLS] = 0
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "nodata": 0}
    place = {"crs": "EPSG:32719", "transform": Affine(10, 0, 400_000, 0, -10, 8_600_000)}
    with rasterio.open(path, "w", photometric="RGB", **profile, **place) as dataset:
        dataset.write(pixels)


def write_labels(folder: Path, side: int = SIDE) -> None:
    """labels.tif with codes 4 and 9, nothing in the first rows, and legend.csv."""
    codes = np.array([4, 9], np.uint8)[truth(side)]
    codes[:16] = 0
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "nodata": 0}
    place = {"crs": "EPSG:32719", "transform": Affine(10, 0, 400_000, 0, -10, 8_600_000)}
    with rasterio.open(folder / "labels.tif", "w", **profile, **place) as dataset:
        dataset.write(codes[None])
    (folder / "legend.csv").write_text("code,name,color\n4,down,#112233\n9,across,#aabbcc\n", encoding="utf-8")


def write_network(
    path: Path, architecture: str = "small-cnn-reflect", seed: int = 0, trained_on: Path | None = None
) -> None:
    """A network that has learned nothing, whatever it says of an image."""
    bands = tuple(BandContract(name, 1.0, 0.0, 120.0, 42.0) for name in BANDS)
    settings = {OUTPUT_SIZE: 1, NORM_OUTPUT: True}
    told = ModelCard(
        architecture, (), {}, bands, "uint8", 10.0, (32, 32), {}, {}, nodata=0, settings=settings, kind="embedder"
    )
    if trained_on:
        source = {"path": trained_on.name, "fingerprint": raster.fingerprint(trained_on)}
        told = replace(told, trained_on={"sources": [source]})
    save_predictor(path, start_encoder(told, "none", seed, torch.device("cpu")))
