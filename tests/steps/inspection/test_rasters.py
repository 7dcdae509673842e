"""What is said of rasters: what other commands refuse, what is to be minded, and real ones."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine

from geolabel.steps.inspect import inspect, look
from geolabel.steps.inspection.raster import RasterReport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

PIXELS = np.random.default_rng(2).integers(1, 3000, (3, 90, 120)).astype("uint16")


def _described(path: object) -> RasterReport:
    report = inspect(str(path))
    assert isinstance(report, RasterReport)
    return report


@pytest.mark.parametrize(
    ("told", "change"),
    [
        ("rotated", {"transform": Affine(10, 2, 5e5, 2, -10, 5.5e6)}),
        ("south to north", {"transform": Affine(10, 0, 5e5, 0, 10, 5.5e6)}),
        ("no coordinate reference system", {"crs": None}),
        ("in degrees", {"crs": "EPSG:4326", "transform": Affine(1e-4, 0, 9, 0, -1e-4, 47)}),
        ("no names", {}),
        ("several bands are named red", {"descriptions": ("red", "red", "blue")}),
    ],
)
def test_what_is_to_be_minded_is_said(write_raster: WriteRaster, told: str, change: dict[str, object]) -> None:
    found = _described(write_raster("odd.tif", PIXELS, **change))
    assert told in " ".join(found.to_mind)
    assert str(found.path) not in " ".join(found.to_mind)
    assert found.bands[0].mean == pytest.approx(PIXELS[0].mean())


def test_values_that_tell_something_are_pointed_at(write_raster: WriteRaster) -> None:
    border, constant, empty = PIXELS.copy(), PIXELS.copy(), PIXELS * 0
    border[:, :40, :40] = 0
    constant[1] = 7
    assert "a corner is all 0" in " ".join(_described(write_raster("border.tif", border)).to_mind)
    assert "a corner is all 0" not in " ".join(_described(write_raster("told.tif", border, nodata=0)).to_mind)
    assert "The same value everywhere: band_2." in _described(write_raster("constant.tif", constant)).to_mind
    assert "No pixel" in " ".join(_described(write_raster("empty.tif", empty, nodata=0)).to_mind)


def test_complex_and_mixed_bands_are_described_all_the_same(write_raster: WriteRaster) -> None:
    found = _described(write_raster("complex.tif", (PIXELS[:1] + 0j).astype("complex64")))
    assert "complex pixels" in " ".join(found.to_mind)
    assert found.bands[0].max == pytest.approx(PIXELS[0].max())


def test_a_class_raster_tells_names_colours_and_shares(write_raster: WriteRaster) -> None:
    codes = np.repeat(np.array([1, 1, 1, 2], "uint8"), 25).reshape(1, 10, 10)
    path = write_raster("classes.tif", codes, nodata=0)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (0, 128, 0, 255), 2: (255, 0, 0, 255)})
    path.with_name("classes.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category/><Category>forest</Category>"
        "<Category>mine</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    found = _described(path).values
    assert [(row.value, row.name, row.color, row.share, row.pixels) for row in found] == [
        (1, "forest", "#008000", 0.75, 75),
        (2, "mine", "#ff0000", 0.25, 25),
    ]
    seen = look(path, 10)
    assert seen is not None
    assert seen.legend == (("forest", "#008000"), ("mine", "#ff0000"))
    assert (seen.pixels[0, 0].tolist(), seen.pixels[-1, -1].tolist()) == ([0, 128, 0], [255, 0, 0])


def test_measurements_are_no_classes(write_raster: WriteRaster) -> None:
    assert _described(write_raster("many.tif", PIXELS[:1])).values == ()


def test_files_of_one_pattern_are_one_raster(write_raster: WriteRaster, tmp_path: Path) -> None:
    for number in range(3):
        place = Affine(10, 0, 5e5 + number * 1200, 0, -10, 5.5e6)
        write_raster(f"part{number}.tif", PIXELS, transform=place)
    found = _described(tmp_path / "part*.tif")
    assert (found.made_of, found.size_px, found.format) == (3, (360, 90), "several files as one")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["part0.tif", "part1.tif", "part2.tif"]


def test_real_class_rasters(shared_data: Path) -> None:
    clc = _described(shared_data / "clc-granada" / "clc.tif")
    assert len(clc.values) == 20
    assert (clc.values[0].value, sum(row.pixels for row in clc.values)) == (323, 474 * 745)
    series = _described(shared_data / "mapbiomas-amapa" / "lorenco_85a22.tif")
    assert len(series.bands) == 38
    mines = _described(shared_data / "mapbiomas-amapa" / "utm_cover_AP_rio_2020.tif")
    assert 30 in {row.value for row in mines.values}


def test_a_real_folder_of_bands(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2") as archive:
        archive.extractall(tmp_path, filter="data")
    patch = next(path for path in sorted(tmp_path.glob("*/*")) if path.is_dir())
    found = _described(patch)
    assert (found.made_of, len(found.bands), found.size_px) == (12, 12, (120, 120))
    assert {"red", "nir", "swir16"} <= {row.band for row in found.bands}
    red = next(patch.glob("*_B04.tif"))
    with rasterio.open(red) as dataset:
        mean = dataset.read(1).mean()
    assert next(row.mean for row in found.bands if row.band == "red") == pytest.approx(mean)
