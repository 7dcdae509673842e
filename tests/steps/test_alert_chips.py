"""Pictures of alerts: the same frame before and after, the outline where the polygon is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from affine import Affine
from PIL import Image

from geolabel import geodesy, raster
from geolabel.errors import CRSError
from geolabel.grid import Grid
from geolabel.raster.reduced import open_reduced
from geolabel.steps.chips import write_chips
from geolabel.steps.quicklook import look_of
from geolabel.vector import Layer
from tests.views.map_page_scene import lost, write_scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

CRS = "EPSG:32631"
SQUARE = shapely.box(500_400, 5_499_400, 500_600, 5_499_600)
"""Columns and rows 40 to 60 of a raster of 100 × 100."""


def layer_of(*polygons: shapely.Polygon, crs: str = CRS) -> Layer:
    return Layer("alerts", np.array(polygons, dtype=object), {}, crs)


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture).astype(int)


def yellow(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture, 2, 0)
    return (red > 170) & (green > 150) & (blue < 120)


def halves(write_raster: WriteRaster, name: str, *, left: int, right: int) -> raster.RasterInfo:
    pixels = np.full((1, 100, 100), left, dtype=np.uint8)
    pixels[:, :, 50:] = right
    pixels[:, 0, :2] = 0, 255
    return raster.describe(write_raster(name, pixels, descriptions=["pan"]))


def test_frame_is_three_times_the_polygon_and_the_outline_lies_on_it(tmp_path: Path, write_raster: WriteRaster):
    images = {"old": halves(write_raster, "old.tif", left=60, right=60)}
    images["new"] = halves(write_raster, "new.tif", left=60, right=200)
    assert write_chips(tmp_path, layer_of(SQUARE), ["a1"], ["old"], ["new"], images=images, side_px=180) == 2
    before, after = opened(tmp_path / "a1-before.jpg"), opened(tmp_path / "a1-after.jpg")
    assert before.shape == after.shape == (180, 180, 3)
    # 20 px of 10 m in a frame of 60 px: a third of the picture, in its middle
    for picture in (before, after):
        rows, cols = np.nonzero(yellow(picture))
        for found in (rows, cols):
            assert found.min() == pytest.approx(60, abs=2)
            assert found.max() == pytest.approx(120, abs=2)
    assert np.ptp(before[10:170, 5:40]) < 12
    assert after[90, 20].mean() < 80
    assert after[90, 160].mean() > 180


def test_small_polygons_keep_32_pixels_around_them(tmp_path: Path, write_raster: WriteRaster):
    images = {"new": halves(write_raster, "new.tif", left=20, right=200)}
    small = shapely.box(500_490, 5_499_490, 500_510, 5_499_510)
    assert write_chips(tmp_path, layer_of(small), ["a"], [""], ["new"], images=images, side_px=192) == 1
    assert not (tmp_path / "a-before.jpg").exists()
    cols = np.nonzero(yellow(opened(tmp_path / "a-after.jpg")))[1]
    assert np.ptp(cols) == pytest.approx(2 * 192 / 32, abs=4)


def test_an_image_in_another_crs_shows_the_same_place(tmp_path: Path, write_raster: WriteRaster):
    step, corner = 0.0001, (2.999, 49.66)
    pixels = np.zeros((1, 300, 300), dtype=np.uint8)
    pixels[:, :, 150:] = 200
    degrees = Affine(step, 0, corner[0], 0, -step, corner[1])
    turned = raster.describe(write_raster("degrees.tif", pixels, crs="EPSG:4326", transform=degrees))
    edge = geodesy.reproject(np.array([corner[0] + 150 * step]), np.array([49.645]), "EPSG:4326", CRS)[0]
    square = shapely.box(edge[0] - 150, edge[1] - 150, edge[0] + 150, edge[1] + 150)
    metres = Affine(10, 0, edge[0] - 800, 0, -10, edge[1] + 800)
    plain = np.zeros((1, 160, 160), dtype=np.uint8)
    plain[:, :, 80:] = 200
    images = {"new": raster.describe(write_raster("metres.tif", plain, transform=metres)), "old": turned}
    write_chips(tmp_path, layer_of(square), ["a"], ["old"], ["new"], images=images)
    before, after = opened(tmp_path / "a-before.jpg"), opened(tmp_path / "a-after.jpg")
    assert np.abs(before - after).mean() < 6


def test_nothing_is_made_where_an_image_is_missing_and_what_lies_outside_is_grey(
    tmp_path: Path, write_raster: WriteRaster
):
    images = {"new": halves(write_raster, "new.tif", left=60, right=60)}
    corner = shapely.box(500_000, 5_499_900, 500_100, 5_500_000)
    assert write_chips(tmp_path, layer_of(SQUARE, corner), ["a", "b"], ["?", "?"], ["?", "new"], images=images) == 1
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["b-after.jpg"]
    picture = opened(tmp_path / "b-after.jpg")
    assert np.abs(picture[:60, :60] - 128).max() < 8
    with pytest.raises(ValueError, match="different"):
        write_chips(tmp_path, layer_of(SQUARE, corner), ["a", "a"], ["", ""], ["new", "new"], images=images)
    with pytest.raises(ValueError, match="names of files"):
        write_chips(tmp_path, layer_of(SQUARE), ["../a"], [""], ["new"], images=images)


def test_the_same_bytes_each_time_in_any_order_of_rows(tmp_path: Path):
    images, layer = write_scene(tmp_path), lost()
    rows = np.arange(min(8, len(layer.geometries)))
    for name, order in (("one", rows), ("two", rows[::-1])):
        part = Layer("alerts", layer.geometries[order], {}, layer.crs)
        ids, count = [f"a{row}" for row in order], len(order)
        (tmp_path / name).mkdir()
        made = write_chips(tmp_path / name, part, ids, ["before.tif"] * count, ["after.tif"] * count, images=images)
        assert made == 2 * count
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("names", "shown", "caption"),
    [
        (["nir", "blue", "green", "red"], ("red", "green", "blue"), "true colour"),
        (["nir", "swir16", "green", "red"], ("nir", "red", "green"), "false colour"),
        (["b1", "b2", "b3", "b4"], ("b1", "b2", "b3"), "b1, b2, b3"),
        (["vv", "vh"], ("vv",), "grey"),
    ],
)
def test_which_bands_are_shown(write_raster: WriteRaster, names: list[str], shown: tuple[str, ...], caption: str):
    pixels = np.random.default_rng(3).integers(1, 3000, (len(names), 40, 40)).astype(np.uint16)
    look = look_of(raster.describe(write_raster("x.tif", pixels, descriptions=names)))
    assert look.info.band_names == shown
    assert caption in look.caption
    assert look.paint(pixels[: len(shown)].astype(np.float32)).shape == (40, 40, 3)


def test_a_reduced_view_averages_what_is_valid(write_raster: WriteRaster):
    pixels = np.arange(64, dtype=np.uint16).reshape(1, 8, 8) + 1
    pixels[0, :2, :2] = 0
    info = raster.describe(write_raster("x.tif", pixels, nodata=0))
    assert info.grid is not None
    coarse = Grid(info.grid.crs, info.grid.transform @ Affine.scale(2), 4, 4)
    with open_reduced(info) as reader:
        values, valid = reader.read(coarse)
    assert valid.tolist() == [[False, True, True, True], *[[True] * 4] * 3]
    by_hand = pixels[0].reshape(4, 2, 4, 2).mean(axis=(1, 3))
    assert values[0][valid].tolist() == pytest.approx(by_hand[valid].tolist(), abs=0.5)  # in whole numbers


def test_a_picture_without_a_place_is_refused(tmp_path: Path, write_raster: WriteRaster):
    image = raster.describe(write_raster("x.tif", np.ones((1, 9, 9), np.uint8), crs=None))
    with pytest.raises(CRSError, match="no coordinate reference system"):
        write_chips(tmp_path, layer_of(SQUARE), ["a"], [""], ["x"], images={"x": image})
