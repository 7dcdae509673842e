"""Which tiles are explored, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geolabel.errors import EmptyError
from geolabel.steps.exploring.tiles import even_sample, explored_tiles, places_of
from geolabel.steps.tile import tile
from geolabel.tiling import read_index
from tests.steps.embed.planted import planted_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 9))
def test_a_sample_is_even(count: int, most: int, seed: int) -> None:
    rows = even_sample(count, most, seed)
    assert len(rows) == min(count, most)
    assert len(np.unique(rows)) == len(rows)
    assert (np.diff(rows) > 0).all()
    assert rows.min() >= 0
    assert rows.max() < count
    if count > most:  # each stretch gives one
        assert np.abs(rows - np.arange(most) * count / most).max() <= count / most + 1


def test_a_sample_keeps_the_columns_of_its_rows(write_raster: WriteRaster) -> None:
    path = planted_tiles(write_raster)
    whole = read_index(path)
    some = explored_tiles(path, 50, 1)
    assert (len(some), some.total, some.encoder) == (50, len(whole), None)
    assert some.index.column("tile").tolist() == whole.column("tile")[some.rows].tolist()
    assert np.array_equal(some.index.shares, whole.shares[some.rows], equal_nan=True)


def test_too_few_tiles_are_told(tmp_path: Path, write_raster: WriteRaster) -> None:
    raster = write_raster("little.tif", np.ones((1, 32, 32), np.uint8))
    tile([raster], output=tmp_path / "tiles.parquet", size=16)
    with pytest.raises(EmptyError, match="tiles: 4,"):
        explored_tiles(tmp_path / "tiles.parquet", 50, 0)


def test_places_are_those_of_pyproj(tmp_path: Path, write_raster: WriteRaster) -> None:
    raster = write_raster(
        "far.tif",
        np.ones((1, 64, 64), np.uint8),
        crs="EPSG:32719",
        transform=Affine(10, 0, 400_000, 0, -10, 8_600_000),
    )
    tile([raster], output=tmp_path / "tiles.parquet", size=32)
    places = places_of(read_index(tmp_path / "tiles.parquet"))
    to_degrees = Transformer.from_crs("EPSG:32719", "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(400_160 + 320 * np.array([0, 1, 0, 1]), 8_599_840 - 320 * np.array([0, 0, 1, 1]))
    assert places.lon == pytest.approx(lon, abs=1e-9)
    assert places.lat == pytest.approx(lat, abs=1e-9)
    assert places.side_deg is not None
    metres = places.side_deg * 111_320 * np.column_stack([np.cos(np.radians(lat)), np.ones(4)])
    assert metres == pytest.approx(320.0, rel=0.01)
