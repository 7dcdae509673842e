"""Copies and common ground across the parts of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel.steps.exploring.copies import copies_of
from geolabel.steps.exploring.separations import blocks_of
from geolabel.steps.tile import tile
from geolabel.tiling.index import dictionary, read_index

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.tiling import TileIndex
    from tests.conftest import WriteRaster


def tiles(write_raster: WriteRaster, tmp_path: Path, *, stride: int) -> TileIndex:
    """Two rows of a raster of 10 m: with a stride of 16, six tiles of 16 px each."""
    raster = write_raster("region.tif", np.ones((1, 32, 96), np.uint8))
    tile([raster], output=tmp_path / "tiles.parquet", size=16, stride=stride)
    return read_index(tmp_path / "tiles.parquet")


def test_overlapping_windows_of_two_parts_are_leaks(write_raster: WriteRaster, tmp_path: Path) -> None:
    index = tiles(write_raster, tmp_path, stride=8)
    col, row = index.column("col_off"), index.column("row_off")
    part = np.where(col < 32, "train", np.where(col < 64, "test", "buffer"))
    found = copies_of(index.with_columns({"split": dictionary(part.tolist())}), None)
    expected = {
        (one, other)
        for one in np.flatnonzero(part == "train").tolist()
        for other in np.flatnonzero(part == "test").tolist()
        if abs(int(col[one]) - int(col[other])) < 16 and abs(int(row[one]) - int(row[other])) < 16
    }
    assert {(min(pair), max(pair)) for pair in found.overlaps.tolist()} == {(min(p), max(p)) for p in expected}
    assert found.share[0] == found.share.max() == 0.5  # the most first
    assert found.leaking.tolist() == [any(at in pair for pair in expected) for at in range(len(index))]
    assert {found.elsewhere[one] for one, _ in expected} == {"test"}
    assert not len(found.leaks)


def test_tiles_side_by_side_share_nothing(write_raster: WriteRaster, tmp_path: Path) -> None:
    index = tiles(write_raster, tmp_path, stride=16)
    part = np.where(index.column("tile") % 2, "train", "test")
    found = copies_of(index.with_columns({"split": dictionary(part.tolist())}), None)
    assert not found.leaking.any()
    assert not copies_of(index, None).leaking.any()


def test_a_picture_in_two_parts_is_a_leak_and_in_one_a_copy(write_raster: WriteRaster, tmp_path: Path) -> None:
    index = tiles(write_raster, tmp_path, stride=16)
    part = ["train"] * 6 + ["test"] * 5 + ["buffer"]
    seen = np.random.default_rng(0).normal(size=(12, 3 * 64)).astype(np.float32)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    seen[4], seen[8], seen[11] = seen[1], seen[3], seen[2]
    found = copies_of(index.with_columns({"split": dictionary(part)}), seen)
    assert [rows.tolist() for rows in found.groups] == [[1, 4], [2, 11], [3, 8]]
    assert found.first[[1, 4, 3, 8, 0]].tolist() == [1, 1, 3, 3, -1]
    assert found.leaks.tolist() == [[3, 8]]
    assert (found.elsewhere[3], found.elsewhere[8], found.elsewhere[2]) == ("test", "train", "")


def test_blocks_are_ten_tiles_wide_where_the_split_does_not_say(write_raster: WriteRaster, tmp_path: Path) -> None:
    raster = write_raster("wide.tif", np.ones((1, 8, 8 * 25), np.uint8))
    tile([raster], output=tmp_path / "wide.parquet", size=8)
    blocks = blocks_of(read_index(tmp_path / "wide.parquet"))
    assert blocks is not None
    assert np.bincount(blocks) == pytest.approx([10, 10, 5], abs=1)  # a side is measured on the ellipsoid
