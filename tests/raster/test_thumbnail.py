"""Rasters made small: averages of what is valid, and the middle where all would be too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from geolabel import raster
from geolabel.raster import thumbnail
from geolabel.raster.thumbnail import read_small

if TYPE_CHECKING:
    from tests.conftest import WriteRaster

HOLES = np.random.default_rng(1).random((64, 96)) < 0.3
HOLES[:16, :16] = True
PIXELS = np.random.default_rng(0).integers(60, 141, (3, 64, 96)).astype("uint16")


@pytest.mark.parametrize("how", ["nodata", "mask", "alpha"])
def test_averages_are_of_what_is_valid(write_raster: WriteRaster, how: str) -> None:
    """The mean of valid pixels by numpy, also where it happens to be the nodata value."""
    pixels = PIXELS.copy()
    if how == "nodata":
        pixels[pixels == 100] = 101
        pixels[:, HOLES] = 100
        options: dict[str, Any] = {"nodata": 100}
    elif how == "mask":
        options = {"mask": ~HOLES * np.uint8(255)}
    else:
        pixels = np.concatenate([pixels, (~HOLES * 65535).astype("uint16")[None]])
        options = {"colors": ("red", "green", "blue", "alpha")}
    info = raster.describe(write_raster("a.tif", pixels, **options))
    assert info.mask == how
    small, valid, window = read_small(info, 24)
    assert (small.shape, (window.width, window.height)) == ((3, 16, 24), (96, 64))
    blocks = (~HOLES).reshape(16, 4, 24, 4).swapaxes(1, 2).reshape(16, 24, 16)
    if how == "nodata":  # a block is seen where one of its pixels is
        np.testing.assert_array_equal(valid, blocks.any(axis=2))
    assert not valid[:4, :4].any()
    seen = valid & blocks.any(axis=2)
    values = pixels[:3].reshape(3, 16, 4, 24, 4).swapaxes(2, 3).reshape(3, 16, 24, 16)
    means = (values * blocks).sum(axis=3) / np.maximum(blocks.sum(axis=2), 1)
    assert np.abs(small - means)[:, seen].max() <= (
        1.51 if how == "nodata" else 0.51
    )  # a mean that were nodata is moved by one


def test_bands_with_nodata_of_their_own_are_valid_where_one_is(write_raster: WriteRaster) -> None:
    pixels = PIXELS.copy()
    pixels[:, HOLES] = 0
    pixels[0] = 0
    info = raster.describe(write_raster("a.tif", pixels, nodata=0))
    _, valid, _ = read_small(info, 96)
    np.testing.assert_array_equal(valid, ~HOLES)


def test_of_what_is_large_the_middle_is_read(write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch) -> None:
    info = raster.describe(write_raster("a.tif", PIXELS, tiled=True, blockxsize=16, blockysize=16))
    monkeypatch.setattr(thumbnail, "_MOST_BYTES", 32 * 32 * 3 * 2)
    small, valid, window = read_small(info, 96)
    assert (window.col_off, window.row_off, window.width, window.height) == (32, 16, 32, 32)
    np.testing.assert_array_equal(small, PIXELS[:, 16:48, 32:64])
    assert valid.all()
