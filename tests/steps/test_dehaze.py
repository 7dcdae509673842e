"""Whole rasters without haze: what stays, what is gained on planted haze, what happens to clear images."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from geolabel import dehaze, raster
from geolabel.errors import BandError, CRSError, EmptyError, InputError, OptionError, OutputError
from geolabel.steps.dehaze import DehazeReport, beside
from geolabel.steps.dehazing.source import lane_cols, lanes
from geolabel.world import BANDS, make_world
from tests.conftest import WriteRaster
from tests.steps.dehazing.test_passes import hazy

RGBN = ("red", "green", "blue", "nir")


def done(path: str | Path, **options: Any) -> DehazeReport:
    report = dehaze(path, **options)
    assert isinstance(report, DehazeReport)
    return report


def psnr(found: np.ndarray, truth: np.ndarray, peak: float = 255.0) -> float:
    return float(10 * np.log10(peak**2 / np.square(found.astype(float) - truth).mean()))


def test_uint16_with_nodata_keeps_all_but_the_haze(write_raster: WriteRaster, tmp_path: Path) -> None:
    pixels = hazy(300, 260, 10_000).astype("uint16")
    pixels[:, :40, :50] = 0
    pixels[1, 100, 100] = 0  # a value: other bands have one
    path = write_raster(
        "a.tif", pixels, nodata=0, descriptions=("Red", "green", "blue", "NIR"), scales=[1e-4] * 4, offsets=[0] * 4
    )
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(TIFFTAG_COPYRIGHT="© somebody", SENSOR="S2")
        dataset.update_tags(1, STATISTICS_MAXIMUM="9", wavelength="665")
        dataset.units = ("1",) * 4
    report = done(path, output=tmp_path / "b.tif")
    assert report.haze == "removed"
    assert 0.2 < report.veil_mean < 0.5
    assert cog_validate(report.output)[0]
    with rasterio.open(path) as old, rasterio.open(report.output) as new:
        for what in (
            "crs",
            "transform",
            "dtypes",
            "nodata",
            "descriptions",
            "scales",
            "offsets",
            "units",
            "colorinterp",
        ):
            assert getattr(new, what) == getattr(old, what), what
        assert (new.tags()["TIFFTAG_COPYRIGHT"], new.tags()["SENSOR"]) == ("© somebody", "S2")
        assert new.tags(1)["wavelength"] == "665"
        assert "STATISTICS_MAXIMUM" not in new.tags(1)
        before, after = old.read(), new.read()
        np.testing.assert_array_equal(new.dataset_mask(), old.dataset_mask())
        for band in range(1, 5):
            np.testing.assert_array_equal(new.read_masks(band)[:99], old.read_masks(band)[:99])
    np.testing.assert_array_equal(after[3], before[3])
    np.testing.assert_array_equal(after[:, :40, :50], 0)
    assert (after[:3, 50:] < before[:3, 50:]).mean() > 0.9


def test_floats_with_nan_and_an_offset(write_raster: WriteRaster, tmp_path: Path) -> None:
    pixels = hazy(200, 210, 1.0).astype("float32")
    pixels[0, 20:30, 20:30] = np.nan
    path = write_raster("a.tif", pixels + np.float32(0.1), nodata=np.nan, descriptions=RGBN, offsets=[-0.1] * 4)
    report = done(path, output=tmp_path / "b.tif")
    with rasterio.open(path) as old, rasterio.open(report.output) as new:
        before, after = old.read(), new.read()
    np.testing.assert_array_equal(np.isnan(after), np.isnan(before))
    np.testing.assert_array_equal(after[:, 20:30, 20:30], before[:, 20:30, 20:30])
    plain = write_raster("plain.tif", pixels, nodata=np.nan, descriptions=RGBN)
    other = done(plain, output=tmp_path / "c.tif")
    with rasterio.open(other.output) as dataset:
        np.testing.assert_allclose(after - 0.1, dataset.read(), atol=2e-3)


def test_an_alpha_band_and_an_internal_mask_stay(write_raster: WriteRaster, tmp_path: Path) -> None:
    pixels = hazy(200, 190).astype("uint8")
    seen = np.ones((200, 190), bool)
    seen[:30] = False
    alpha = np.where(seen, 255, 0).astype("uint8")
    alpha[50:60] = 100
    with_alpha = write_raster(
        "alpha.tif", np.concatenate([pixels[:3], alpha[None]]), colors=("red", "green", "blue", "alpha")
    )
    masked = write_raster("mask.tif", pixels, mask=seen, descriptions=RGBN)
    for path in (with_alpha, masked):
        report = done(path, output=tmp_path / f"{path.stem}.clear.tif")
        with rasterio.open(path) as old, rasterio.open(report.output) as new:
            assert new.colorinterp == old.colorinterp
            np.testing.assert_array_equal(new.dataset_mask(), old.dataset_mask())
            np.testing.assert_array_equal(new.read(4), old.read(4))
            np.testing.assert_array_equal(new.read()[:, :30], old.read()[:, :30])
        assert raster.describe(report.output).mask == raster.describe(path).mask


def test_the_same_input_gives_the_same_bytes(write_raster: WriteRaster, tmp_path: Path) -> None:
    path = write_raster("a.tif", hazy(200, 190).astype("uint8"), descriptions=RGBN)
    reports = [
        done(path, output=tmp_path / f"{n}.tif", compare=tmp_path / f"{n}.html", contrast="clahe") for n in range(2)
    ]
    assert reports[0].output.read_bytes() == reports[1].output.read_bytes()


@pytest.mark.parametrize("year", ["20090818", "20200831"])
def test_clear_aerial_images_are_left_alone(shared_data: Path, tmp_path: Path, year: str) -> None:
    path = shared_data / "naip" / f"m_4709963_se_14_1_{year}.tif"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    report = done(path, output=tmp_path / "clear.tif", bands=RGBN)
    assert report.psnr is None or report.psnr > 35
    with rasterio.open(report.output) as dataset:
        assert dataset.descriptions == RGBN


def test_a_clear_world_is_copied_and_a_hazy_one_mended(write_raster: WriteRaster, tmp_path: Path) -> None:
    image = make_world(512, 3).after.image
    clear = write_raster("clear.tif", image, nodata=0, descriptions=BANDS)
    report = done(clear, output=tmp_path / "copy.tif")
    assert (report.haze, report.changed, report.psnr, report.light) == ("none found", 0, None, {})
    with rasterio.open(report.output) as dataset:
        np.testing.assert_array_equal(dataset.read(), image)
    visible = [BANDS.index(name) for name in ("red", "green", "blue")]
    seen = image.any(axis=0)
    hazed = image.copy()
    hazed[visible] = np.where(seen, image[visible] * 0.6 + 8000 * 0.4, 0)
    path = write_raster("hazy.tif", hazed, nodata=0, descriptions=BANDS)
    mended = done(path, output=tmp_path / "mended.tif")
    with rasterio.open(mended.output) as dataset:
        found = dataset.read()[visible][:, seen]
    truth, before = image[visible][:, seen], hazed[visible][:, seen]
    assert psnr(found, truth) > psnr(before, truth) + 5


@pytest.mark.parametrize(("veil", "least"), [("flat", 10.0), ("growing", 0.8)])
def test_a_veil_is_mended_by_as_much_as_the_docs_say(
    write_raster: WriteRaster, tmp_path: Path, veil: str, least: float
) -> None:
    """Of one strength (t .6), and growing from nothing to t .5 from left to right: docs/dehaze.md."""
    image = make_world(640, 0).after.image
    seen = image.any(axis=0)
    through = np.full(640, 0.6) if veil == "flat" else np.linspace(1, 0.5, 640)
    visible = [BANDS.index(name) for name in ("red", "green", "blue")]
    hazed = image.copy()
    hazed[visible] = np.where(seen, np.rint(image[visible] * through + 8000 * (1 - through)), 0)
    report = done(write_raster("hazy.tif", hazed, nodata=0, descriptions=BANDS), output=tmp_path / "mended.tif")
    with rasterio.open(report.output) as dataset:
        found = dataset.read()[visible][:, seen]
    truth, before = image[visible][:, seen], hazed[visible][:, seen]
    assert psnr(found, truth) > psnr(before, truth) + least


@pytest.mark.parametrize("year", [1985, 2000, 2020])
def test_clear_landsat_is_left_alone(shared_data: Path, tmp_path: Path, write_raster: WriteRaster, year: int) -> None:
    """Pucallpa's years have no blue band: green stands for it."""
    path = shared_data / "pucallpa-landsat" / f"{year}.tif"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    with rasterio.open(path) as dataset:
        pixels = dataset.read([3, 4, 4])
        nodata = dataset.nodata
    report = done(
        write_raster("rgb.tif", pixels, nodata=nodata, descriptions=("red", "green", "blue")),
        output=tmp_path / "clear.tif",
    )
    assert report.psnr is None or report.psnr > 35


