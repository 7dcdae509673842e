"""A large raster made on the spot: 4 bands, uint16, deflate, 512 px blocks, values and texture like Sentinel-2 L2A."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rasterio.io import DatasetWriter

BANDS = ("blue", "green", "red", "nir")
_BLOCK = 512
_LEVELS = np.array([400, 600, 500, 2800])


def make(path: Path, side: int, *, nodata: bool = False) -> Path:
    """Write a raster of `side` × `side` px (once: one that is there is kept) and give its path back."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    patches = [_patch(rng) for _ in range(8)]
    profile = {
        "driver": "GTiff",
        "width": side,
        "height": side,
        "count": 4,
        "dtype": "uint16",
        "crs": "EPSG:32721",
        "transform": Affine(10, 0, 300_000, 0, -10, 9_000_000),
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "compress": "deflate",
        "zlevel": 1,  # made in half the time, as large and as fast to read as the default
        "predictor": 2,
        "nodata": 0 if nodata else None,
        "bigtiff": "if_safer",
    }
    draft = path.with_suffix(".draft.tif")
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(draft, "w", **profile) as dataset:
        dataset.descriptions = BANDS
        for row in range(0, side, _BLOCK):
            for col in range(0, side, _BLOCK):
                patch = np.roll(patches[rng.integers(8)], int(rng.integers(_BLOCK)), axis=2)
                if nodata and col + row < side // 4:
                    patch = np.zeros_like(patch)
                height, width = min(_BLOCK, side - row), min(_BLOCK, side - col)
                dataset.write(patch[:, :height, :width], window=Window(col, row, width, height))
    draft.rename(path)
    return path


def without_nodata(whole: Path, path: Path) -> Path:
    """The same pixels in a file that calls none of them nodata, once."""
    return _changed(whole, path, lambda dataset: setattr(dataset, "nodata", None))


def with_overviews(whole: Path, path: Path) -> Path:
    """The same pixels with overviews, once."""
    return _changed(whole, path, lambda dataset: dataset.build_overviews([4, 16, 64]))


def _changed(whole: Path, path: Path, change: Callable[[DatasetWriter], None]) -> Path:
    """A copy that was changed in place: to compress all of it again takes a minute."""
    if not path.exists():
        draft = path.with_suffix(".draft.tif")
        shutil.copyfile(whole, draft)
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(draft, "r+") as dataset:
            change(dataset)
        draft.with_name(f"{draft.name}.aux.xml").unlink(missing_ok=True)
        draft.rename(path)
    return path


def _patch(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Fields of a coarse pattern with a fine texture on them: compresses about as imagery does."""
    coarse = np.kron(rng.random((16, 16)), np.ones((32, 32)))
    fine = rng.normal(0, 25, (4, _BLOCK, _BLOCK))
    bright = _LEVELS[:, None, None] * (0.6 + coarse) + fine
    return np.clip(bright, 1, 10_000).astype(np.uint16)
