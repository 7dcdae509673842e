"""COGs written, read back by rasterio, gdalinfo and rio-cogeo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from geolabel import raster
from geolabel.errors import OutputError
from geolabel.grid import Grid

PALETTE = {0: (255, 255, 255), 1: (31, 141, 73), 2: (156, 0, 39), 255: (0, 0, 0)}
NAMES = {0: "none of these", 1: "Wald & Gräser <alt>", 2: "mine", 255: "nodata"}
CLASSES = raster.BandStyle(("class",), nodata=255, palette=PALETTE, categories=NAMES, overviews="mode")


def grid(width: int, height: int, down: float = -10) -> Grid:
    return Grid("EPSG:32631", Affine(10, 0, 420_000, 0, down, 5_500_000), width, height)


def write(path: Path, pixels: np.ndarray, style: raster.BandStyle, rows: int = 100, down: float = -10) -> None:
    with raster.write_cog(path, grid(pixels.shape[2], pixels.shape[1], down), style) as writer:
        for row in range(0, pixels.shape[1], rows):
            writer.write(row, pixels[:, row : row + rows])


def class_pixels(height: int = 700, width: int = 1_100) -> np.ndarray:
    return np.random.default_rng(0).choice(np.array([0, 1, 2, 255], dtype="uint8"), (1, height, width))


@pytest.mark.parametrize("shape", [(1, 1), (37, 50), (700, 1_100)])
def test_classes_come_back_with_their_palette_and_nodata(tmp_path: Path, shape: tuple[int, int]) -> None:
    path, pixels = tmp_path / "classes.tif", class_pixels(*shape)
    write(path, pixels, CLASSES)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert (dataset.nodata, dataset.descriptions) == (255, ("class",))
        assert dataset.crs == rasterio.CRS.from_epsg(32631)
        assert dataset.transform == grid(1, 1).transform
        colors = dataset.colormap(1)
        assert {value: colors[value][:3] for value in (0, 1, 2)} == {value: PALETTE[value] for value in (0, 1, 2)}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["classes.tif", "classes.tif.aux.xml"]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 3])
def test_every_type_comes_back(tmp_path: Path, dtype: str, bands: int) -> None:
    pixels = (np.random.default_rng(1).random((bands, 600, 530)) * 200).astype(dtype)
    names = tuple(f"band {number}" for number in range(bands))
    path = tmp_path / "a.tif"
    write(path, pixels, raster.BandStyle(names, dtype=dtype))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert (dataset.descriptions, dataset.dtypes[0], dataset.nodata) == (names, dtype, None)


def test_scale_and_names_are_described_again(tmp_path: Path) -> None:
    path = tmp_path / "probabilities.tif"
    write(path, np.full((2, 9, 9), 127, dtype="uint8"), raster.BandStyle(("forest", "mine"), nodata=255, scale=1 / 254))
    info = raster.describe(path)
    assert (info.band_names, info.nodata) == (("forest", "mine"), 255)
    assert [band.scale for band in info.bands] == pytest.approx([1 / 254] * 2)


def test_a_fourth_band_of_bytes_is_no_opacity(tmp_path: Path) -> None:
    names = ("swir1", "nir", "red", "green")
    write(tmp_path / "a.tif", np.ones((4, 30, 40), "uint8"), raster.BandStyle(names, nodata=0))
    assert raster.describe(tmp_path / "a.tif").band_names == names


@pytest.mark.parametrize(("bands", "style"), [(1, CLASSES), (2, raster.BandStyle(("a", "b"), nodata=255, scale=0.01))])
def test_it_is_a_cloud_optimised_geotiff(tmp_path: Path, bands: int, style: raster.BandStyle) -> None:
    path = tmp_path / "a.tif"
    write(path, np.repeat(class_pixels(), bands, axis=0), style)
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert dataset.overviews(1)[0] == 2
        assert dataset.profile["interleave"] in ("band", "pixel")


def test_overviews_of_classes_hold_classes_only(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write(path, class_pixels(), CLASSES)
    with rasterio.open(path, overview_level=0) as dataset:
        assert set(np.unique(dataset.read())) <= {0, 1, 2, 255}


def test_overviews_of_probabilities_leave_nodata_out(tmp_path: Path) -> None:
    pixels = np.full((1, 1_024, 1_024), 100, dtype="uint8")
    pixels[:, ::2, ::2] = 255
    path = tmp_path / "a.tif"
    write(path, pixels, raster.BandStyle(("mine",), nodata=255))
    with rasterio.open(path, overview_level=0) as dataset:
        np.testing.assert_array_equal(np.unique(dataset.read()), [100])


def test_a_south_up_raster_stays_so(tmp_path: Path) -> None:
    path, pixels = tmp_path / "a.tif", class_pixels(40, 30)
    write(path, pixels, CLASSES, down=10)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert dataset.transform == grid(1, 1, 10).transform


def test_gdal_s_own_tool_reads_palette_names_and_scale(tmp_path: Path) -> None:
    gdalinfo = shutil.which("gdalinfo", path="/usr/bin") or shutil.which("gdalinfo")
    if gdalinfo is None:
        pytest.skip("gdalinfo is not installed")
    write(tmp_path / "classes.tif", class_pixels(), CLASSES)
    write(tmp_path / "p.tif", class_pixels(), raster.BandStyle(("mine",), nodata=255, scale=0.004))
    told = []
    for name in ("classes.tif", "p.tif"):
        done = subprocess.run([gdalinfo, "-json", tmp_path / name], capture_output=True, text=True, check=True)
        told.append(json.loads(done.stdout))
    classes = told[0]["bands"][0]
    assert classes["colorInterpretation"] == "Palette"
    assert classes["noDataValue"] == 255
    assert classes["description"] == "class"
    assert [classes["colorTable"]["entries"][value][:3] for value in (1, 2)] == [list(PALETTE[1]), list(PALETTE[2])]
    rows = told[0]["rat"]["row"] if "rat" in told[0] else classes["rat"]["row"]
    assert [row["f"][:2] for row in rows] == [[value, name] for value, name in sorted(NAMES.items())]
    assert told[1]["bands"][0]["scale"] == pytest.approx(0.004)
    plain = subprocess.run([gdalinfo, tmp_path / "classes.tif"], capture_output=True, text=True, check=True).stdout
    assert "    1: Wald & Gräser <alt>\n      2: mine\n" in plain


def test_a_full_disk_is_named(small_disk: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 1_024, 1_024), dtype="uint8")
    path = small_disk / "a.tif"
    with pytest.raises(OutputError, match=r"a\.strips\.tif: cannot be written.*is the disk full\?.*-o"):
        write(path, pixels, raster.BandStyle(("a", "b", "c")))
    assert not (small_disk / "a.strips.tif").exists()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.strips\.tif: cannot be written .*No such file"):
        write(tmp_path / "none" / "a.tif", class_pixels(9, 9), CLASSES)


def test_a_file_that_lost_its_end_is_not_taken_for_whole(tmp_path: Path) -> None:
    from geolabel.raster.write import _check_whole

    pixels = np.random.default_rng(0).integers(0, 255, (3, 1_024, 700), dtype="uint8")
    path = tmp_path / "a.tif"
    write(path, pixels, raster.BandStyle(("a", "b", "c")))
    _check_whole(path, 1)
    size = path.stat().st_size
    os.truncate(path, size - 100)
    with pytest.raises(OutputError, match=r"a\.tif: cannot be written whole; is the disk full\?"):
        _check_whole(path, 1)