def test_a_folder_and_a_pattern_of_halves_are_a_raster(write_raster: WriteRaster, tmp_path: Path) -> None:
    pixels = hazy(200, 190)[:3].astype("uint8")
    whole = done(write_raster("whole.tif", pixels, descriptions=RGBN[:3]), output=tmp_path / "whole.clear.tif")
    halves = tmp_path / "halves"
    halves.mkdir()
    with rasterio.open(tmp_path / "whole.tif") as source:
        for name, rows in {"north": slice(0, 96), "south": slice(96, 200)}.items():
            place = {
                "height": rows.stop - rows.start,
                "transform": source.transform @ Affine.translation(0, rows.start),
            }
            with rasterio.open(halves / f"{name}.tif", "w", **{**source.profile, **place}) as part:
                part.write(pixels[:, rows])
                part.descriptions = RGBN[:3]
    for name in (str(halves), f"{halves}/*.tif"):
        report = done(name, compare=tmp_path / "page.html", output=tmp_path / "h.tif", overwrite=True)
        assert report.raster == name
        with rasterio.open(whole.output) as one, rasterio.open(report.output) as other:
            np.testing.assert_array_equal(one.read(), other.read())
            assert other.descriptions == RGBN[:3]
            assert other.transform == one.transform


def test_where_the_result_goes(tmp_path: Path) -> None:
    (tmp_path / "region.tif").touch()
    (tmp_path / "bands").mkdir()
    assert beside(f"{tmp_path}/region.tif") == tmp_path / "region.clear.tif"
    assert beside(f"{tmp_path}/bands/") == tmp_path / "bands.clear.tif"
    assert beside("https://example.org/a/scene.tif?key=1") == Path("scene.clear.tif")
    assert beside(f"{tmp_path}/bands/.") == tmp_path / "bands.clear.tif"
    assert beside("x" * 300 + ".tif") == Path("x" * 300 + ".clear.tif"), "and is refused where it is opened"
    with pytest.raises(OptionError, match="-o"):
        beside(f"{tmp_path}/*.tif")


