"""Counting and drawing strip by strip, compared with the whole map at once."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy import stats

from geolabel import geodesy
from geolabel.errors import InputError, OptionError
from geolabel.grid import Grid
from geolabel.steps.area import strips
from geolabel.steps.area.map import OUTSIDE, read_map
from geolabel.steps.area.strips import PixelAreas, count, draw
from tests.steps.area.maps_to_sample import TITLES, chequered, write_map


@pytest.mark.parametrize("rows", [1, 7, 100, 512])
def test_counts_and_areas(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(strips, "_MOST_ROWS", rows)
    codes = chequered()
    counted = count(read_map(write_map(tmp_path / "classes.tif", codes)))
    assert counted.pixels.sum(axis=0).tolist() == [(codes == value).sum() for value in TITLES]
    # UTM draws lengths at its central meridian at .9996 of their size; a pixel has 100 m² there
    expected = [(codes == value).sum() * 0.01 / 0.9996**2 for value in TITLES]
    np.testing.assert_allclose(counted.area_ha, expected, rtol=1e-6)


def sphere_like_zone_ha(south, north, width_degrees):
    """Area between two parallels on WGS 84, by the closed formula (Snyder 1987, equation 3-12)."""
    e = 0.0818191908426215
    a = 6378137.0

    def q(lat):
        s = np.sin(np.radians(lat))
        return (1 - e**2) * (s / (1 - e**2 * s**2) - np.log((1 - e * s) / (1 + e * s)) / (2 * e))

    return a**2 / 2 * np.radians(width_degrees) * (q(north) - q(south)) / 1e4


def test_areas_of_pixels_in_degrees():
    """From 60° south to 20° north, rows differ by a factor of two."""
    height, step = 1_600, 0.05
    areas = PixelAreas.of(Grid("EPSG:4326", Affine(step, 0, -60, 0, -step, 20), 40, height))
    rows = np.arange(height)
    north = 20 - rows * step
    expected = sphere_like_zone_ha(north - step, north, step)
    np.testing.assert_allclose(areas.of_rows(rows, 40), np.repeat(expected[:, None], 40, axis=1), rtol=2e-5)
    cols = rows % 40
    np.testing.assert_allclose(areas.of_pixels(rows, cols), areas.of_rows(rows, 40)[rows, cols], rtol=1e-12)


def test_areas_of_pixels_far_from_a_central_meridian():
    grid = Grid("EPSG:32721", Affine(100, 0, 200_000, 0, -100, 9_000_000), 6_000, 2)
    areas = PixelAreas.of(grid)
    cols = np.array([0, 1234, 2999, 5998])
    zeros, ones = np.zeros(4, int), np.ones(4, int)
    expected = geodesy.area_ha(grid.boxes(cols, zeros, ones, ones), grid.crs)
    np.testing.assert_allclose(areas.of_rows(np.array([0]), 6_000)[0, cols], expected, rtol=1e-6)
    assert np.ptp(expected) > 1e-4 * expected.mean()


@pytest.mark.parametrize("rows", [1, 13, 512])
def test_drawing_does_not_depend_on_the_strips(tmp_path, monkeypatch, rows):
    codes = chequered()
    found = read_map(write_map(tmp_path / "classes.tif", codes))
    points = np.array([50, 60, 70, 20])
    whole = draw(found, count(found), points, np.random.default_rng(3))
    monkeypatch.setattr(strips, "_MOST_ROWS", rows)
    drawn = draw(found, count(found), points, np.random.default_rng(3))
    for column in ("stratum", "row", "col", "area_ha"):
        np.testing.assert_array_equal(getattr(drawn, column), getattr(whole, column))
    assert np.bincount(drawn.stratum).tolist() == points.tolist()
    values = np.array(list(TITLES))
    assert (codes[drawn.row, drawn.col] == values[drawn.stratum]).all()
    assert len(set(zip(drawn.row.tolist(), drawn.col.tolist(), strict=True))) == points.sum()


def test_every_pixel_is_as_likely_as_any_other(tmp_path):
    """Of 24 pixels 6 are drawn, 400 times: counts as a chi-square of 23 degrees of freedom allows."""
    codes = np.full((4, 12), 1, np.uint8)
    codes[:, ::2] = 2
    grid = Grid("EPSG:32721", Affine(10, 0, 500_000, 0, -10, 9_000_000), 12, 4)
    found = read_map(write_map(tmp_path / "classes.tif", codes, grid, {1: "Forest & <wood>", 2: 'Mine "pit"'}))
    counted, rng = count(found), np.random.default_rng(0)
    hits = np.zeros(codes.shape)
    for _ in range(400):
        drawn = draw(found, counted, np.array([6, 2]), rng)
        np.add.at(hits, (drawn.row, drawn.col), 1)
    seen = hits[codes == 1]
    assert seen.sum() == 2_400
    # drawn without replacement, counts vary less than a multinomial's: by 1 - 6/24
    assert 5 < ((seen - 100) ** 2 / 100).sum() / 0.75 < stats.chi2.ppf(0.999, 23)


def test_codes_without_a_name_are_told(tmp_path, monkeypatch):
    path = write_map(tmp_path / "classes.tif", chequered())
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.write(np.full((1, 1, 1), 77, np.uint8), window=rasterio.windows.Window(3, 4, 1, 1))
        dataset.write(np.full((1, 1, 1), 9, np.uint8), window=rasterio.windows.Window(3, 84, 1, 1))
    monkeypatch.setattr(strips, "_MOST_ROWS", 10)
    with pytest.raises(InputError, match="codes 9, 77 mean; name all in a legend"):
        count(read_map(path))


def test_a_legend_explains_codes_of_many_bits(tmp_path, write_raster):
    codes = np.array([[70_000, -3, 9], [9, 9, -3]], dtype=np.int32)
    path = write_raster("codes.tif", codes[None], nodata=-3)
    legend = tmp_path / "legend.csv"
    legend.write_text("code,name,color\n70000,mine,#ff0000\n9,forest,\n10,forest,\n")
    found = read_map(path, legend)
    assert [(one.name, one.codes, one.color) for one in found.classes] == [
        ("mine", (70_000,), "#ff0000"),
        ("forest", (9, 10), "#1b7837"),
    ]
    numbers, strange = found.strata(codes, codes != -3)
    assert numbers.tolist() == [[0, OUTSIDE, 1], [1, 1, OUTSIDE]]
    assert strange == set()
    with pytest.raises(OptionError, match="does not say what its codes mean; give --legend"):
        read_map(path)
