"""What a raster is said to be, against what rasterio was told to write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geolabel import raster
from geolabel.errors import BandError, CRSError, InputError

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def ones(bands: int, dtype: str = "uint8") -> np.ndarray:
    return np.ones((bands, 6, 9), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type(write_raster, dtype: str) -> None:
    path = write_raster("a.tif", ones(2, dtype), nodata=0)
    info = raster.describe(path)
    assert (info.path, info.width, info.height, info.dtype) == (path, 9, 6, dtype)
    assert (info.nodata, info.mask, info.band_names) == (0.0, "nodata", ("band_1", "band_2"))
    assert [band.index for band in info.bands] == [1, 2]


def test_the_grid_is_the_file_s(write_raster) -> None:
    transform = Affine(0.5, 0, 7, 0, -0.25, 50)
    info = raster.describe(write_raster("a.tif", ones(1), crs="EPSG:4326", transform=transform))
    assert info.place.transform == transform
    assert (info.place.width, info.place.height) == (9, 6)
    assert rasterio.CRS.from_user_input(info.place.crs) == rasterio.CRS.from_epsg(4326)


def test_masks_are_told_apart(write_raster) -> None:
    mask = np.full((6, 9), 255, dtype="uint8")
    assert raster.describe(write_raster("none.tif", ones(1))).mask == "none"
    assert raster.describe(write_raster("mask.tif", ones(3), mask=mask)).mask == "mask"
    assert raster.describe(write_raster("nodata.tif", ones(1), nodata=7)).mask == "nodata"
    assert raster.describe(write_raster("alpha.tif", ones(2), colors=("gray", "alpha"))).mask == "alpha"


def test_nodata_that_is_nan(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", ones(1, "float32"), nodata=np.nan))
    assert info.mask == "nodata"
    assert info.nodata is not None
    assert np.isnan(info.nodata)


def test_alpha_is_a_mask_and_never_a_band(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", ones(5), colors=("red", "green", "blue", "alpha", "undefined")))
    assert info.band_names == ("red", "green", "blue", "band_5")
    assert [band.index for band in info.bands] == [1, 2, 3, 5]


def test_names_come_from_descriptions_then_colours_then_numbers(write_raster) -> None:
    path = write_raster(
        "a.tif", ones(3), colors=("red", "green", "undefined"), descriptions=(" NIR ", "", ""), scales=(0.1, 1, 1),
        offsets=(5, 0, 0),
    )  # fmt: skip
    info = raster.describe(path)
    assert info.band_names == ("nir", "green", "band_3")
    assert (info.bands[0].scale, info.bands[0].offset) == (0.1, 5.0)


def test_bands_name_what_the_file_does_not(write_raster) -> None:
    path = write_raster("a.tif", ones(4), scales=(2, 3, 4, 5))
    info = raster.describe(path, ["Red", " green", "blue", "nir"])
    assert info.band_names == ("red", "green", "blue", "nir")
    assert [band.scale for band in info.bands] == [2, 3, 4, 5]


def test_bands_name_what_the_file_only_counts_or_colours(write_raster) -> None:
    counted = write_raster("counted.tif", ones(2), descriptions=("Band 1", "Band_2"))
    assert raster.describe(counted).band_names == ("band_1", "band_2")
    assert raster.describe(counted, ["red", "nir"]).band_names == ("red", "nir")
    colored = write_raster("colored.tif", ones(3), colors=("red", "green", "blue"))
    assert raster.describe(colored, ["nir", "red", "green"]).band_names == ("nir", "red", "green")


def test_bands_give_all_new_names_to_what_the_file_names_otherwise(write_raster) -> None:
    path = write_raster("a.tif", ones(2), descriptions=("b3", "b4"))
    assert raster.describe(path, ["red", "nir"]).band_names == ("red", "nir")
    with pytest.raises(BandError, match=r"a\.tif: no band named nir; the file has b3, b4"):
        raster.describe(path, ["b3", "nir"])


def test_choosing_never_takes_a_band_for_another(write_raster) -> None:
    """A model that needs nir must not be given blue because the number of bands agrees."""
    for path in (
        write_raster("colored.tif", ones(3), colors=("red", "green", "blue")),
        write_raster("described.tif", ones(3), descriptions=("red", "green", "blue")),
        write_raster("unnamed.tif", ones(3)),
    ):
        with pytest.raises(BandError, match=rf"{path.name}: no band named .*nir; the file has .*--bands"):
            raster.describe(path).choose(["red", "green", "nir"])


def test_bands_choose_among_what_the_file_names(write_raster) -> None:
    path = write_raster("a.tif", ones(3), descriptions=("B2", "B3", "B4"))
    info = raster.describe(path, ["b4", "b2"])
    assert [(band.name, band.index) for band in info.bands] == [("b4", 3), ("b2", 1)]
    assert info.choose(["b2"]).band_names == ("b2",)


def test_bands_that_are_not_there_are_named_with_those_that_are(write_raster) -> None:
    named = write_raster("named.tif", ones(2), descriptions=("red", "green"))
    with pytest.raises(BandError, match=r"named\.tif: no band named nir; the file has red, green\. .*--bands"):
        raster.describe(named, ["red", "nir"])
    with pytest.raises(BandError, match="no band named nir"):
        raster.describe(named).choose(["nir"])
    unnamed = write_raster("unnamed.tif", ones(2))
    with pytest.raises(BandError, match=r"unnamed\.tif: .*--bands, or give all 2 new names in their order"):
        raster.describe(unnamed, ["red", "green", "blue"])


def test_a_name_that_stands_twice_is_refused(write_raster) -> None:
    path = write_raster("a.tif", ones(2), descriptions=("red", "red"))
    with pytest.raises(BandError, match=r"a\.tif: several bands are named red; name all with --bands"):
        raster.describe(path)
    with pytest.raises(BandError, match=r"--bands names a band twice: red, red"):
        raster.describe(write_raster("b.tif", ones(2)), ["red", "red"])


def test_bands_mend_a_name_that_stands_twice(write_raster) -> None:
    path = write_raster("a.tif", ones(2), descriptions=("refl", "refl"))
    assert raster.describe(path, ["red", "nir"]).band_names == ("red", "nir")
    assert raster.describe(path, ["refl", "nir"]).band_names == ("refl", "nir")


def test_a_picture_without_a_place_is_described_and_its_place_refused(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", ones(1), crs=None))
    assert info.grid is None
    with pytest.raises(
        CRSError, match=r"a\.tif: has no coordinate reference system; give it one: gdal_edit\.py -a_srs"
    ):
        _ = info.place


@pytest.mark.parametrize(
    ("extra", "error", "says"),
    [
        ({"transform": Affine.translation(0, 0) @ Affine.rotation(10)}, CRSError, r"rotated; straighten it .*gdalwarp"),
        ({"crs": 'LOCAL_CS["drone",UNIT["metre",1]]'}, CRSError, r"local coordinate system .*gdal_edit\.py -a_srs"),
    ],
)
def test_a_raster_without_a_usable_place_is_refused(write_raster, extra, error, says: str) -> None:
    path = write_raster("a.tif", ones(1), **extra)
    with pytest.raises(error, match=rf"a\.tif: .*{says}"):
        raster.describe(path)


def test_a_compound_crs_has_a_place(write_raster) -> None:
    info = raster.describe(write_raster("a.tif", ones(1), crs="EPSG:32631+5773"))
    assert info.place.gsd_m == pytest.approx((10 / 0.9996, 10 / 0.9996), rel=1e-4)


def test_complex_pixels_are_refused(write_raster) -> None:
    path = write_raster("a.tif", ones(1, "complex64"))
    with pytest.raises(BandError, match=r"a\.tif: complex pixels \(complex64\); convert them to amplitude"):
        raster.describe(path)


def test_bands_of_two_types_are_refused(tmp_path: Path, write_raster) -> None:
    one = write_raster("one.tif", ones(1))
    two = write_raster("two.tif", ones(1, "float32"))
    sources = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{band}"><SimpleSource>'
        f"<SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for band, (kind, path) in enumerate([("Byte", one), ("Float32", two)], start=1)
    )
    path = tmp_path / "a.vrt"
    path.write_text(f'<VRTDataset rasterXSize="9" rasterYSize="6">{sources}</VRTDataset>')
    with pytest.raises(
        BandError, match=r"a\.vrt: bands of different types \(float32, uint8\); convert: gdal_translate"
    ):
        raster.describe(path)


def test_files_that_are_no_rasters_are_named(tmp_path: Path, write_raster) -> None:
    (tmp_path / "empty.tif").touch()
    (tmp_path / "text.tif").write_text("col,row\n1,2\n")
    whole = write_raster("whole.tif", ones(3)).read_bytes()
    (tmp_path / "truncated.tif").write_bytes(whole[:100])
    for name, says in [
        ("missing.tif", "no such file; a raster was expected"),
        ("empty.tif", "the file is empty; .*download it again"),
        ("text.tif", "is a table of text, not a raster; geolabel tile --images and label read such tables"),
        ("truncated.tif", "is not a raster that GDAL can read, or it is truncated.*copy it again"),
    ]:
        with pytest.raises(InputError, match=rf"{name}: {says}"):
            raster.describe(tmp_path / name)


def test_a_file_without_its_last_bytes_is_refused_when_it_is_read(tmp_path: Path, write_raster) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1, 400, 400), dtype="uint8")
    whole = write_raster("whole.tif", noise, blockysize=16).read_bytes()
    path = tmp_path / "cut.tif"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(InputError, match=r"cut\.tif: .*truncated"):
        info = raster.describe(path)
        with raster.open_raster(info) as reader:
            reader.read(raster_window(info))


def raster_window(info: raster.RasterInfo):
    from geolabel.grid import Window

    return Window(0, 0, info.width, info.height)


@pytest.mark.parametrize(
    "name",
    [
        "pucallpa-landsat/2020.tif",
        "naip/m_4709963_se_14_1_20200831.tif",
        "para-landsat/landsat5_1988_para.tif",
        "clc-granada/clc.tif",
        "mapbiomas-amapa/lorenco_85a22.tif",
        "large-rasters/riotiler_cog_greenland.tif",
    ],
)
def test_real_files_are_described_as_rasterio_does(shared_data: Path, name: str) -> None:
    info = raster.describe(shared_data / name)
    with rasterio.open(shared_data / name) as dataset:
        assert (info.width, info.height, len(info.bands)) == (dataset.width, dataset.height, dataset.count)
        assert (info.dtype, info.nodata) == (dataset.dtypes[0], dataset.nodata)
        assert info.place.bounds == pytest.approx(tuple(dataset.bounds))
        assert rasterio.CRS.from_wkt(info.place.crs) == dataset.crs
