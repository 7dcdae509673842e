"""Overviews and masks beside a raster are its own, or are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling

from geolabel import raster
from geolabel.errors import InputError

if TYPE_CHECKING:
    from tests.conftest import WriteRaster


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(width=st.integers(8, 300), height=st.integers(8, 300), factor=st.sampled_from([2, 3, 4, 5, 8]))
def test_the_overviews_that_gdal_makes_fit(write_raster: WriteRaster, width: int, height: int, factor: int) -> None:
    path = write_raster("a.tif", np.ones((1, height, width), "uint8"))
    beside = path.with_name("a.tif.ovr")
    beside.unlink(missing_ok=True)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([factor], Resampling.nearest)
    assert beside.exists()
    assert raster.describe(path).width == width


@pytest.mark.parametrize("shape", [(40, 1000), (64, 64), (16, 32), (1, 1)])
def test_those_of_another_raster_are_named(write_raster: WriteRaster, shape: tuple[int, int]) -> None:
    path = write_raster("a.tif", np.ones((1, 64, 64), "uint8"))
    write_raster("a.tif.ovr", np.ones((1, *shape), "uint8"))
    if shape == (1, 1):  # a hundredth is an overview, if a coarse one
        assert raster.describe(path).width == 64
        return
    with pytest.raises(InputError, match=r"a\.tif\.ovr: of \d+ × \d+ px is not an overview of .*a\.tif.*remove it"):
        raster.describe(path)


def test_a_mask_of_another_size_is_named(write_raster: WriteRaster) -> None:
    path = write_raster("a.tif", np.ones((1, 64, 64), "uint8"))
    write_raster("a.tif.msk", np.full((1, 64, 63), 255, "uint8"))
    with pytest.raises(InputError, match=r"a\.tif\.msk: of 63 × 64 px is not a mask of .*a\.tif"):
        raster.describe(path)
