"""A forest beside a farm at several dates, with clearings whose pixels are known; and alerts as a test reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.features import rasterize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIDE, GSD = 240, 10.0
CRS, LEFT, TOP = "EPSG:32719", 400_000.0, 8_600_000.0
PLACE = Affine(GSD, 0, LEFT, 0, -GSD, TOP)
BANDS = ("green", "red", "nir")
"""No blue: the built-in network is left out, which takes longer than all else."""
FOREST, SOIL = np.array([400.0, 250.0, 3000.0]), np.array([1500.0, 2000.0, 2600.0])
_NOISE = np.array([15.0, 15.0, 60.0])
_FARM = 48
"""Columns that are bare at all dates."""

Box = tuple[int, int, int, int]
"""Row, column, height, width, pixels."""
FIRST: Box = (40, 80, 20, 20)
SECOND: Box = (120, 150, 10, 30)
THIRD: Box = (180, 100, 12, 12)


def part(box: Box) -> tuple[slice, slice]:
    row, col, height, width = box
    return slice(row, row + height), slice(col, col + width)


def picture(cleared: Sequence[Box], seed: int, hidden: Sequence[Box] = ()) -> np.ndarray:
    """(bands, rows, cols), uint16; what is `hidden` is nodata."""
    bare = np.zeros((SIDE, SIDE), dtype=bool)
    bare[:, :_FARM] = True
    for box in cleared:
        bare[part(box)] = True
    noise = np.random.default_rng(seed).normal(0, 1, (len(BANDS), SIDE, SIDE)) * _NOISE[:, None, None]
    pixels = (np.where(bare, SOIL[:, None, None], FOREST[:, None, None]) + noise).clip(1, 10_000).astype("uint16")
    for box in hidden:
        pixels[(slice(None), *part(box))] = 0
    return pixels


def write_picture(
    path: Path,
    pixels: np.ndarray,
    *,
    bands: Sequence[str] = BANDS,
    crs: str = CRS,
    transform: Affine = PLACE,
) -> None:
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype, "nodata": 0}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = tuple(bands)


def write_dates(folder: Path) -> None:
    """2019: forest. 2020: two clearings. 2021: a third one. 2022: the second is forest again."""
    for year, cleared in {2019: (), 2020: (FIRST, SECOND), 2021: (FIRST, SECOND, THIRD), 2022: (FIRST, THIRD)}.items():
        write_picture(folder / f"{year}.tif", picture(cleared, seed=year))


def median_pixels(box: Box) -> int:
    """Pixels of a rectangle that a median over 3 × 3 leaves: it takes the four corners."""
    return box[2] * box[3] - 4


def read_alerts(folder: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(folder / "alerts.gpkg", layer="alerts")


def at(alerts: geopandas.GeoDataFrame, box: Box) -> geopandas.GeoDataFrame:
    """The alerts that hold the middle of a clearing."""
    row, col, height, width = box
    middle = shapely.Point(LEFT + GSD * (col + width / 2), TOP - GSD * (row + height / 2))
    return alerts[alerts.geometry.contains(middle)]


def read_band(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def burned(alerts: geopandas.GeoDataFrame, raster: Path) -> np.ndarray:
    """The number of the alert, from 1, that holds each pixel's centre; 0: none."""
    with rasterio.open(raster) as dataset:
        shapes = list(zip(alerts.geometry, range(1, len(alerts) + 1), strict=True))
        if not shapes:
            return np.zeros(dataset.shape, dtype="int32")
        return rasterize(shapes, out_shape=dataset.shape, transform=dataset.transform, dtype="int32")


def overlapping(alerts: geopandas.GeoDataFrame) -> float:
    """Square metres that alerts of one kind which stand have in common."""
    found = 0.0
    for _, same in alerts[alerts["status"] != "withdrawn"].groupby(["class", "change"]):
        found += same.geometry.area.sum() - same.geometry.union_all().area
    return float(abs(found))