def test_no_input_is_written_over(write_raster: WriteRaster, tmp_path: Path) -> None:
    """Nor a file of a folder, nor of a pattern, nor by the page."""
    (tmp_path / "bands").mkdir()
    path = write_raster("bands/a.tif", hazy(40, 40), descriptions=RGBN)
    before = path.read_bytes()
    for name in (str(path), str(path.parent), f"{path.parent}/*.tif"):
        with pytest.raises(OutputError, match="input"):
            dehaze(name, output=path, overwrite=True)
    page = tmp_path / "bands" / "a.html"
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="input"):
        dehaze(path.parent, output=tmp_path / "b.tif", compare=page, overwrite=True)
    assert path.read_bytes() == before
    assert page.read_text(encoding="utf-8") == "mine"


def test_the_result_of_a_folder_lies_outside_of_it(write_raster: WriteRaster, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "bands").mkdir()
    write_raster("bands/a.tif", hazy(40, 40), descriptions=RGBN)
    monkeypatch.chdir(tmp_path / "bands")
    assert done(".").output.resolve() == tmp_path / "bands.clear.tif"


def test_one_wild_value_does_not_spoil_the_stretch(write_raster: WriteRaster, tmp_path: Path) -> None:
    """Of floats between 0 and .4, plain and with one of 10,000: the same, but for that one."""
    pixels = np.random.default_rng(0).random((3, 200, 190)).astype("float32") * np.float32(0.4)
    found = []
    for name, value in (("plain", 0.2), ("wild", 1e4)):
        pixels[:, 50, 60] = value
        path = write_raster(f"{name}.tif", pixels, descriptions=("red", "green", "blue"))
        with rasterio.open(done(path, contrast="stretch").output) as dataset:
            found.append(dataset.read())
    found[0][:, 50, 60] = found[1][:, 50, 60] = 0
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_memory_does_not_follow_the_width() -> None:
    """Of what is held at once of a raster, whatever its width and bands."""
    band = raster.Band(1, "red")
    for bands, dtype in ((3, "uint8"), (8, "uint16"), (13, "float32")):
        wide = SimpleNamespace(bands=(band,) * bands, dtype=dtype, width=100_000)
        cols = lane_cols(cast("raster.RasterInfo", wide), 512, 127)
        assert cols % 512 == 0
        assert cols * (512 + 254) * bands * np.dtype(dtype).itemsize <= 64 << 20
        assert sum(lane.stop - lane.start for lane in lanes(cast("raster.RasterInfo", wide), cols)) == 100_000


