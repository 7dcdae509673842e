"""The map of amazon_mining.py: unseen chips laid out as one raster, predicted tile by tile, and read back."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import shapely
from amazon_chips import SIZE_PX, Chips
from amazon_command import geolabel
from rasterio.transform import from_origin
from sklearn.metrics import average_precision_score

from geolabel.vector import Layer, write_layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

GSD_M = 10.0
MOSAIC_CRS = "EPSG:32721"
"""UTM 21S, over Amazonia; where the mosaic lies in it is made up."""
MOSAIC_CORNER_M = (300_000.0, 9_500_000.0)
_AGREEMENT = 0.015
"""How far the map's average precision may lie from that of evaluate: in its steps of .004, ties cost up to .01."""


def check_map(chips: Chips, model: Path, expected: float, out: Path) -> None:
    """Predict a mosaic of chips; the whole ends where its average precision is not what evaluate told."""
    probability = predict_mosaic(chips, model, out)
    found = average_precision_score(chips.mine, probability)
    print(f"  average precision of the map {found:.4f}, of evaluate {expected:.4f}", flush=True)
    if abs(found - expected) > _AGREEMENT:
        sys.exit(f"amazon_mining: map and evaluate differ by more than {_AGREEMENT}")


def predict_mosaic(chips: Chips, model: Path, out: Path) -> NDArray[np.float64]:
    """Lay chips out as one GeoTIFF, predict it tile by tile, and read the probability of each chip back: (n,)."""
    columns = math.ceil(math.sqrt(len(chips)))
    row, column = np.divmod(np.arange(len(chips)), columns)
    write_mosaic(chips, row, column, out)
    folder = out / "mosaic.geolabel"
    words = ("mosaic.tif", "--model", model, "--stride", SIZE_PX, "-o", folder, "--overwrite")
    done = geolabel(out, "predict", *words)
    area_km2 = done.report["valid_km2"]
    print(f"  {area_km2:.0f} km², {area_km2 / done.seconds:.0f} km²/s with start-up; ", end="")
    print(f"{done.report['detections']['mine']} detections")
    with rasterio.open(folder / "probabilities.tif") as dataset:
        stored = dataset.read(1)[SIZE_PX // 2 :: SIZE_PX, SIZE_PX // 2 :: SIZE_PX]
        return np.asarray(stored[row, column] * dataset.scales[0], dtype=np.float64)


def write_mosaic(chips: Chips, row: NDArray[np.int64], column: NDArray[np.int64], out: Path) -> None:
    """Chips side by side in a place made up, 10 m a pixel; and the outlines of those with mines as a GeoPackage."""
    side = SIZE_PX * GSD_M
    pixels = np.zeros((3, (row.max() + 1) * SIZE_PX, (column.max() + 1) * SIZE_PX), np.uint8)
    for chip, top, left in zip(chips.pixels, row * SIZE_PX, column * SIZE_PX, strict=True):
        pixels[:, top : top + SIZE_PX, left : left + SIZE_PX] = chip.transpose(2, 0, 1)
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "height": pixels.shape[1], "width": pixels.shape[2]}
    place: dict[str, Any] = {"crs": MOSAIC_CRS, "transform": from_origin(*MOSAIC_CORNER_M, GSD_M, GSD_M)}
    tiling = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    with rasterio.open(out / "mosaic.tif", "w", **profile, **place, **tiling) as dataset:
        dataset.descriptions = ("red", "green", "blue")
        dataset.write(pixels)
    west, north = MOSAIC_CORNER_M[0] + column[chips.mine] * side, MOSAIC_CORNER_M[1] - row[chips.mine] * side
    outlines = shapely.box(west, north - side, west + side, north)
    truth = out / "mosaic_truth.gpkg"
    truth.unlink(missing_ok=True)
    write_layer(truth, Layer("mines", outlines, {"chip": chips.names[chips.mine]}, MOSAIC_CRS, "Polygon"), "GPKG")
