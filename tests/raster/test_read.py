"""Windows, validity and warped views, with rasterio and GDAL as the oracle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from rasterio.warp import Resampling, reproject

from geolabel import raster
from geolabel.errors import CRSError, InputError
from geolabel.grid import Grid, Window

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
UP = Affine(10.0, 0.0, 500_000.0, 0.0, 10.0, 5_499_000.0)


def read_all(info: raster.RasterInfo, grid: Grid | None = None, resampling: raster.Resampling = "nearest"):
    with raster.open_raster(info, grid, resampling) as reader:
        return reader.read(Window(0, 0, reader.info.width, reader.info.height))


def noise(bands: int, height: int = 40, width: int = 50, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, (bands, height, width)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_pixels_come_in_their_stored_type(write_raster, dtype: str) -> None:
    stored = noise(3, dtype=dtype)
    info = raster.describe(write_raster("a.tif", stored))
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(7, 5, 11, 13))
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, stored[:, 5:18, 7:18])
    assert valid.shape == (13, 11)
    assert valid.all()


def test_bands_come_in_the_order_asked(write_raster) -> None:
    stored = noise(4)
    info = raster.describe(write_raster("a.tif", stored, descriptions=("b1", "b2", "b3", "b4")), ["b4", "b2"])
    np.testing.assert_array_equal(read_all(info)[0], stored[[3, 1]])


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 0), ("int16", -9999), ("float32", -3.4e38), ("float64", 1e20)])
def test_nodata_in_one_band_is_a_value(write_raster, dtype: str, nodata: float) -> None:
    stored = noise(2, dtype=dtype)
    stored[0, :10] = nodata
    stored[1, :5] = nodata
    _, valid = read_all(raster.describe(write_raster("a.tif", stored, nodata=nodata)))
    np.testing.assert_array_equal(valid, np.indices((40, 50))[0] >= 5)


@pytest.mark.parametrize("nodata", [None, np.nan, -1.0])
def test_nan_is_never_valid(write_raster, nodata: float | None) -> None:
    stored = noise(2, dtype="float32")
    stored[0, 3, 4], stored[1, 7, 8], stored[:, 9, 9], stored[0, 1, 1] = np.nan, np.nan, np.nan, np.inf
    _, valid = read_all(raster.describe(write_raster("a.tif", stored, nodata=nodata)))
    expected = np.ones((40, 50), dtype=bool)
    expected[[3, 7, 9, 1], [4, 8, 9, 1]] = False
    np.testing.assert_array_equal(valid, expected)


def test_an_internal_mask_says_what_is_valid(write_raster) -> None:
    mask = np.where(noise(1)[0] > 100, 255, 0).astype("uint8")
    _, valid = read_all(raster.describe(write_raster("a.tif", noise(3), mask=mask)))
    np.testing.assert_array_equal(valid, mask > 0)


@pytest.mark.parametrize("colors", [("red", "green", "blue", "alpha"), ("gray", "alpha", "undefined", "undefined")])
def test_alpha_says_what_is_valid(write_raster, colors: tuple[str, ...]) -> None:
    stored = noise(4)
    at = colors.index("alpha")
    stored[at] = np.where(noise(1, seed=1)[0] > 100, 255, 0)
    pixels, valid = read_all(raster.describe(write_raster("a.tif", stored, colors=colors)))
    np.testing.assert_array_equal(pixels, np.delete(stored, at, axis=0))
    np.testing.assert_array_equal(valid, stored[at] > 0)


def test_a_damaged_file_is_named_with_the_rows(tmp_path: Path, write_raster) -> None:
    path = write_raster("a.tif", noise(1, 400, 400), compress="deflate", tiled=True, blockxsize=128, blockysize=128)
    content = bytearray(path.read_bytes())
    content[-60_000:-30_000] = bytes(30_000)
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"a\.tif: cannot be read at rows 0–400: .*damaged; copy or download it again"):
        read_all(raster.describe(path))


# warped views


def same_place(info: raster.RasterInfo) -> Grid:
    """The raster's own grid, spelled in another way, so that a view has to be made."""
    return Grid("EPSG:32631", info.place.transform, info.width, info.height)


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average", "mode"])
@pytest.mark.parametrize("transform", [UTM, UP])
def test_a_view_on_the_same_grid_has_the_same_pixels(write_raster, transform: Affine, resampling) -> None:
    stored = noise(3, dtype="uint16")
    stored[:, :4] = 0
    info = raster.describe(write_raster("a.tif", stored, nodata=0, transform=transform))
    pixels, valid = read_all(info, same_place(info), resampling)
    np.testing.assert_array_equal(valid, stored.any(axis=0))
    np.testing.assert_array_equal(pixels[:, valid], stored[:, valid])
    assert pixels.dtype == np.uint16


