"""Where tiles lie: a partition, or a cover, of the raster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel import raster
from geolabel.errors import OptionError
from geolabel.grid import Grid
from geolabel.tiling import grid_windows
from geolabel.tiling.sampling import count_windows, inside_area, valid_share

sides = st.integers(1, 70)


def cover(windows, width: int, height: int) -> np.ndarray:
    """How many tiles each pixel lies in."""
    count = np.zeros((height, width), dtype=int)
    for col, row, wide, high in zip(windows.col_off, windows.row_off, windows.width, windows.height, strict=True):
        assert col >= 0
        assert row >= 0
        assert 0 < wide <= width - col
        assert 0 < high <= height - row
        count[row : row + high, col : col + wide] += 1
    return count


@given(sides, sides, st.integers(1, 40))
def test_without_overlap_every_pixel_lies_in_exactly_one_tile(width: int, height: int, size: int) -> None:
    assert (cover(grid_windows(width, height, size, size), width, height) == 1).all()


@given(sides, sides, st.integers(1, 40), st.data())
def test_with_overlap_every_pixel_is_covered_and_no_tile_is_needless(width, height, size: int, data) -> None:
    stride = data.draw(st.integers(1, size))
    windows = grid_windows(width, height, size, stride)
    count = cover(windows, width, height)
    assert (count >= 1).all()
    assert (windows.col_off % stride == 0).all()
    last = windows.col_off.max()
    assert last == 0 or last + size - stride < width, "the last column of tiles brings pixels of its own"


def test_tiles_by_hand() -> None:
    windows = grid_windows(10, 5, 4, 3)
    assert windows.col_off.tolist() == [0, 3, 6, 0, 3, 6]
    assert windows.row_off.tolist() == [0, 0, 0, 3, 3, 3]
    assert windows.width.tolist() == [4] * 6
    assert windows.height.tolist() == [4] * 3 + [2] * 3
    assert len(windows.keep(windows.row_off > 0)) == 3


@pytest.mark.parametrize(
    ("size", "stride", "says"),
    [(0, 1, "at least 1 px, got 0 and 1"), (4, 0, "at least 1 px, got 4 and 0"), (4, 5, "--stride 5 .*--size 4")],
)
def test_sizes_that_make_no_sense(size: int, stride: int, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        grid_windows(10, 10, size, stride)


def direct(windows, valid: np.ndarray) -> np.ndarray:
    return np.array([
        valid[row : row + high, col : col + wide].mean()
        for col, row, wide, high in zip(windows.col_off, windows.row_off, windows.width, windows.height, strict=True)
    ])  # fmt: skip


@given(st.integers(0, 999), st.sampled_from([1, 2, 4]), st.integers(1, 6), st.integers(1, 6))
def test_valid_share_is_exact_where_cells_divide_the_tiles(seed: int, step: int, across: int, down: int) -> None:
    coarse = np.random.default_rng(seed).random((8 * down, 8 * across)) > 0.5
    valid = np.kron(coarse, np.ones((step, step), dtype=bool))
    height, width = valid.shape
    windows = grid_windows(width, height, 4 * step, 2 * step)
    np.testing.assert_allclose(valid_share(windows, coarse, width, height), direct(windows, valid), atol=1e-6)


@given(st.integers(20, 100), st.integers(20, 100), st.integers(8, 30), st.integers(2, 5))
def test_valid_share_is_near_where_they_do_not(width: int, height: int, size: int, step: int) -> None:
    """A half plane of valid pixels: the coarse map may be wrong by a cell along its edge and the tile's own."""
    row, col = np.indices((height, width))
    valid = col + row / 2 > width / 2
    shape = -(-height // step), -(-width // step)
    rows = np.minimum(((np.arange(shape[0]) + 0.5) * height / shape[0]).astype(int), height - 1)
    cols = np.minimum(((np.arange(shape[1]) + 0.5) * width / shape[1]).astype(int), width - 1)
    windows = grid_windows(width, height, size, size)
    windows = windows.keep((windows.width == size) & (windows.height == size))
    off = np.abs(valid_share(windows, valid[np.ix_(rows, cols)], width, height) - direct(windows, valid))
    assert (off <= 3.0 * step / size).all()


def test_everything_is_valid_without_a_mask() -> None:
    np.testing.assert_array_equal(valid_share(grid_windows(10, 10, 5, 5), None, 10, 10), np.ones(4))


def test_real_valid_shares(shared_data: Path) -> None:
    info = raster.describe(shared_data / "mapbiomas-amapa" / "utm_cover_AP_rio_2020.tif")
    with rasterio.open(info.path) as dataset:
        valid = dataset.read_masks(1) > 0
    windows = grid_windows(info.width, info.height, 256, 256)
    found = valid_share(windows, raster.valid_overview(info, 8), info.width, info.height)
    assert np.abs(found - direct(windows, valid)).mean() < 0.01
    assert ((found == 0) == (direct(windows, valid) == 0)).mean() > 0.97


def test_tiles_that_touch_an_area() -> None:
    grid = Grid("EPSG:32631", Affine(10, 0, 0, 0, -10, 100), 10, 10)
    windows = grid_windows(10, 10, 5, 5)
    area = np.array([shapely.box(10, 60, 20, 70), shapely.box(60, 10, 61, 11)])
    assert inside_area(windows, grid, area).tolist() == [True, False, False, True]
    assert inside_area(windows, grid, np.empty(0, dtype=object)).tolist() == [False] * 4


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(1, 90),
    st.integers(1, 90),
    st.tuples(*[st.floats(-50, 450)] * 4),
)
def test_tiles_within_a_box_are_those_that_touch_it(width, height, size, stride, box):
    stride = min(stride, size)
    left, right, top, bottom = *sorted(box[:2]), *sorted(box[2:])
    every = grid_windows(width, height, size, stride)
    some = grid_windows(width, height, size, stride, (left, top, right, bottom))
    assert len(every) == count_windows(width, height, size, stride)
    touched = (
        (every.col_off + every.width > left)
        & (every.col_off < right)
        & (every.row_off + every.height > top)
        & (every.row_off < bottom)
    )
    corners, all_corners, wanted = (
        set(zip(part.col_off.tolist(), part.row_off.tolist(), strict=True))
        for part in (some, every, every.keep(touched))
    )
    assert wanted <= corners <= all_corners


def test_more_tiles_than_an_index_holds_are_refused_before_they_are_listed():
    with pytest.raises(OptionError, match="3,906,250,000 tiles of 16 px are more than one index holds"):
        grid_windows(10**6, 10**6, 16, 16)
    assert len(grid_windows(10**6, 10**6, 16, 16, (0, 0, 100, 40))) <= 8 * 4
