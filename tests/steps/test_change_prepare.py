"""Dates are laid on one grid, shifted into place, brought into one light and freed of clouds; or left as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import Resampling, reproject
from scipy import ndimage

from geolabel import raster
from geolabel.errors import BandError, ContractError, CRSError, EmptyError, InputError, OptionError
from geolabel.grid import Window
from geolabel.steps.change_prepare import Prepared, prepare
from geolabel.steps.change_writing import stored
from geolabel.world import BANDS, make_world
from tests.conftest import UTM

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.raster import RasterInfo
    from geolabel.world import World
    from tests.conftest import WriteRaster

DAYS = [np.datetime64("2019-07-01"), np.datetime64("2020-09-01")]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(384, 4)


def read(info: RasterInfo) -> tuple[np.ndarray, np.ndarray]:
    with raster.open_raster(info) as reader:
        return reader.read(Window(0, 0, info.width, info.height))


def two(write_raster: WriteRaster, first: np.ndarray, other: np.ndarray, **how) -> list[RasterInfo]:
    named = {"descriptions": BANDS, "nodata": 0}
    paths = [write_raster("a.tif", first, **named), write_raster("b.tif", other, **named | how)]
    return [raster.describe(path) for path in paths]


def test_dates_that_agree_are_the_originals(write_raster: WriteRaster, tmp_path: Path, world: World):
    image = np.clip(world.before.image, 0, 900)  # without what is bright enough for a cloud
    infos = two(write_raster, image, image)
    found = prepare(infos, tmp_path / "p", dates=DAYS)
    assert [each.info for each in found] == infos
    assert [each.date for each in found] == DAYS
    assert found[1].shift is not None
    assert found[1].shift.sure
    assert found[1].shift.distance_px < 0.01
    assert all(fit.method == "none" for fit in found[1].fits)
    assert found[1].cloud_share == 0
    assert sorted(path.name for path in (tmp_path / "p").iterdir() if path.suffix == ".tif") == [
        "01-a-sky.tif",
        "02-b-sky.tif",
    ]


def test_the_second_date_of_the_world(write_raster: WriteRaster, tmp_path: Path, world: World):
    after = world.after
    lain = ndimage.shift(after.image.astype(float), (0, 1.4, -0.6), order=1, mode="nearest")
    lain = np.where(after.valid, lain * 0.8 + 50, 0).astype(np.uint16)
    first, second = prepare(two(write_raster, world.before.image, lain), tmp_path / "p", dates=DAYS)
    assert second.shift is not None
    assert (second.shift.col_px, second.shift.row_px) == pytest.approx((-0.6, 1.4), abs=0.1)
    assert second.shift_m == pytest.approx((10 * second.shift.col_px, -10 * second.shift.row_px), rel=0.01)
    assert not first.fits
    assert (first.shift, first.shift_m) == (None, (0.0, 0.0))

    _check_contract(second, like=first)
    pixels, valid = read(second.info)
    assert second.sky is not None
    told = read(second.sky)[0][0]
    assert not (valid & np.isin(told, (1, 3, 255))).any()
    assert (told == 1)[after.cloud & ndimage.binary_erosion(after.valid, iterations=3)].mean() > 0.97
    seen = told != 255
    assert second.cloud_share == pytest.approx((told[seen] == 1).mean())
    same = valid & (world.before.truth == 1) & (after.truth == 1) & world.before.valid
    before = np.median(world.before.image[:, same], axis=1)
    assert np.median(pixels[:, same], axis=1) == pytest.approx(before, rel=0.05)


def _check_contract(found: Prepared, like: Prepared) -> None:
    original = raster.describe(like.original)
    assert (found.info.dtype, found.info.grid, found.info.band_names) == (
        original.dtype,
        original.grid,
        original.band_names,
    )
    assert found.info.nodata == original.nodata


def test_each_thing_can_be_left_out(write_raster: WriteRaster, tmp_path: Path, world: World):
    infos = two(write_raster, world.before.image, world.after.image)
    found = prepare(infos, tmp_path / "p", dates=DAYS, align=False, normalise=False, mask_sky=False)
    assert [each.info for each in found] == infos
    assert (found[1].shift, found[1].fits, found[1].sky) == (None, (), None)
    assert np.isnan(found[1].cloud_share)


def test_another_grid_and_size_is_read_as_gdal_warps_it(write_raster: WriteRaster, tmp_path: Path, world: World):
    image = world.before.image
    coarse = Affine(15.0, 0, 500_300.0, 0, -15.0, 5_499_500.0)
    other = np.zeros((4, 150, 160), np.uint16)
    how = {"src_crs": "EPSG:32631", "dst_crs": "EPSG:32631", "resampling": Resampling.bilinear}
    for band in range(4):
        reproject(image[band], other[band], src_transform=UTM, dst_transform=coarse, **how)
    infos = two(write_raster, image, other, transform=coarse)
    found = prepare(infos, tmp_path / "p", dates=DAYS, align=False, normalise=False, mask_sky=False)
    assert found[1].info.grid == infos[0].grid
    pixels, valid = read(found[1].info)
    expected = np.zeros(image.shape, np.uint16)
    for band in range(4):
        reproject(other[band], expected[band], src_transform=coarse, dst_transform=UTM, **how)
    inner = ndimage.binary_erosion(valid, iterations=3)
    assert inner.mean() > 0.2
    assert np.abs(pixels[:, inner].astype(int) - expected[:, inner]).max() <= 1


def test_bands_are_matched_by_name(write_raster: WriteRaster, tmp_path: Path, world: World):
    image = world.before.image
    turned = np.concatenate([image[::-1], image[:1]])
    names = ("nir", "red", "green", "blue", "coastal")
    first, second = prepare(
        two(write_raster, image, turned, descriptions=names), tmp_path / "p", dates=DAYS, mask_sky=False
    )
    assert first.info.band_names == second.info.band_names == BANDS
    np.testing.assert_array_equal(read(second.info)[0], image)


def test_scale_and_offset_are_brought_to_the_first(write_raster: WriteRaster, tmp_path: Path, world: World):
    image = np.where(world.before.valid, world.before.image, 0)
    infos = two(write_raster, image, np.where(image > 0, image + 1000, 0), scales=[1.0] * 4, offsets=[-1000.0] * 4)
    found = prepare(infos, tmp_path / "p", dates=DAYS, align=False, normalise=False, mask_sky=False)
    np.testing.assert_array_equal(read(found[1].info)[0], image)
    assert {(band.scale, band.offset) for band in found[1].info.bands} == {(1.0, 0.0)}


def test_what_the_user_masks_is_not_seen(write_raster: WriteRaster, tmp_path: Path, world: World):
    image = np.clip(world.before.image, 0, 900)
    mask = np.zeros((1, 384, 384), np.uint8)
    mask[0, 100:150, 50:90] = 1
    drawn = write_raster("m.tif", mask)
    infos = two(write_raster, image, image)
    found = prepare(infos, tmp_path / "p", dates=DAYS, masks=[None, drawn])
    assert found[0].info == infos[0]
    valid = read(found[1].info)[1]
    np.testing.assert_array_equal(valid, world.before.valid & (mask[0] == 0))
    assert found[1].sky is not None
    np.testing.assert_array_equal(read(found[1].sky)[1], valid)


def test_a_stranger_is_left_where_it_is_and_that_is_said(
    write_raster: WriteRaster, tmp_path: Path, world: World, caplog: pytest.LogCaptureFixture
):
    infos = two(write_raster, world.before.image, make_world(384, 9).before.image)
    found = prepare(infos, tmp_path / "p", dates=DAYS, mask_sky=False)
    assert found[1].shift is not None
    assert not found[1].shift.sure
    assert "left where it is" in found[1].notes[0]
    assert "left where it is" in caplog.text


def test_without_visible_bands_clouds_are_not_looked_for(write_raster: WriteRaster, tmp_path: Path, world: World):
    paths = [write_raster(f"{n}.tif", world.before.image[:2], descriptions=("vv", "vh"), nodata=0) for n in "ab"]
    found = prepare([raster.describe(path) for path in paths], tmp_path / "p", dates=DAYS)
    assert found[0].sky is None
    assert "needs red" in found[0].notes[0]


def test_the_same_input_gives_the_same_bytes(write_raster: WriteRaster, tmp_path: Path, world: World):
    infos = two(write_raster, world.before.image, world.after.image)
    for name in "pq":
        prepare(infos, tmp_path / name, dates=DAYS)
    for path in sorted((tmp_path / "p").iterdir()):
        assert path.read_bytes() == (tmp_path / "q" / path.name).read_bytes()


def test_what_is_valid_never_reads_as_nodata():
    values = np.array([[[0.2, 5.6, 300.0, -7.0, 9.0]], [[0.1, 0.0, 2.0, -1.0, 9.0]]], np.float32)
    valid = np.array([[True, True, True, True, False]])
    made = stored(values, valid, np.dtype("uint8"), 0.0)
    assert made[:, 0].tolist() == [[1, 6, 255, 1, 0], [0, 0, 2, 0, 0]]
    ends = stored(np.full((2, 1, 1), 255.0, np.float32), np.ones((1, 1), bool), np.dtype("uint8"), 255.0)
    assert ends[:, 0, 0].tolist() == [254, 255]
    assert np.isnan(stored(values, valid, np.dtype("float32"), float("nan"))[:, 0, 4]).all()


def test_what_cannot_be_compared_is_refused(write_raster: WriteRaster, tmp_path: Path):
    pixels = np.ones((2, 40, 40), np.uint8)

    def given(name: str, **how) -> RasterInfo:
        return raster.describe(write_raster(name, pixels, **{"descriptions": ("red", "nir")} | how))

    first = given("first.tif")
    cases = [
        (given("vv.tif", descriptions=("vv", "vh")), BandError, "vv, vh against red, nir"),
        (given("far.tif", transform=Affine(10, 0, 700_000, 0, -10, 5_500_000)), InputError, "does not overlap"),
        (given("coarse.tif", transform=Affine(30, 0, 500_000, 0, -30, 5_500_000)), ContractError, "30 m beside 10 m"),
        (given("nowhere.tif", crs=None), CRSError, "coordinate reference"),
    ]
    for other, error, words in cases:
        with pytest.raises(error, match=words):
            prepare([first, other], tmp_path / "p", dates=DAYS)
    with pytest.raises(OptionError, match="1 dates for 2 rasters"):
        prepare([first, first], tmp_path / "p", dates=DAYS[:1])
    with pytest.raises(EmptyError, match="no rasters"):
        prepare([], tmp_path / "p", dates=[])
    assert not (tmp_path / "p").exists()


def test_class_codes_are_no_images(write_raster: WriteRaster, tmp_path: Path):
    path = write_raster("codes.tif", np.ones((1, 40, 40), np.uint8), descriptions=("class",))
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (1, 2, 3, 255)})
    info = raster.describe(path)
    with pytest.raises(BandError, match="class codes"):
        prepare([info, info], tmp_path / "p", dates=DAYS)


def test_real_dates_of_two_grids(shared_data: Path, tmp_path: Path):
    paths = [shared_data / "naip" / f"m_4709963_se_14_1_{day}.tif" for day in ("20090818", "20200831")]
    infos = [raster.describe(path, ("red", "green", "blue", "nir")) for path in paths]
    found = prepare(infos, tmp_path / "p", dates=DAYS)
    assert found[1].info.grid == infos[0].grid
    assert all(each.cloud_share + each.shadow_share < 0.01 for each in found)
    assert all(fit.error_after < fit.error_before for fit in found[1].fits)
    assert any("hardly anything in" in note for note in found[1].notes)
