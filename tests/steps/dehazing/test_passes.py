"""Rasters in strips: whatever their height, the same result; nothing that is valid becomes nodata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from geolabel import raster
from geolabel.grid import Window
from geolabel.learn.haze import DarkChannel
from geolabel.steps.dehaze import tones_of
from geolabel.steps.dehazing import passes
from geolabel.steps.dehazing.passes import beside_nodata, made, survey, with_contrast
from geolabel.steps.dehazing.source import lanes, open_source, strips
from tests.conftest import WriteRaster

SMALL = DarkChannel(window=5, radius=6)


def hazy(height: int, width: int, peak: float = 250.0, seed: int = 0) -> np.ndarray:
    """Ground between 2 and 40 % of white, under a veil that thickens from left to right; (4, height, width)."""
    rng = np.random.default_rng(seed)
    ground = ndimage.gaussian_filter(rng.random((4, height, width)), (0, 1.5, 1.5), mode="wrap")
    ground = 0.02 + 0.38 * (ground - ground.min()) / np.ptp(ground)
    through = np.linspace(0.75, 0.5, width)
    ground[:3] = ground[:3] * through + 0.9 * (1 - through)
    return ground * peak


def result(source, tones, rows: int, cols: int = 1 << 20) -> np.ndarray:
    info = source.info
    found = np.empty((len(info.bands), info.height, info.width), info.dtype)
    with raster.open_raster(info) as reader:
        for lane in lanes(info, cols):
            for strip in strips(reader, rows, tones.reach, lane):
                found[:, *strip.place] = made(source, tones, strip).pixels
    return found


@pytest.mark.parametrize("contrast", ["none", "clahe"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_strips_of_any_height_and_lanes_and_pieces_of_any_width_give_the_same(
    write_raster: WriteRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, contrast: str
) -> None:
    peak = {"uint8": 250.0, "uint16": 10_000.0, "float32": 1.0}[dtype]
    path = write_raster("a.tif", hazy(230, 210, peak).astype(dtype), descriptions=("red", "green", "blue", "nir"))
    source = open_source(str(path), (), tmp_path)
    found = survey(source)
    tones = tones_of(source, found, SMALL, (), 0.6)
    assert tones.veil.found
    if contrast == "clahe":
        tones = with_contrast(source, tones, found, 4, 3.0)
    whole = result(source, tones, 230)
    for rows, cols, lane in ((64, 2048, 210), (7, 2048, 210), (100, 33, 210), (64, 2048, 64), (230, 20, 50)):
        monkeypatch.setattr(passes, "_COLS", cols)
        np.testing.assert_array_equal(result(source, tones, rows, lane), whole)


@given(rows=st.integers(1, 60), halo=st.integers(0, 40), cols=st.integers(1, 9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_each_strip_is_what_its_window_holds(
    tmp_path: Path, write_raster: WriteRaster, rows: int, halo: int, cols: int
) -> None:
    path = tmp_path / "b.tif"
    if not path.exists():
        write_raster("b.tif", np.arange(3 * 50 * 8, dtype=np.uint16).reshape(3, 50, 8))
    info = raster.describe(path)
    with raster.open_raster(info) as reader:
        seen = np.zeros((50, 8), int)
        for strip in (strip for lane in lanes(info, cols) for strip in strips(reader, rows, halo, lane)):
            high, wide = strip.valid.shape
            window = Window(strip.cols.start, strip.rows.start, wide, high)
            np.testing.assert_array_equal(strip.pixels, reader.read(window)[0])
            seen[strip.place] += 1
            around = [(part.start, part.stop) for part in (strip.rows, strip.cols)]
            asked = [(part.start, part.stop) for part in strip.place]
            for (first, last), (start, stop), length in zip(around, asked, (50, 8), strict=True):
                assert (first, last) == (max(0, start - halo), min(length, stop + halo))
    assert (seen == 1).all()


def test_the_result_follows_the_scale(write_raster: WriteRaster) -> None:
    small, large = (hazy(200, 190, peak) for peak in (1.0, 1024.0))
    outcomes = []
    for name, pixels in (("small.tif", small), ("large.tif", large)):
        path = write_raster(name, pixels.astype(np.float32), descriptions=("red", "green", "blue", "nir"))
        source = open_source(str(path), (), path.parent)
        tones = tones_of(source, survey(source), SMALL, (), 0.4)
        outcomes.append(result(source, tones, 64))
    np.testing.assert_allclose(outcomes[1], outcomes[0] * 1024, rtol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "nodata", "before", "after"),
    [("uint8", 0, 9, 1), ("uint8", 255, 9, 254), ("int16", -9999, -9990, -9998), ("int16", 5, 4, 4)],
)
def test_what_falls_on_nodata_stops_beside_it(
    write_raster: WriteRaster, dtype: str, nodata: int, before: int, after: int
) -> None:
    path = write_raster(
        "c.tif", np.full((3, 4, 4), before, dtype), nodata=nodata, descriptions=("red", "green", "blue")
    )
    source = open_source(str(path), (), path.parent)
    was = np.array([before, nodata], dtype)
    became = np.array([nodata, nodata], dtype)
    assert beside_nodata(became, was, source).tolist() == [after, nodata]


def test_what_falls_on_nodata_stops_beside_it_in_floats(write_raster: WriteRaster) -> None:
    path = write_raster("d.tif", np.ones((3, 4, 4), "float32"), nodata=0, descriptions=("red", "green", "blue"))
    source = open_source(str(path), (), path.parent)
    found = beside_nodata(np.zeros(1, np.float32), np.ones(1, np.float32), source)
    assert found[0] > 0
