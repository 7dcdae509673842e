"""Clouds and shadows of the world are found, its new mines and clearings are not taken for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from geolabel import raster
from geolabel.changes import radiometry, sky
from geolabel.grid import Window
from geolabel.world import BANDS, make_world

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.world import World

NEW = {"clearing": 5, "mine": 8}


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(768, 3)


@pytest.fixture(scope="module")
def told(world: World) -> np.ndarray:
    """What is told of both dates: (2, height, width)."""
    before, after = world.before, world.after
    both = before.valid & after.valid
    fits = radiometry.fit(before.image[:, both][:, ::3], after.image[:, both][:, ::3])
    later = np.stack([fit.apply(band) for fit, band in zip(fits, after.image, strict=True)])
    pixels = np.stack([before.image.astype(np.float32), later])
    return tell(pixels, np.stack([before.valid, after.valid]), BANDS, 1e-4)


def tell(pixels: np.ndarray, valid: np.ndarray, names: tuple[str, ...], unit: float | None, gsd_m: float = 10.0):
    bands = sky.bands_for_sky(names)
    assert bands is not None
    sample = pixels[:, :, ::3, ::3].reshape(*pixels.shape[:2], -1)
    light = sky.light_of(sample, valid[:, ::3, ::3].reshape(len(valid), -1), bands, unit)
    return sky.sky(pixels, valid, bands, light, gsd_m)


def hidden(found: np.ndarray) -> np.ndarray:
    return (found == sky.CLOUD) | (found == sky.SHADOW)


def test_clouds_are_found_and_little_else(world: World, told: np.ndarray):
    for scene, found in zip((world.before, world.after), told, strict=True):
        cloud = found == sky.CLOUD
        assert cloud[scene.cloud].mean() > 0.98
        # a buffer of three pixels and the thin rims are meant to be masked
        near = ndimage.binary_dilation(scene.cloud | scene.shadow, iterations=5)
        assert near[cloud].mean() > 0.98
        assert hidden(found)[scene.shadow].mean() > 0.7
        assert near[found == sky.SHADOW].mean() > 0.8


@pytest.mark.parametrize("kind", sorted(NEW))
def test_new_mines_and_clearings_stay(world: World, told: np.ndarray, kind: str):
    before, after = world.before, world.after
    new = (after.truth == NEW[kind]) & (before.truth != NEW[kind]) & before.valid & after.valid
    for scene, found in zip((before, after), told, strict=True):
        clear = new & ~ndimage.binary_dilation(scene.cloud | scene.shadow, iterations=5)
        assert clear.sum() > 1000
        assert hidden(found)[clear].mean() < 0.02


def test_what_was_not_seen_is_outside(world: World, told: np.ndarray):
    assert ((told[0] == sky.OUTSIDE) == ~world.before.valid).all()


def test_a_piece_is_told_as_in_the_whole(world: World):
    pixels = np.stack([scene.image for scene in (world.before, world.after)]).astype(np.float32)
    valid = np.stack([world.before.valid, world.after.valid])
    bands = sky.bands_for_sky(BANDS)
    assert bands is not None
    light = sky.Light(1e-4, 0.03, 0.3)
    whole = sky.sky(pixels, valid, bands, light, 10.0)
    rows = np.s_[200 - sky.AROUND_PX : 400 + sky.AROUND_PX]
    piece = sky.sky(pixels[:, :, rows], valid[:, rows], bands, light, 10.0)
    np.testing.assert_array_equal(piece[:, sky.AROUND_PX : -sky.AROUND_PX], whole[:, 200:400])


def test_one_date_alone_shows_its_thick_clouds(world: World):
    scene = world.after
    found = tell(scene.image[None].astype(np.float32), scene.valid[None], BANDS, 1e-4)[0]
    assert (found == sky.CLOUD)[scene.cloud].mean() > 0.85
    new = (scene.truth == NEW["mine"]) & (world.before.truth != NEW["mine"])
    clear = new & ~ndimage.binary_dilation(scene.cloud | scene.shadow, iterations=5)
    assert hidden(found)[clear].mean() < 0.02


@pytest.fixture(scope="module")
def pucallpa(shared_data: Path) -> np.ndarray:
    """Eight real dates in the light of the first; they show hardly a cloud."""
    dates = []
    for year in range(1985, 2021, 5):
        info = raster.describe(shared_data / "pucallpa-landsat" / f"{year}.tif")
        with raster.open_raster(info) as reader:
            dates.append(reader.read(Window(0, 0, info.width, info.height))[0])
    usable = [~radiometry.saturated(date) for date in dates]
    made = [dates[0].astype(np.float32)]
    for date, seen in zip(dates[1:], usable[1:], strict=True):
        both = usable[0] & seen
        fits = radiometry.fit(dates[0][:, both][:, ::4], date[:, both][:, ::4])
        made.append(np.stack([fit.apply(band) for fit, band in zip(fits, date, strict=True)]))
    return np.stack(made)


def test_real_clear_dates_without_blue_stay_clear(pucallpa: np.ndarray):
    valid = np.ones((8, *pucallpa.shape[2:]), bool)
    found = tell(pucallpa, valid, ("swir1", "nir", "red", "green"), None, 90.0)
    assert hidden(found).mean(axis=(1, 2)).max() < 0.002


def test_a_cloud_and_its_shadow_laid_over_a_real_date_are_found(pucallpa: np.ndarray):
    row, col = np.mgrid[: pucallpa.shape[2], : pucallpa.shape[3]]
    dates = pucallpa.copy()
    cloud = np.hypot(row - 300, col - 80) < 12
    shadow = (np.hypot(row - 300, col - 104) < 12) & ~cloud
    dates[5][:, cloud] = np.array([170, 200, 190, 190])[:, None]
    dates[5][:, shadow] *= 0.45
    found = tell(dates, np.ones((8, *row.shape), bool), ("swir1", "nir", "red", "green"), None, 90.0)
    assert (found[5] == sky.CLOUD)[cloud].mean() > 0.95
    assert hidden(found[5])[shadow].mean() > 0.9
    assert hidden(found[[0, 1, 2, 3, 4, 6, 7]]).mean() < 0.001


def test_bands_that_tell_the_sky():
    assert sky.bands_for_sky(("nir", "red", "green", "blue")) == sky.Bands(3, 1, 0, 0.82)
    assert sky.bands_for_sky(("green", "red")) == sky.Bands(0, 1, None, 0.95)
    assert sky.bands_for_sky(("red", "nir")) is None
    assert sky.bands_for_sky(("vv", "vh")) is None


def test_the_median_of_the_others_leaves_out_what_was_not_seen():
    stack = np.array([[[1.0, 1.0]], [[9.0, 9.0]], [[5.0, 5.0]]], np.float32)
    valid = np.array([[True, False], [True, True], [True, False]])
    assert sky._middle(stack, valid).tolist() == [[5.0, 9.0]]
    assert np.isnan(sky._middle(stack, np.zeros_like(valid))).all()
