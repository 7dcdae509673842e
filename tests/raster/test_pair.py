"""Two dates as one raster: numpy, and GDAL's own warping, as the oracle."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.enums import Resampling
from rasterio.warp import reproject

from geolabel import raster
from geolabel.errors import BandError, CRSError, OptionError
from geolabel.grid import Window

if TYPE_CHECKING:
    from pathlib import Path

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
NAMES = ("red", "nir")


def noise(bands: int = 2, height: int = 40, width: int = 50, seed: int = 0, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, (bands, height, width)).astype(dtype)


def at(col: float, row: float) -> Affine:
    return UTM @ Affine.translation(col, row)


def both(before: Path, after: Path, folder: Path) -> raster.RasterInfo:
    return raster.pair(raster.describe(before), raster.describe(after), folder)


def read(info: raster.RasterInfo) -> tuple[np.ndarray, np.ndarray]:
    with raster.open_raster(info) as reader:
        return reader.read(Window(0, 0, info.width, info.height))


def test_the_bands_of_both_dates_lie_side_by_side(tmp_path: Path, write_raster: Any) -> None:
    before, after = noise(), noise(3, seed=1)
    first = write_raster("b.tif", before, descriptions=NAMES, scales=(1e-4, 1e-4), offsets=(0, 0))
    second = write_raster("a.tif", after, descriptions=("nir", "blue", "red"), scales=(2e-5,) * 3, offsets=(-0.2,) * 3)
    info = both(first, second, tmp_path / "both")
    assert info.path == (tmp_path / "both" / "pair.vrt").resolve()
    assert info.band_names == ("before.red", "before.nir", "after.red", "after.nir")
    assert [(band.scale, band.offset) for band in info.bands] == [(1e-4, 0), (1e-4, 0), (2e-5, -0.2), (2e-5, -0.2)]
    assert (info.place, info.mask) == (raster.describe(first).place, "none")
    pixels, valid = read(info)
    np.testing.assert_array_equal(pixels, np.concatenate([before, after[[2, 0]]]))
    assert valid.all()


@pytest.mark.parametrize("kinds", [("nodata", "nodata"), ("mask", "nodata"), ("none", "mask"), ("alpha", "none")])
def test_a_pixel_is_valid_where_it_is_in_both(tmp_path: Path, write_raster: Any, kinds: tuple[str, str]) -> None:
    wanted, paths = np.ones((40, 50), bool), []
    for number, kind in enumerate(kinds):
        pixels, seen = noise(2, seed=number, dtype="uint8"), noise(1, seed=9 + number)[0] > 60
        pixels[0, :5] = 0  # a zero in one band is a value
        told: dict[str, Any] = {"descriptions": NAMES}
        if kind == "nodata":
            pixels[:, ~seen] = 0
            told["nodata"] = 0
        elif kind == "mask":
            told["mask"] = seen
        elif kind == "alpha":
            pixels = np.concatenate([pixels, 255 * seen[None].astype("uint8")])
            told |= {"colors": ("gray", "undefined", "alpha"), "descriptions": (*NAMES, "")}
        wanted &= seen if kind != "none" else True
        paths.append(write_raster(f"{number}.tif", pixels, **told))
    info = both(*paths, tmp_path / "both")
    _, valid = read(info)
    np.testing.assert_array_equal(valid, wanted)
    np.testing.assert_array_equal(raster.valid_overview(info, 1), wanted)


@given(col=st.integers(-60, 60), row=st.integers(-50, 50))
def test_where_the_later_date_does_not_lie_nothing_is_valid(tmp_path_factory: Any, col: int, row: int) -> None:
    folder = tmp_path_factory.mktemp("shifted")
    before, after = noise(), noise(seed=1, height=30, width=60)
    for name, pixels, place in (("b.tif", before, UTM), ("a.tif", after, at(col, row))):
        shape = {"count": 2, "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint16"}
        with rasterio.open(folder / name, "w", driver="GTiff", crs="EPSG:32631", transform=place, **shape) as dataset:
            dataset.write(pixels)
    canvas, wanted = np.zeros((2, 200, 240), np.uint16), np.zeros((200, 240), bool)
    canvas[:, 80 + row : 110 + row, 80 + col : 140 + col] = after
    wanted[80 + row : 110 + row, 80 + col : 140 + col] = True
    canvas, wanted = canvas[:, 80:120, 80:130], wanted[80:120, 80:130]
    if not wanted.any():
        with pytest.raises(CRSError, match=r"a\.tif: does not lie where"):
            both(folder / "b.tif", folder / "a.tif", folder)
        return
    pixels, valid = read(both(folder / "b.tif", folder / "a.tif", folder))
    np.testing.assert_array_equal(valid, wanted)
    np.testing.assert_array_equal(pixels[:2, wanted], before[:, wanted])
    np.testing.assert_array_equal(pixels[2:, wanted], canvas[:, wanted])


def test_another_grid_is_brought_onto_the_first_as_gdal_does(tmp_path: Path, write_raster: Any) -> None:
    before, after = noise(), noise(seed=1, height=60, width=70)
    first = write_raster("b.tif", before, descriptions=NAMES)
    second = write_raster("a.tif", after, descriptions=NAMES, transform=at(-3.4, -2.7))
    info = both(first, second, tmp_path / "both")
    expected = np.zeros_like(before)
    reproject(
        after,
        expected,
        src_transform=at(-3.4, -2.7),
        src_crs="EPSG:32631",
        dst_transform=UTM,
        dst_crs="EPSG:32631",
        resampling=Resampling.bilinear,
    )
    pixels, valid = read(info)
    assert valid.all()
    assert np.abs(pixels[2:].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(pixels[:2], before)


def test_it_moves_with_its_dates(tmp_path: Path, write_raster: Any) -> None:
    """Also where one of them is resampled; and the same input gives the same bytes."""
    first = write_raster("one/b.tif", noise(), descriptions=NAMES, nodata=0)
    second = write_raster("one/a.tif", noise(seed=1), descriptions=NAMES, transform=at(0.5, 0.5), nodata=0)
    info = both(first, second, tmp_path / "one")
    pixels, valid = read(info)
    texts = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.vrt")}
    assert len(texts) == 3
    shutil.move(tmp_path / "one", tmp_path / "other")
    moved = raster.describe(tmp_path / "other" / "pair.vrt")
    assert raster.fingerprint(moved.path)
    again, valid_again = read(moved)
    np.testing.assert_array_equal(again, pixels)
    np.testing.assert_array_equal(valid_again, valid)
    both(tmp_path / "other" / "b.tif", tmp_path / "other" / "a.tif", tmp_path / "other")
    assert {path.name: path.read_bytes() for path in (tmp_path / "other").glob("*.vrt")} == texts


def test_what_is_no_pair_is_refused(tmp_path: Path, write_raster: Any) -> None:
    first = write_raster("b.tif", noise(), descriptions=NAMES)
    with pytest.raises(OptionError, match="is given for both dates"):
        both(first, first, tmp_path)
    with pytest.raises(BandError, match=r"a\.tif: lacks the band nir, which .*b\.tif has; it has red, blue"):
        both(first, write_raster("a.tif", noise(), descriptions=("red", "blue")), tmp_path)
    with pytest.raises(BandError, match="uint8 pixels, .* has uint16"):
        both(first, write_raster("a.tif", noise(dtype="uint8"), descriptions=NAMES), tmp_path)
    with pytest.raises(CRSError, match="no coordinate reference system"):
        both(first, write_raster("a.tif", noise(), descriptions=NAMES, crs=None), tmp_path)
    assert not list(tmp_path.glob("*.vrt"))


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (("before.red", "before.nir", "after.red", "after.nir"), ("red", "nir")),
        (("before.red", "after.red"), ("red",)),
        (("before.red", "before.nir", "after.nir", "after.red"), None),
        (("red", "nir"), None),
        (("before.red", "after.red", "after.nir"), None),
        ((), None),
    ],
)
def test_bands_of_two_dates_are_known_by_their_names(names: tuple[str, ...], plain: tuple[str, ...] | None) -> None:
    assert raster.pair_bands(names) == plain
