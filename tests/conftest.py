"""What the tests of many rooms share: little rasters, vectors and full disks made on the spot, and the real data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import settings
from rasterio.enums import ColorInterp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# as the command line does, before torch is loaded: tests share their cores with each other's processes
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("short", max_examples=40, deadline=None, derandomize=True)
settings.load_profile("short")

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
"""10 m pixels on the central meridian of a northern UTM zone."""


@pytest.fixture(autouse=True)
def _threads_as_they_were() -> Iterator[None]:
    """A test that changes the number of torch's threads would change the last digits of those after it."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    yield
    if before is not None and torch is not None:
        after = torch.get_num_threads()
        torch.set_num_threads(before)
        assert after == before


WriteRaster = Callable[..., Path]
"""How a test asks for a little raster; its parameters are those of `write` in the fixture below."""


@pytest.fixture
def write_raster(tmp_path: Path) -> WriteRaster:
    """A factory of GeoTIFFs: `pixels` (bands, height, width); `mask` (height, width) becomes an internal mask."""

    def write(
        name: str,
        pixels: np.ndarray,
        *,
        crs: str | None = "EPSG:32631",
        transform: Affine = UTM,
        nodata: float | None = None,
        mask: np.ndarray | None = None,
        colors: Sequence[str] = (),
        descriptions: Sequence[str] = (),
        scales: Sequence[float] = (),
        offsets: Sequence[float] = (),
        **creation: Any,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = pixels.shape
        profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
        profile |= {"crs": crs, "transform": transform, "nodata": nodata, "photometric": "MINISBLACK", **creation}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", **profile) as dataset,
        ):
            if colors:
                dataset.colorinterp = [ColorInterp[color] for color in colors]
            if descriptions:
                dataset.descriptions = tuple(descriptions)
            if scales:
                dataset.scales = tuple(scales)
            if offsets:
                dataset.offsets = tuple(offsets)
            dataset.write(pixels)
            if mask is not None:
                dataset.write_mask(mask)
        return path

    return write


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; what is not there is skipped, saying so."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GEOLABEL_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    return folder


def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own in memory, gone afterwards; the test is skipped where none may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("a small disk needs `mount -t tmpfs`, which is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    yield from mounted(tmp_path / "small", "size=1m")


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to, root included."""
    yield from mounted(tmp_path / "read_only", "size=1m,ro")
