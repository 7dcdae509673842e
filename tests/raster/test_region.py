"""Many rasters as one: numpy, and GDAL's command line, as the oracle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from geolabel import files, raster
from geolabel.errors import BandError, CRSError, EmptyError, InputError
from geolabel.grid import Window
from geolabel.raster.region.lattice import cut

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)


def noise(bands: int, height: int = 40, width: int = 50, dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, (bands, height, width)).astype(dtype)


def at(col: int, row: int) -> Affine:
    return UTM @ Affine.translation(col, row)


def read(path: Path, *bands: str) -> tuple[np.ndarray, np.ndarray]:
    info = raster.describe(path, bands)
    with raster.open_raster(info) as reader:
        return reader.read(Window(0, 0, info.width, info.height))


def test_one_raster_is_given_back_as_it_is(tmp_path: Path, write_raster) -> None:
    path = write_raster("a.tif", noise(2))
    assert raster.gather([str(path)], tmp_path / "region") == path
    assert not (tmp_path / "region").exists()


def test_tiles_side_by_side_are_one_raster(tmp_path: Path, write_raster) -> None:
    whole = noise(3, 64, 96)
    names = ("red", "green", "blue")
    blocks = {"tiled": True, "blockxsize": 48, "blockysize": 32}
    inputs = [
        str(write_raster(f"{col}.tif", whole[:, :, col : col + 48], transform=at(col, 0), descriptions=names, **blocks))
        for col in (0, 48)
    ]
    path = raster.gather(inputs, tmp_path / "region")
    info = raster.describe(path)
    pixels, valid = read(path)
    np.testing.assert_array_equal(pixels, whole)
    assert valid.all()
    assert (info.band_names, info.mask, info.block) == (names, "none", (48, 32))
    assert info.place == raster.describe(write_raster("whole.tif", whole)).place


@given(
    cols=st.lists(st.integers(1, 29), max_size=3, unique=True),
    rows=st.lists(st.integers(1, 19), max_size=3, unique=True),
    grown=st.integers(0, 4),
    order=st.randoms(use_true_random=False),
)
def test_any_partition_gathers_back_to_the_same_pixels(tmp_path_factory, cols, rows, grown, order) -> None:
    """Tiles of any size, in any order, that may reach into their neighbours."""
    folder = tmp_path_factory.mktemp("partition")
    whole = noise(2, 20, 30)
    left, top = sorted([0, *cols]), sorted([0, *rows])
    inputs = []
    for col, right in zip(left, [*left[1:], 30], strict=True):
        for row, bottom in zip(top, [*top[1:], 20], strict=True):
            path = folder / f"{col}_{row}.tif"
            tile = whole[:, row : bottom + grown, col : right + grown]
            profile = {"driver": "GTiff", "count": 2, "dtype": "uint16", "crs": "EPSG:32631", "transform": at(col, row)}
            with rasterio.open(path, "w", height=tile.shape[1], width=tile.shape[2], **profile) as dataset:
                dataset.write(tile)
            inputs.append(str(path))
    order.shuffle(inputs)
    pixels, valid = read(raster.gather(inputs, folder / "region"))
    np.testing.assert_array_equal(pixels, whole)
    assert valid.all()


boxes = st.builds(Window, st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))


@given(window=boxes, others=st.lists(boxes, max_size=5))
def test_pieces_of_a_window_are_a_partition_of_it(window: Window, others: list[Window]) -> None:
    def painted(windows: list[Window]) -> np.ndarray:
        plane = np.zeros((20, 20), dtype=int)
        for each in windows:
            plane[each.row_off : each.row_off + each.height, each.col_off : each.col_off + each.width] += 1
        return plane

    free, covered = cut(window, others)
    below = (painted(others) > 0).astype(int)
    np.testing.assert_array_equal(painted(free), painted([window]) * (1 - below))
    np.testing.assert_array_equal(painted(covered), painted([window]) * below)


# what is valid


def holes(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((40, 50)) > 0.4


@pytest.mark.parametrize("bands", [1, 2, 3])
@pytest.mark.parametrize("kinds", [("nodata", "nodata"), ("nodata", "mask"), ("mask", "alpha"), ("alpha", "other")])
def test_a_later_raster_lies_over_an_earlier_one_and_its_holes_hide_nothing(
    tmp_path: Path, write_raster, bands: int, kinds: tuple[str, str]
) -> None:
    inputs = []
    expected = np.zeros((bands, 60, 70), dtype="uint16")
    seen = np.zeros((60, 70), dtype=bool)
    for number, (kind, shift) in enumerate(zip(kinds, ((0, 0), (20, 20)), strict=True)):
        valid, stored = holes(number), noise(bands, seed=number)
        options: dict = {"nodata": 0} if kind == "nodata" else {"nodata": 7777} if kind == "other" else {}
        hole = 7777 if kind == "other" else 0
        stored[:, ~valid] = hole
        stored[0, valid & holes(9)] = hole  # nodata in one of several bands is a value
        if kind in ("nodata", "other") and bands == 1:
            valid = valid & ~holes(9)
        if kind == "mask":
            options["mask"] = np.where(valid, 255, 0).astype("uint8")
        colors = ("gray", *["undefined"] * (bands - 1))
        if kind == "alpha":
            stored = np.concatenate([stored, np.where(valid, 255, 0)[None].astype("uint16")])
            options["colors"] = (*colors, "alpha")
        names = [f"b{n}" for n in range(bands)] + ["alpha"] * (kind == "alpha")
        path = write_raster(f"{number}.tif", stored, transform=at(*shift), descriptions=names, **options)
        inputs.append(str(path))
        part = (slice(shift[1], shift[1] + 40), slice(shift[0], shift[0] + 50))
        expected[:, *part][:, valid] = stored[:bands, valid]
        seen[part] |= valid
    pixels, valid = read(raster.gather(inputs, tmp_path / "region"))
    np.testing.assert_array_equal(valid, seen)
    np.testing.assert_array_equal(pixels[:, seen], expected[:, seen])


def test_between_rasters_that_are_wholly_valid_nothing_is(tmp_path: Path, write_raster) -> None:
    inputs = [str(write_raster(f"{n}.tif", noise(1), transform=at(n * 60, n * 5))) for n in range(2)]
    path = raster.gather(inputs, tmp_path / "region")
    _, valid = read(path)
    expected = np.zeros((45, 110), dtype=bool)
    expected[:40, :50] = expected[5:, 60:] = True
    np.testing.assert_array_equal(valid, expected)


def test_nan_hides_nothing(tmp_path: Path, write_raster) -> None:
    below, above = noise(2, dtype="float32"), noise(2, dtype="float32", seed=1)
    above[:, :10] = np.nan
    pixels, valid = read(
        raster.gather([str(write_raster("a.tif", below)), str(write_raster("b.tif", above))], tmp_path / "region")
    )
    assert valid.all()
    np.testing.assert_array_equal(pixels, np.where(np.isnan(above), below, above))


def test_values_are_brought_to_the_scale_of_the_first(tmp_path: Path, write_raster) -> None:
    """Sentinel-2 before and after 2022: the same ground is stored 1000 higher."""
    ground = noise(2, 40, 100)
    first = write_raster("a.tif", ground[:, :, :60], scales=(1e-4,) * 2, offsets=(0, 0), nodata=0)
    second = write_raster(
        "b.tif", ground[:, :, 50:] + 1000, transform=at(50, 0), scales=(1e-4,) * 2, offsets=(-0.1,) * 2, nodata=0
    )
    path = raster.gather([str(first), str(second)], tmp_path / "region")
    pixels, valid = read(path)
    np.testing.assert_array_equal(pixels, ground)
    assert valid.all()
    assert [(band.scale, band.offset) for band in raster.describe(path).bands] == [(1e-4, 0)] * 2


# other grids


def run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here: apt install gdal-bin")
    subprocess.run(command, check=True, capture_output=True)


def smooth(height: int, width: int, crs: str, transform: Affine, bands: int = 2) -> np.ndarray:
    """Waves over the ground, the same for all CRSs as far as they are of one unit."""
    from pyproj import Transformer

    cols, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = transform @ (cols, rows)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    wave = 2000 + 800 * np.sin(lon * 2000) * np.cos(lat * 2000)
    return np.stack([wave + 100 * band for band in range(bands)]).astype("uint16")


def test_two_utm_zones_against_gdalwarp(tmp_path: Path, write_raster) -> None:
    east = Affine(10.0, 0.0, 284_500.0, 0.0, -10.0, 5_540_000.0)
    west = Affine(10.0, 0.0, 713_500.0, 0.0, -10.0, 5_540_000.0)
    large = write_raster("w.tif", smooth(300, 300, "EPSG:32631", west), crs="EPSG:32631", transform=west, nodata=0)
    small = write_raster("e.tif", smooth(200, 250, "EPSG:32632", east), crs="EPSG:32632", transform=east, nodata=0)
    path = raster.gather([str(large), str(small)], tmp_path / "region")
    info = raster.describe(path)
    assert rasterio.CRS.from_user_input(info.place.crs).to_epsg() == 32631
    bounds = map(str, info.place.bounds)
    options = ["-t_srs", "EPSG:32631", "-tr", "10", "10", "-te", *bounds, "-r", "bilinear", "-et", "0.01"]
    options += ["-wo", "XSCALE=1", "-wo", "YSCALE=1"]  # else the width of its kernel varies from part to part
    oracle = tmp_path / "oracle.tif"
    run("gdalwarp", "-q", *options, str(large), str(small), str(oracle))
    pixels, valid = read(path)
    expected, expected_valid = read(oracle)
    assert (valid != expected_valid).mean() < 0.002  # half-covered pixels at the edge of a zone
    both = valid & expected_valid
    assert both.mean() > 0.4
    differences = np.abs(pixels[:, both].astype(int) - expected[:, both])
    assert np.percentile(differences, 99) <= 1
    # both zones show one ground
    truth = smooth(info.height, info.width, "EPSG:32631", info.place.transform)
    assert np.abs(pixels[:, valid].astype(int) - truth[:, valid]).mean() < 8


def test_a_window_of_a_resampled_region_has_the_pixels_of_the_whole(tmp_path: Path, write_raster) -> None:
    """GDAL chooses its kernel's width by the window, unless told: shards would not agree."""
    turned = Affine(7.0, 0.0, 284_500.0, 0.0, -7.0, 5_540_000.0)
    place = Affine(10.0, 0.0, 713_500.0, 0.0, -10.0, 5_540_000.0)
    first = write_raster("a.tif", noise(2, 700, 200), transform=place)
    second = write_raster("b.tif", noise(2, 800, 700), transform=turned, crs="EPSG:32632", nodata=0)
    info = raster.describe(raster.gather([str(first), str(second)], tmp_path / "region"))
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
    for window in (Window(110, 90, 250, 77), Window(300, 400, 100, 200), Window(0, 500, info.width, 50)):
        rows, cols = (
            slice(start, start + side)
            for start, side in ((window.row_off, window.height), (window.col_off, window.width))
        )
        with raster.open_raster(info) as reader:
            part, part_valid = reader.read(window)
        np.testing.assert_array_equal(part, pixels[:, rows, cols])
        np.testing.assert_array_equal(part_valid, valid[rows, cols])