def test_a_view_shifted_by_whole_pixels_is_a_shift_and_outside_is_invalid(write_raster) -> None:
    stored = noise(2)
    info = raster.describe(write_raster("a.tif", stored))
    grid = Grid("EPSG:32631", UTM @ Affine.translation(-3, -5), 60, 50)
    pixels, valid = read_all(info, grid)
    expected = np.zeros((50, 60), dtype=bool)
    expected[5:45, 3:53] = True
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(pixels[:, 5:45, 3:53], stored)


def test_a_view_far_away_is_invalid_everywhere(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", noise(1)))
    assert not read_all(info, Grid("EPSG:32631", UTM @ Affine.translation(500, 500), 20, 20))[1].any()


def test_a_view_agrees_with_gdalwarp(write_raster) -> None:
    """`rasterio.warp.reproject` with an exact transformer is the oracle."""
    stored = noise(1, 60, 60, "int16")
    info = raster.describe(write_raster("a.tif", stored))
    lon, lat = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True).transform(500_000, 5_500_000)
    grid = Grid("EPSG:4326", Affine(0.00012, 0, lon, 0, -0.00008, lat), 60, 60)
    expected = np.zeros((60, 60), dtype="int16")
    reproject(
        stored[0], expected, src_transform=UTM, src_crs="EPSG:32631", dst_transform=grid.transform, dst_crs=grid.crs,
        resampling=Resampling.nearest, tolerance=0, dst_nodata=0,
    )  # fmt: skip
    pixels, valid = read_all(info, grid)
    agree = (pixels[0] == expected) | ~valid
    assert agree.mean() > 0.995  # a hundredth of a pixel of the approximation may tip a pixel's edge
    assert (valid == (expected != 0)).mean() > 0.995


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_nodata_is_respected_by_a_view(write_raster, resampling) -> None:
    stored = np.full((2, 40, 50), 100, dtype="uint8")
    stored[:, :, :20] = 255
    stored[0, :, 30] = 255  # nodata in one band alone is a value
    info = raster.describe(write_raster("a.tif", stored, nodata=255))
    half = Grid("EPSG:32631", UTM @ Affine.scale(0.5), 100, 80)
    pixels, valid = read_all(info, half, resampling)
    np.testing.assert_array_equal(valid, np.indices((80, 100))[1] >= 40)
    np.testing.assert_array_equal(pixels[1][valid], 100)


def test_an_internal_mask_is_respected_by_a_view(write_raster) -> None:
    mask = np.zeros((40, 50), dtype="uint8")
    mask[10:, 20:] = 255
    info = raster.describe(write_raster("a.tif", noise(3), mask=mask))
    half = Grid("EPSG:32631", UTM @ Affine.scale(0.5), 100, 80)
    np.testing.assert_array_equal(read_all(info, half)[1], np.kron(mask > 0, np.ones((2, 2), dtype=bool)))
    double = Grid("EPSG:32631", UTM @ Affine.scale(2), 25, 20)
    np.testing.assert_array_equal(read_all(info, double)[1], mask[::2, ::2] > 0)


@pytest.mark.parametrize("colors", [("red", "green", "blue", "alpha"), ("gray", "alpha", "undefined", "undefined")])
def test_alpha_is_respected_by_a_view(write_raster, colors: tuple[str, ...]) -> None:
    stored = noise(4)
    at = colors.index("alpha")
    stored[at] = 0
    stored[at, 10:, 20:] = 255
    info = raster.describe(write_raster("a.tif", stored, colors=colors))
    pixels, valid = read_all(info, same_place(info))
    np.testing.assert_array_equal(valid, stored[at] > 0)
    np.testing.assert_array_equal(pixels[:, valid], np.delete(stored, at, axis=0)[:, valid])


