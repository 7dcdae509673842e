"""Peak memory of predict, as the kernel counts it, on a region far larger than what is held at once."""

from __future__ import annotations

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
PEAK_KB = """
import sys
from geolabel.cli.app import main
try:
    main()
finally:
    status = open("/proc/self/status").read()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), file=sys.stderr)
"""
"""The peak that `wait` tells is never below that of the process which started this one: here all of the tests."""


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
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_predict_on_10000_by_10000_stays_below_the_limit(way: Way, tmp_path: Path):
    region, out = tmp_path / "large.tif", tmp_path / "large.geolabel"
    write_large(region, 10_000)
    words = ["predict", region, "--model", way.model, "--stride", "16", "-o", out, "-q"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK_KB, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with rasterio.open(out / "classes.tif") as dataset:
        assert (dataset.width, dataset.height) == (10_000, 10_000)
    assert 300 < int(done.stderr.split()[-1]) / 1024 < LIMIT_MB
