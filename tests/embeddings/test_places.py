"""Rows by number and by place, against the rule for all tiles at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel.embeddings import place_of, rows_numbered, rows_touching, writer
from tests.embeddings import made

if TYPE_CHECKING:
    from pathlib import Path

SIDE = made.TILE * 10


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred tiles, ten across, in groups of sixteen rows."""
    path = tmp_path_factory.mktemp("places") / "e.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "GROUP", 16)
        made.write(path, made.tiles(100), np.ones((100, 2), np.float16), norm=False)
    return path


@given(st.lists(st.floats(-1, 11), min_size=4, max_size=4))
def test_a_polygon_means_the_tiles_it_reaches_into(stored: Path, edges: list[float]) -> None:
    x, y = (np.sort(edges[at::2]) * SIDE for at in (0, 1))
    shape = shapely.box(made.LEFT + x[0], made.TOP - y[1], made.LEFT + x[1], made.TOP - y[0])
    if shapely.area(shape) < 1:
        return
    tiles = shapely.from_wkb(made.tiles(100).column("geometry"))
    expected = np.flatnonzero(shapely.area(shapely.intersection(tiles, shape)) > 0)
    assert np.array_equal(rows_touching(stored, np.array([shape])), expected)


def test_a_point_on_a_corner_means_all_tiles_there(stored: Path) -> None:
    corner = shapely.Point(made.LEFT + SIDE, made.TOP - SIDE)
    inside = shapely.Point(made.LEFT + 9.5 * SIDE, made.TOP - 9.5 * SIDE)
    away = shapely.Point(0, 0)
    assert rows_touching(stored, np.array([corner, inside, away])).tolist() == [0, 1, 10, 11, 99]
    assert not len(rows_touching(stored, np.array([away])))


def test_rows_by_number(stored: Path) -> None:
    assert rows_numbered(stored, np.array([7, 100, 7, 0])).tolist() == [7, -1, 7, 0]
    assert rows_numbered(stored, np.array([500])).tolist() == [-1]


def test_where_the_tiles_lie(stored: Path, tmp_path: Path) -> None:
    west, north = made.LEFT, made.TOP
    assert place_of(stored) == ("EPSG:32719", (west, north - 10 * SIDE, west + 10 * SIDE, north))
    made.write(tmp_path / "empty.parquet", made.tiles(0), np.zeros((0, 2), np.float16))
    assert place_of(tmp_path / "empty.parquet") is None