def test_contrast_and_shadows(write_raster: WriteRaster, tmp_path: Path) -> None:
    image = (hazy(200, 190) * 0.3).astype("uint8")
    path = write_raster("a.tif", image, descriptions=RGBN)
    spreads, means = [], []
    for contrast, shadows in (("none", 0.0), ("none", 1.0), ("stretch", 0.0), ("clahe", 0.0)):
        report = done(
            path, output=tmp_path / "b.tif", contrast=contrast, shadows=shadows, light=[240, 240, 240], overwrite=True
        )
        with rasterio.open(report.output) as dataset:
            found = dataset.read([1, 2, 3])
            np.testing.assert_array_equal(dataset.read(4), image[3])
        spreads.append(np.percentile(found, 98) - np.percentile(found, 2))
        means.append(found.mean())
    assert means[1] > 1.5 * means[0]
    assert spreads[2] > 245
    assert spreads[3] > 1.5 * spreads[0]


def test_what_is_refused(write_raster: WriteRaster, tmp_path: Path) -> None:
    pixels = np.ones((4, 40, 40), "uint8")
    unnamed = write_raster("a.tif", pixels)
    with pytest.raises(BandError, match="--bands"):
        done(unnamed)
    named = write_raster("b.tif", pixels, descriptions=RGBN)
    for options, said in (
        ({"omega": 2.0}, "omega"),
        ({"window": 0}, "window"),
        ({"clip": 0.5}, "--clip"),
        ({"cells": 0}, "--cells"),
        ({"shadows": 2.0}, "--shadows"),
        ({"light": [1.0]}, "--light"),
        ({"compare": tmp_path / "a.png"}, "--compare"),
    ):
        with pytest.raises(OptionError, match=said):
            done(named, output=tmp_path / "x.tif", **options)
    with pytest.raises(OutputError, match="is, or holds, the input"):
        done(named, output=named, overwrite=True)
    with pytest.raises(CRSError, match="coordinate reference system"):
        done(write_raster("c.tif", pixels, descriptions=RGBN, crs=None))
    with pytest.raises(EmptyError, match="no pixel is valid"):
        done(write_raster("d.tif", pixels * 0, nodata=0, descriptions=RGBN))
    with pytest.raises(InputError, match="colour table"):
        done(write_raster("e.tif", pixels[:1], photometric="PALETTE"))
    assert not (tmp_path / "x.tif").exists()
