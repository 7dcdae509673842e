"""How a raster is stored: against what wrote it, and for COGs against rio-cogeo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import Resampling
from rio_cogeo.cogeo import cog_validate

from geolabel.raster.profile import read_profile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

PIXELS = np.random.default_rng(1).integers(1, 4000, (2, 1100, 900)).astype("uint16")


def _is_cog(path: Path) -> bool:
    valid, _, _ = cog_validate(path, strict=True, quiet=True)
    return bool(valid)


def test_all_that_was_asked_for_is_told(write_raster: WriteRaster) -> None:
    path = write_raster(
        "asked.tif",
        PIXELS,
        nodata=0,
        descriptions=("red", "nir"),
        scales=(0.0001, 0.0001),
        offsets=(-0.1, -0.1),
        compress="zstd",
        tiled=True,
        blockxsize=256,
        blockysize=128,
    )
    found = read_profile(path)
    assert (found.driver, found.width, found.height, found.block) == ("GTiff", 900, 1100, (256, 128))
    assert (found.compression, found.overviews, found.mask, found.cog) == ("ZSTD", (), "nodata", False)
    assert [band.description for band in found.bands] == ["red", "nir"]
    assert {(band.scale, band.offset, band.dtype, band.nodata) for band in found.bands} == {(1e-4, -0.1, "uint16", 0)}
    assert found.palette == {}


@pytest.mark.parametrize("overviews", [False, True])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("by", ["GTiff", "COG"])
def test_what_is_a_cog_is_one_for_rio_cogeo_too(
    write_raster: WriteRaster, tmp_path: Path, by: str, *, tiled: bool, overviews: bool
) -> None:
    path = write_raster("plain.tif", PIXELS, tiled=tiled)
    if overviews:
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.average)
    if by == "COG":
        cog = tmp_path / "cog.tif"
        rasterio.shutil.copy(path, cog, driver="COG", overviews="NONE" if not overviews else "AUTO")
        path = cog
    assert read_profile(path).cog == _is_cog(path)


def test_a_small_raster_needs_neither_tiles_nor_overviews(write_raster: WriteRaster) -> None:
    path = write_raster("small.tif", PIXELS[:, :200, :300])
    assert read_profile(path).cog
    assert _is_cog(path)


def test_a_palette_is_told_in_hex(write_raster: WriteRaster) -> None:
    path = write_raster("classes.tif", PIXELS[:1, :9, :9].astype("uint8"))
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (255, 0, 16, 255)})
    assert read_profile(path).palette[1] == "#ff0010"


def test_what_describe_refuses_is_described(write_raster: WriteRaster) -> None:
    turned = read_profile(write_raster("turned.tif", PIXELS[:, :9, :9], transform=Affine(10, 2, 0, 2, -10, 0)))
    assert (turned.transform.b, turned.width) == (2, 9)
    assert read_profile(write_raster("no.tif", PIXELS[:, :9, :9], crs=None)).crs is None
