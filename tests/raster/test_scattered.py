"""Windows in any order are the pixels that rasterio gives one by one."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from geolabel import raster
from geolabel.errors import InputError
from geolabel.raster import scattered
from geolabel.raster.scattered import open_scattered


def one_by_one(path, cols, rows, size: int, bands: list[int]) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return np.array([
            dataset.read(bands, window=Window(col, row, size, size)) for col, row in zip(cols, rows, strict=True)
        ])  # fmt: skip


def read(info, cols, rows, size: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.zeros((len(cols), len(info.bands), size, size), info.dtype)
    valid = np.zeros((len(cols), size, size), dtype=bool)
    with open_scattered(info) as reader:
        reader.read(cols, rows, size, pixels, valid)
    return pixels, valid


LAYOUTS = (
    {"tiled": True, "blockxsize": 16, "blockysize": 32, "compress": "deflate"},
    {"tiled": True, "blockxsize": 64, "blockysize": 64, "interleave": "band"},
    {"blockysize": 1},
    {"blockysize": 7, "compress": "lzw"},
    {"blockysize": 150},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.sampled_from(LAYOUTS),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(0, 999),
    st.sampled_from([1, 96 << 20]),
)
def test_windows_are_what_rasterio_reads(write_raster, monkeypatch, layout, size, count, seed, memory) -> None:
    """In any layout, dense or sparse, one of them twice; with much memory, or so little that bands are narrow."""
    rng = np.random.default_rng(seed)
    pixels = np.random.default_rng(0).integers(0, 4, (3, 150, 130)).astype(np.uint16)
    path = write_raster("made.tif", pixels, nodata=0, **layout)
    monkeypatch.setattr(scattered, "_BAND_BYTES", memory)
    info = raster.describe(path)
    spread = rng.integers(1, 130 - size + 1)
    cols, rows = rng.integers(0, spread, count), rng.integers(0, 150 - size + 1, count)
    cols[-1], rows[-1] = cols[0], rows[0]
    found, valid = read(info, cols, rows, size)
    wanted = one_by_one(path, cols, rows, size, [1, 2, 3])
    assert np.array_equal(found, wanted)
    assert np.array_equal(valid, wanted.any(axis=1))


def test_chosen_bands_and_a_mask(write_raster) -> None:
    rng = np.random.default_rng(1)
    pixels, mask = rng.integers(1, 99, (3, 90, 80)).astype(np.uint8), rng.random((90, 80)) < 0.7
    path = write_raster("masked.tif", pixels, mask=(mask * 255).astype(np.uint8), descriptions=("red", "green", "blue"))
    cols, rows = rng.integers(0, 60, 9), rng.integers(0, 70, 9)
    found, valid = read(raster.describe(path).choose(["blue", "red"]), cols, rows, 20)
    assert np.array_equal(found, one_by_one(path, cols, rows, 20, [3, 1]))
    assert np.array_equal(valid, [mask[row : row + 20, col : col + 20] for col, row in zip(cols, rows, strict=True)])


def test_each_block_is_read_once(write_raster, monkeypatch) -> None:
    path = write_raster("made.tif", np.zeros((1, 400, 400), np.uint8), tiled=True, blockxsize=16, blockysize=16)
    info = raster.describe(path)
    asked = np.zeros((25, 25), int)
    plain = raster.Reader.read

    def counting(reader, window):
        assert not np.any(np.array([window.col_off, window.row_off, window.width, window.height]) % 16)
        top, left = window.row_off // 16, window.col_off // 16
        asked[top : top + window.height // 16, left : left + window.width // 16] += 1
        return plain(reader, window)

    monkeypatch.setattr(raster.Reader, "read", counting)
    monkeypatch.setattr(scattered, "_BAND_BYTES", 400 * 60 * 2)
    rng = np.random.default_rng(0)
    cols, rows = rng.integers(0, 381, 40), rng.integers(0, 381, 40)
    read(info, cols, rows, 20)
    touched = np.zeros((400, 400), dtype=bool)
    for col, row in zip(cols, rows, strict=True):
        touched[row : row + 20, col : col + 20] = True
    assert np.array_equal(asked, touched.reshape(25, 16, 25, 16).any(axis=(1, 3)).astype(int))


def test_real_rasters(shared_data) -> None:
    path = next((shared_data / "para-landsat").glob("*.tif"), None)
    if path is None:
        pytest.skip("no raster of Pará here")
    info = raster.describe(path)
    rng = np.random.default_rng(0)
    cols, rows = rng.integers(0, info.width - 63, 30), rng.integers(0, info.height - 63, 30)
    bands = [band.index for band in info.bands]
    assert np.array_equal(read(info, cols, rows, 64)[0], one_by_one(path, cols, rows, 64, bands))


def test_windows_over_the_edge_are_refused(write_raster) -> None:
    info = raster.describe(write_raster("made.tif", np.zeros((1, 30, 40), np.uint8)))
    for col, row in ((-1, 0), (0, 23), (33, 0)):
        with pytest.raises(InputError, match="reaches over its 40 × 30 px"):
            read(info, np.array([col]), np.array([row]), 8)
    assert len(read(info, np.zeros(0, int), np.zeros(0, int), 8)[0]) == 0