def test_nan_does_not_become_valid_in_a_view(write_raster) -> None:
    stored = noise(1, dtype="float32")
    stored[0, :20] = np.nan
    info = raster.describe(write_raster("a.tif", stored))
    half = Grid("EPSG:32631", UTM @ Affine.scale(0.5), 100, 80)
    np.testing.assert_array_equal(read_all(info, half)[1], np.indices((80, 100))[0] >= 40)


CODES = np.array([3, 15, 30, 200], dtype="uint8")


@settings(max_examples=15)
@given(seed=st.integers(0, 99), scale=st.floats(0.3, 3), turn=st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:32632"]))
def test_nearest_never_blends_class_codes(tmp_path_factory, seed: int, scale: float, turn: str) -> None:
    path = tmp_path_factory.mktemp("codes") / "a.tif"
    stored = np.random.default_rng(seed).choice(CODES, (30, 30))
    profile = {"width": 30, "height": 30, "count": 1, "dtype": "uint8", "crs": "EPSG:32631", "transform": UTM}
    with rasterio.open(path, "w", nodata=0, **profile) as dataset:
        dataset.write(stored, 1)
    x, y = Transformer.from_crs("EPSG:32631", turn, always_xy=True).transform(500_000, 5_500_000)
    step = 10 * scale * (1 if turn != "EPSG:4326" else 1e-5)
    pixels, valid = read_all(raster.describe(path), Grid(turn, Affine(step, 0, x, 0, -step, y), 20, 20))
    assert valid.any()
    assert set(np.unique(pixels[0][valid])) <= set(CODES)


def test_real_codes_stay_codes_in_another_crs(shared_data: Path) -> None:
    path = shared_data / "clc-granada" / "clc.tif"
    with rasterio.open(path) as dataset:
        stored = set(np.unique(dataset.read(1))) - {dataset.nodata}
    grid = Grid("EPSG:3857", Affine(40, 0, -395_000, 0, -40, 4_440_000), 400, 400)
    pixels, valid = read_all(raster.describe(path), grid)
    assert 0.3 < valid.mean() <= 1
    assert set(np.unique(pixels[0][valid])) <= stored


# align


def ground_step(grid: Grid) -> tuple[float, float]:
    """Geodesic pixel size at the grid's centre, by pyproj."""
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    col, row = grid.width / 2, grid.height / 2
    points = [to_degrees.transform(*(grid.transform @ at)) for at in ((col, row), (col + 1, row), (col, row + 1))]
    geod = Geod(ellps="WGS84")
    return geod.inv(*points[0], *points[1])[2], geod.inv(*points[0], *points[2])[2]


PLACES = {
    "utm": ("EPSG:32631", Affine(10, 0, 420_000, 0, -10, 5_500_000)),
    "utm, south-up": ("EPSG:32631", Affine(10, 0, 420_000, 0, 10, 5_500_000)),
    "degrees": ("EPSG:4326", Affine(0.0002, 0, 24.9, 0, -0.0001, 60.2)),
    "mercator": ("EPSG:3857", Affine(20, 0, 2_777_000, 0, -20, 8_399_738)),
    "feet": ("EPSG:2263", Affine(30, 0, 980_000, 0, -30, 200_000)),
}


@pytest.mark.parametrize("place", list(PLACES))
@pytest.mark.parametrize("gsd_m", [5.0, 10.0, 33.3, 60.0])
def test_align_gives_square_metres_and_covers_the_raster(write_raster, place: str, gsd_m: float) -> None:
    crs, transform = PLACES[place]
    info = raster.describe(write_raster("a.tif", np.ones((1, 300, 200), dtype="uint8"), crs=crs, transform=transform))
    grid = raster.align(info, gsd_m)
    assert ground_step(grid) == pytest.approx((gsd_m, gsd_m), rel=0.01)
    edge = np.linspace(0, 1, 21)
    col, row = (axis.ravel() for axis in np.meshgrid(edge * info.width, edge * info.height))
    to_grid = Transformer.from_crs(crs, grid.crs, always_xy=True)
    got_col, got_row = grid.col_row(*to_grid.transform(*info.place.xy(col, row)))
    slack = 0.02  # pixels: rounding must not add a column, nor cut one that anybody can see
    assert -slack < got_col.min()
    assert got_col.max() < grid.width + slack
    assert -slack < got_row.min()
    assert got_row.max() < grid.height + slack
    assert (grid.width - 1, grid.height - 1) < (math.ceil(got_col.max()), math.ceil(got_row.max()) + slack)


def test_align_to_its_own_gsd_adds_no_pixel(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", np.ones((1, 300, 200), dtype="uint8")))
    grid = raster.align(info, info.place.gsd_m[0])
    assert (grid.width, grid.height) == (200, 300)


def test_align_refuses_a_raster_without_a_place(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", np.ones((1, 3, 2), dtype="uint8"), crs=None))
    with pytest.raises(CRSError, match=r"a\.tif: has no coordinate reference system"):
        raster.align(info, 10.0)


def test_real_degrees_are_aligned_to_metres(shared_data: Path) -> None:
    info = raster.describe(shared_data / "pucallpa-landsat" / "2020.tif")
    grid = raster.align(info, 90.0)
    assert ground_step(grid) == pytest.approx((90, 90), rel=0.01)
    _, valid = read_all(info, grid)
    _, stored = read_all(info)
    ground = info.place.gsd_m[0] * info.place.gsd_m[1]
    assert valid.sum() * 90**2 == pytest.approx(stored.sum() * ground, rel=0.01)


# coarse views


@pytest.mark.parametrize("kind", ["nodata", "mask", "alpha", "nan"])
def test_a_coarse_view_of_validity_that_divides_is_exact(write_raster, kind: str) -> None:
    blocks = np.random.default_rng(3).random((10, 12)) > 0.4
    seen = np.kron(blocks, np.ones((4, 4), dtype=bool))
    stored = noise(2, 40, 48, "float32" if kind == "nan" else "uint8")
    if kind == "nodata":
        stored[:, ~seen] = 0
        path = write_raster("a.tif", stored, nodata=0)
    elif kind == "mask":
        path = write_raster("a.tif", stored, mask=seen.astype("uint8") * 255)
    elif kind == "alpha":
        stored[1] = seen * 255
        path = write_raster("a.tif", stored, colors=("gray", "alpha"))
    else:
        stored[:, ~seen] = np.nan
        path = write_raster("a.tif", stored)
    np.testing.assert_array_equal(raster.valid_overview(raster.describe(path), 4), blocks)


def test_a_raster_without_a_mask_has_no_coarse_view(write_raster) -> None:
    assert raster.valid_overview(raster.describe(write_raster("a.tif", noise(1))), 4) is None


def test_a_coarse_view_has_a_cell_for_every_step_begun(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", noise(1, 41, 3), nodata=0))
    coarse = raster.valid_overview(info, 4)
    assert coarse is not None
    assert coarse.shape == (11, 1)


def test_a_sample_holds_valid_values_only(write_raster) -> None:
    stored = noise(2, 40, 50)
    stored[:, :20] = 0
    values = raster.sample(raster.describe(write_raster("a.tif", stored, nodata=0)))
    assert values is not None
    for found, band in zip(values, stored, strict=True):
        np.testing.assert_array_equal(np.sort(found), np.sort(band[20:].ravel()))
    stored[:] = 0
    assert raster.sample(raster.describe(write_raster("b.tif", stored, nodata=0))) is None


def test_the_block_cache_is_one(write_raster) -> None:
    """rasterio takes the size as bytes, GDAL's own option as megabytes: a cache of 128 bytes decodes blocks again."""
    import rasterio

    with raster.open_raster(raster.describe(write_raster("a.tif", np.ones((1, 8, 8), np.uint8)))):
        size = rasterio.env.get_gdal_config("GDAL_CACHEMAX")
    assert 16 << 20 <= int(size) <= 1 << 30
