"""Peak memory of predict, as the kernel counts it, on a region far larger than what is held at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from tests.cli.conftest import BANDS, CRS

if TYPE_CHECKING:
    from tests.cli.conftest import Way

LIMIT_MB = 1_500
BLOCK = 512


def write_large(path: Path, side: int) -> None:
    rng = np.random.default_rng(0)
    levels = np.array([250, 400, 200, 3000])[:, None, None]
    patch = np.clip(levels * (0.5 + np.kron(rng.random((16, 16)), np.ones((32, 32)))), 1, 9000).astype("uint16")
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 4, "dtype": "uint16", "crs": CRS}
    profile |= {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"}
    with rasterio.open(path, "w", transform=Affine(10, 0, 3e5, 0, -10, 8.9e6), **profile) as dataset:
        dataset.descriptions = BANDS
        for row in range(0, side, BLOCK):
            for col in range(0, side, BLOCK):
                height, width = min(BLOCK, side - row), min(BLOCK, side - col)
                dataset.write(patch[:, :height, :width], window=Window(col, row, width, height))


@pytest.mark.slow
def test_predict_on_10000_by_10000_stays_below_the_limit(way: Way, tmp_path: Path):
    region, out = tmp_path / "large.tif", tmp_path / "large.geolabel"
    write_large(region, 10_000)
    words = ["predict", region, "--model", way.model, "--stride", "16", "-o", out, "-q"]
    process = subprocess.Popen([sys.executable, "-m", "geolabel", *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    with rasterio.open(out / "classes.tif") as dataset:
        assert (dataset.width, dataset.height) == (10_000, 10_000)
    assert usage.ru_maxrss / 1024 < LIMIT_MB