@pytest.mark.parametrize("palette", [True, False])
def test_pixels_that_lie_between_are_interpolated_unless_they_are_codes(
    tmp_path: Path, write_raster, palette: bool
) -> None:
    codes = noise(1, dtype="uint8")
    paths = [write_raster("a.tif", codes), write_raster("b.tif", codes, transform=UTM @ Affine.translation(50.5, 0))]
    if palette:
        for path in paths:
            with rasterio.open(path, "r+") as dataset:
                dataset.write_colormap(1, {code: (code, 0, 0, 255) for code in range(256)})
                dataset.colorinterp = [ColorInterp.palette]
    path = raster.gather([str(path) for path in paths], tmp_path / "region")
    pixels, valid = read(path)
    assert raster.describe(path).palette == palette
    np.testing.assert_array_equal(pixels[:, :, :50], codes)
    right = pixels[0, :, 51:100]
    if palette:
        assert ((right == codes[0, :, :-1]) | (right == codes[0, :, 1:])).all()
    else:
        np.testing.assert_allclose(right, (codes[0, :, :-1].astype(float) + codes[0, :, 1:]) / 2, atol=0.51)
    assert valid[:, :50].all()


def test_most_of_the_area_says_which_grid(tmp_path: Path, write_raster, caplog) -> None:
    coarse = write_raster("a.tif", noise(1, 30, 30), transform=Affine(20.0, 0.0, 500_000.0, 0.0, -20.0, 5_500_000.0))
    fine = write_raster("b.tif", noise(1, 90, 90), transform=at(60, 0))
    info = raster.describe(raster.gather([str(coarse), str(fine)], tmp_path / "region"))
    assert info.place.transform.a == 10
    assert (info.width, info.height) == (150, 90)
    assert "a.tif: 20" in caplog.text  # more than a fifth coarser: said aloud


