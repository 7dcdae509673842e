"""Real images: clear ones are left alone, and a veil of known strength laid over them is taken away again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from geolabel import dehaze
from geolabel.steps.dehaze import DehazeReport

if TYPE_CHECKING:
    from pathlib import Path

RGB = ("red", "green", "blue")
LIGHT = 225
CLEAR_DB, GAIN_DB = 35, 10
"""What is left of a clear image, and what is gained under haze: PSNR of red, green and blue, peak 255."""
NAIP, PUCALLPA = "naip/m_4709963_se_14_1_{}.tif", "pucallpa-landsat/{}.tif"


@dataclass(frozen=True)
class Real:
    pixels: np.ndarray
    """(3, h, w), uint8."""
    seen: np.ndarray
    """(h, w): where it is valid."""
    place: dict[str, object]

    def psnr(self, found: np.ndarray) -> float:
        off = np.square(found[:, self.seen].astype(float) - self.pixels[:, self.seen]).mean()
        return float(10 * np.log10(255**2 / off)) if off else np.inf

    def dehazed(self, pixels: np.ndarray, folder: Path) -> tuple[DehazeReport, np.ndarray]:
        """What the command's step makes of pixels (3, h, w) in its place."""
        path, (count, height, width) = folder / "image.tif", pixels.shape
        shape = {"count": count, "height": height, "width": width, "dtype": "uint8", "nodata": 0}
        with rasterio.open(path, "w", driver="GTiff", **shape, **self.place) as dataset:
            dataset.write(np.where(self.seen, pixels.round().clip(1, 255), 0).astype("uint8"))
            dataset.descriptions = RGB
        report = dehaze(path, output=folder / "dehazed.tif")
        assert isinstance(report, DehazeReport)
        with rasterio.open(report.output) as dataset:
            return report, dataset.read()


@pytest.fixture(params=[*((NAIP, day) for day in (20090818, 20200831)), *((PUCALLPA, year) for year in (1985, 2020))])
def real(request: pytest.FixtureRequest, shared_data: Path) -> Real:
    """Landsat here has no blue band, so green stands for it."""
    name, date = request.param
    path = shared_data / name.format(date)
    if not path.exists():
        pytest.skip(f"not here: {path}")
    with rasterio.open(path) as dataset:
        pixels = dataset.read([1, 2, 3] if name == NAIP else [3, 4, 4])
        return Real(pixels, pixels.all(axis=0), {"crs": dataset.crs, "transform": dataset.transform})


def test_what_is_clear_is_left_alone(real: Real, tmp_path: Path):
    report, found = real.dehazed(real.pixels, tmp_path)
    assert real.psnr(found) > CLEAR_DB
    assert report.psnr is None or report.psnr == pytest.approx(real.psnr(found), abs=0.5)


@pytest.mark.parametrize("through", [0.8, 0.6])
def test_a_veil_is_taken_away(real: Real, tmp_path: Path, through: float):
    hazy = real.pixels * through + LIGHT * (1 - through)
    report, found = real.dehazed(hazy, tmp_path)
    assert report.haze == "removed"
    assert real.psnr(found) > real.psnr(hazy) + GAIN_DB  # seen: 10.6 to 21
