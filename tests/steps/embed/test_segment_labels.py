"""Labels of pixels, beside what GDAL warps and burns."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT

from geolabel.errors import EmptyError, OptionError, SchemeError
from geolabel.grid import Grid, Window
from geolabel.labels.runs import Runs
from geolabel.steps.embed.segmentation.labels import LabelFile, at_centres, open_labels

GRID = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 90, 70)
WINDOWS = (Window(0, 0, 90, 70), Window(13, 21, 40, 30))


def told(path, **given_) -> LabelFile:
    return LabelFile(path, *(given_.get(name) for name in ("legend", "field", "layer", "scheme")))


def legend(folder, text: str):
    path = folder / "legend.csv"
    path.write_text(f"code,name\n{text}", encoding="utf-8")
    return path


def test_two_rows_one_can_draw_by_hand():
    # row 0: unknown, from 1.5 on class 2; row 1: class 1 from the left edge, unknown from 3.2 on
    runs = Runs(np.array([0, 1]), np.array([1, 3]), np.array([11.5, 10.0, 13.2]), np.array([2, 1, 0], np.uint8))
    assert at_centres(runs, Window(10, 0, 4, 2)).tolist() == [[0, 2, 2, 2], [1, 1, 1, 0]]


@given(st.integers(0, 500), st.integers(1, 9), st.integers(1, 9))
def test_each_centre_has_the_class_of_the_run_around_it(seed, width, height):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, height)
    x = np.concatenate([np.sort(rng.uniform(100, 100 + width, count)) for count in counts] or [[]])
    number = rng.integers(0, 4, len(x)).astype(np.uint8)
    end = np.cumsum(counts)
    found = at_centres(Runs(end - counts, end, x, number), Window(100, 7, width, height))
    for row, (first, last) in enumerate(zip(end - counts, end, strict=True)):
        for col in range(width):
            before = np.flatnonzero(x[first:last] <= 100 + col + 0.5)
            assert found[row, col] == (number[first:last][before[-1]] if len(before) else 0)


@pytest.mark.parametrize(("crs", "resolution"), [("EPSG:32631", 10.0), ("EPSG:3035", 25.0), ("EPSG:4326", 2e-4)])
def test_a_class_raster_is_seen_as_gdal_warps_it(crs, resolution, tmp_path):
    corners = geopandas.GeoSeries([shapely.box(*GRID.bounds).buffer(300)], crs=GRID.crs).to_crs(crs).total_bounds
    shape = [int(side / resolution) for side in (corners[3] - corners[1], corners[2] - corners[0])]
    codes = np.kron(np.random.default_rng(0).choice([0, 3, 7, 12], (40, 40)), np.ones((9, 9))).astype(np.uint8)
    codes = np.resize(codes[: shape[0], : shape[1]], shape)
    path = tmp_path / "cover.tif"
    if crs == GRID.crs:
        corners[0], corners[3] = 499_500, 5_500_500
    place = Affine(resolution, 0, corners[0], 0, -resolution, corners[3])
    profile = {"driver": "GTiff", "width": shape[1], "height": shape[0], "count": 1, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", crs=crs, transform=place, **profile) as dataset:
        dataset.write(codes[None])
    with (
        rasterio.open(path) as dataset,
        WarpedVRT(
            dataset, crs=GRID.crs, transform=GRID.transform, width=90, height=70, tolerance=0.001, add_alpha=False
        ) as warped,
    ):
        wanted = np.array([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 3])[warped.read(1)]
    labels = open_labels(told(path, legend=legend(tmp_path, "3,forest\n7,water\n12,mine\n")))
    assert labels.scheme.names == ("forest", "water", "mine")
    with labels.lay(GRID) as laid:
        for window in WINDOWS:
            found = laid.numbers(window)
            part = wanted[window.row_off :, window.col_off :][: window.height, : window.width]
            assert (found == part).mean() > (0.999 if crs == GRID.crs else 0.99)


def test_polygons_are_seen_as_gdal_burns_them(tmp_path):
    rng = np.random.default_rng(1)
    middles = rng.uniform([500_050, 5_499_350], [500_850, 5_499_950], (12, 2))
    shapes = [shapely.Point(*middle).buffer(rng.uniform(30, 120)) for middle in middles]
    names = rng.choice(["forest", "water"], 12)
    frame = geopandas.GeoDataFrame({"kind": names, "area": shapely.area(shapes)}, geometry=shapes, crs=GRID.crs)
    path = tmp_path / "places.gpkg"
    frame.to_file(path)
    frame = frame.sort_values("area", ascending=False)  # smaller ones lie on top
    burned = [
        (shape, 1 + ["forest", "water"].index(name)) for shape, name in zip(frame.geometry, frame.kind, strict=True)
    ]
    wanted = rasterize(burned, (70, 90), transform=GRID.transform, dtype="uint8")
    with open_labels(told(path, field="kind")).lay(GRID) as laid:
        for window in WINDOWS:
            part = wanted[window.row_off :, window.col_off :][: window.height, : window.width]
            assert (laid.numbers(window) == part).mean() > 0.999


def test_what_a_scheme_knows_to_be_none_of_its_classes_is_a_number_of_its_own(tmp_path, write_raster):
    codes = np.array([[[3, 3, 7, 9]] * 4], np.uint8)
    path = write_raster("cover.tif", codes)
    scheme = tmp_path / "mine.toml"
    scheme.write_text('[background]\nraster = [3]\n[[class]]\nname = "mine"\nraster = [7]\n', encoding="utf-8")
    with open_labels(told(path, scheme=str(scheme))).lay(Grid("EPSG:32631", GRID.transform, 4, 4)) as laid:
        assert laid.numbers(Window(0, 0, 4, 4)).tolist() == [[2, 2, 1, 0]] * 4


def test_corine_is_read_by_its_own_scheme(shared_data):
    path = shared_data / "clc-granada" / "clc.tif"
    labels = open_labels(told(path, scheme="clc-3"))
    with rasterio.open(path) as dataset:
        grid = Grid(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
        pixels = dataset.read(1, masked=True)
    with labels.lay(grid) as laid:
        found = laid.numbers(Window(0, 0, grid.width, grid.height))
    assert np.array_equal(found > 0, ~np.ma.getmaskarray(pixels))
    for number in np.unique(found[found > 0]):
        assert len(np.unique(pixels[found == number])) == 1


def test_what_is_missing_or_does_not_fit_is_said(tmp_path, write_raster):
    path = write_raster("cover.tif", np.ones((1, 8, 8), np.uint8))
    with pytest.raises(OptionError, match="--legend"):
        open_labels(told(path))
    with pytest.raises(OptionError, match="is a raster"):
        open_labels(told(path, field="kind"))
    groups = tmp_path / "groups.toml"
    rows = [f'[[class]]\nname = "{name}"\nraster = [{code}]\ngroup = "{name}"\n' for code, name in enumerate("ab")]
    groups.write_text("".join(rows), encoding="utf-8")
    with pytest.raises(SchemeError, match="2 groups"):
        open_labels(told(path, scheme=str(groups)))
    far = Grid("EPSG:32631", Affine(10, 0, 600_000, 0, -10, 5_400_000), 8, 8)
    with (
        pytest.raises(EmptyError, match=r"cover\.tif"),
        open_labels(told(path, legend=legend(tmp_path, "1,forest\n"))).lay(far) as laid,
    ):
        assert not laid.numbers(Window(0, 0, 8, 8)).any()