def test_overviews_that_all_have_are_passed_on(tmp_path: Path, write_raster) -> None:
    inputs = []
    for number, factors in enumerate([(2, 4, 8), (2, 4)]):
        path = write_raster(f"{number}.tif", noise(2, 256, 256), transform=at(number * 256, 0), nodata=0)
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews(list(factors))
        inputs.append(str(path))
    path = raster.gather(inputs, tmp_path / "region")
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1) == [2, 4]
    with rasterio.open(inputs[1]) as dataset:
        expected = dataset.read(1, out_shape=(64, 64))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1, out_shape=(64, 128))[:, 64:], expected)


# bands and names


def test_bands_are_matched_by_name_in_the_order_of_the_first(tmp_path: Path, write_raster) -> None:
    one, two = noise(2), noise(3, seed=1)
    first = write_raster("a.tif", one, descriptions=("red", "nir"))
    second = write_raster("b.tif", two, transform=at(50, 0), descriptions=("nir", "blue", "red"))
    pixels, _ = read(raster.gather([str(first), str(second)], tmp_path / "region"))
    np.testing.assert_array_equal(pixels, np.concatenate([one, two[[2, 0]]], axis=2))
    pixels, _ = read(raster.gather([str(first), str(second)], tmp_path / "region", bands=["nir"]), "nir")
    np.testing.assert_array_equal(pixels, np.concatenate([one[[1]], two[[0]]], axis=2))
    with pytest.raises(BandError, match=r"a\.tif: lacks the band blue, which .*b\.tif has"):
        raster.gather([str(second), str(first)], tmp_path / "region")


def test_bands_without_names_are_named_in_their_order(tmp_path: Path, write_raster) -> None:
    inputs = [str(write_raster(f"{n}.tif", noise(2), transform=at(50 * n, 0))) for n in range(2)]
    path = raster.gather(inputs, tmp_path / "region", bands=["red", "nir"])
    assert raster.describe(path, ["red", "nir"]).band_names == ("red", "nir")


def test_what_does_not_go_together_is_refused(tmp_path: Path, write_raster) -> None:
    first = write_raster("a.tif", noise(1))
    wide = write_raster("b.tif", noise(1, dtype="float32"))
    lost = write_raster("c.tif", noise(1), crs=None)
    with pytest.raises(BandError, match=r"b\.tif: float32 pixels, .*a\.tif has uint16; convert"):
        raster.gather([str(first), str(wide)], tmp_path / "region")
    with pytest.raises(CRSError, match=r"c\.tif: has no coordinate reference system"):
        raster.gather([str(first), str(lost)], tmp_path / "region")


def test_folders_and_globs(tmp_path: Path, write_raster) -> None:
    whole = noise(1, 40, 100)
    for number in range(2):
        part = whole[:, :, 50 * number : 50 * number + 50]
        write_raster(f"tiles/{number}.tif", part, transform=at(50 * number, 0))
    (tmp_path / "tiles" / "notes.txt").write_text("not a raster")
    for given_name in ("tiles", "tiles/*.tif", "t*s/[01].tif", "."):
        path = raster.gather([str(tmp_path / given_name)], tmp_path / "region" / "deep")
        np.testing.assert_array_equal(read(path)[0], whole)
        shutil.rmtree(tmp_path / "region")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyError, match=r"empty: the folder holds no raster"):
        raster.gather([str(tmp_path / "empty")], tmp_path / "region")
    with pytest.raises(EmptyError, match=r"\*\.jp2: matches no file"):
        raster.gather([str(tmp_path / "*.jp2")], tmp_path / "region")
    with pytest.raises(InputError, match=r"nowhere\.tif: no such file or folder"):
        raster.gather([str(tmp_path / "nowhere.tif")], tmp_path / "region")


def test_a_fingerprint_tells_when_a_source_changes_and_not_where_it_lies(tmp_path: Path, write_raster) -> None:
    paths = [write_raster(f"a/{n}.tif", noise(1), transform=at(50 * n, 0)) for n in range(2)]
    assert raster.fingerprint(paths[0]) == files.fingerprint(paths[0])
    path = raster.gather([str(each) for each in paths], tmp_path / "region")
    before = raster.fingerprint(path)
    elsewhere = shutil.copytree(tmp_path / "a", tmp_path / "b")
    other = raster.gather([str(elsewhere / each.name) for each in paths], tmp_path / "other")
    assert raster.fingerprint(other) == before
    write_raster("a/1.tif", noise(1, seed=5), transform=at(50, 0))
    assert raster.fingerprint(path) != before


def test_a_damaged_tile_is_not_left_blank(tmp_path: Path, write_raster) -> None:
    """GDAL reads several sources in threads, and says nothing of one that fails."""
    inputs = []
    for number in range(4):
        blocks = {"compress": "deflate", "tiled": True, "blockxsize": 256, "blockysize": 256}
        path = write_raster(f"{number}.tif", noise(2, 512, 512, seed=number), transform=at(512 * number, 0), **blocks)
        inputs.append(str(path))
    content = bytearray(path.read_bytes())
    content[-200_000:-100_000] = bytes(100_000)
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"cannot be read at rows 0–512: .*truncated or damaged"):
        read(raster.gather(inputs, tmp_path / "region"))


def test_a_disk_that_is_full_is_named(small_disk: Path, write_raster) -> None:
    inputs = [str(write_raster(f"{n}.tif", noise(1), transform=at(50 * n, 0))) for n in range(2)]
    assert read(raster.gather(inputs, small_disk / "region"))[1].all()


def test_real_aerial_pictures_of_one_place(tmp_path: Path, shared_data: Path) -> None:
    """Two years of NAIP, half a pixel apart: the later year lies over the earlier."""
    inputs = [str(path) for path in sorted((shared_data / "naip").glob("*.tif"))]
    oracle = tmp_path / "oracle.tif"
    path = raster.gather(inputs, tmp_path / "region")
    info = raster.describe(path)
    bounds = map(str, info.place.bounds)
    run("gdalwarp", "-q", "-tr", "5", "5", "-te", *bounds, "-r", "bilinear", *inputs, str(oracle))
    pixels, valid = read(path)
    expected, expected_valid = read(oracle)
    assert (valid == expected_valid).mean() > 0.995
    assert np.abs(pixels.astype(int) - expected)[:, valid & expected_valid].mean() < 1.5
