"""Shares of classes in tiles: a table summed by hand, counting pixel by pixel, and areas of overlays."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.grid import Grid, Window
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.shares import Shares, lookup, measure
from geolabel.labels.sources import VectorLabels
from geolabel.tiling import grid_windows


def of(classes: np.ndarray, tiles, class_count: int, min_known: float = 0.0) -> Shares:
    """Shares over an array of class numbers, which may be read window by window only."""

    def read(window: Window) -> np.ndarray:
        assert window.row_off >= 0
        assert window.row_off + window.height <= classes.shape[0]
        assert window.col_off + window.width <= classes.shape[1]
        return classes[
            window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width
        ].astype(np.uint8)

    return measure(read, tiles, class_count, min_known=min_known, track=lambda items, total: items)


def columns(windows):
    return windows.col_off, windows.row_off, windows.width, windows.height


def test_a_table_to_be_summed_by_hand() -> None:
    classes = np.array([[1, 1, 2, 0], [1, 3, 2, 0], [3, 3, 0, 0], [3, 3, 0, 0]])
    shares = of(classes, columns(grid_windows(4, 4, 2, 2)), 3)
    np.testing.assert_array_equal(shares.known, np.array([1, 0.5, 1, 0], dtype=np.float32))
    expected = [[0.75, 0, 0.25], [0, 0.5, 0], [0, 0, 1], [np.nan] * 3]
    np.testing.assert_array_equal(shares.share, np.array(expected, dtype=np.float32))


def test_less_known_than_asked_is_unknown() -> None:
    classes = np.array([[1, 0, 1, 1, 0, 0]])
    tiles = tuple(np.array(column) for column in ([0, 2, 4], [0, 0, 0], [2, 2, 2], [1, 1, 1]))
    np.testing.assert_array_equal(of(classes, tiles, 1, 0.5).share[:, 0], [0.5, 1, np.nan])
    np.testing.assert_array_equal(of(classes, tiles, 1, 0.51).share[:, 0], [np.nan, 1, np.nan])


@pytest.mark.parametrize("min_known", [-0.1, 1.5])
def test_min_known_is_a_share(min_known: float) -> None:
    with pytest.raises(OptionError, match=rf"--min-known must lie in 0–1, got {min_known:g}"):
        of(np.ones((2, 2)), columns(grid_windows(2, 2, 2, 2)), 1, min_known)


@given(st.integers(0, 9_999), st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.data())
def test_shares_agree_with_counting_and_sum_to_what_is_known(seed: int, width, height, size, data) -> None:
    stride = data.draw(st.integers(1, size))
    class_count = data.draw(st.integers(1, 5))
    classes = np.random.default_rng(seed).integers(0, class_count + 1, (height, width))
    windows = grid_windows(width, height, size, stride)
    shares = of(classes, columns(windows), class_count)
    for number, (col, row, wide, high) in enumerate(zip(*columns(windows), strict=True)):
        count = np.bincount(classes[row : row + high, col : col + wide].ravel(), minlength=class_count + 1)
        assert shares.known[number] == np.float32(1 - count[0] / count.sum())
        if count[0] < count.sum():
            np.testing.assert_allclose(shares.share[number], count[1:] / count.sum(), rtol=1e-6)
            assert shares.share[number].sum() == pytest.approx(shares.known[number], abs=1e-6)
        else:
            assert np.isnan(shares.share[number]).all()


def test_tiles_in_any_order_and_anywhere() -> None:
    classes = np.random.default_rng(0).integers(0, 4, (60, 80))
    rng = np.random.default_rng(1)
    tiles = rng.integers(0, 60, 200), rng.integers(0, 40, 200), rng.integers(1, 20, 200), rng.integers(1, 20, 200)
    shares = of(classes, tiles, 3)
    expected = [
        np.bincount(classes[row : row + high, col : col + wide].ravel(), minlength=4)[1:] / (wide * high)
        for col, row, wide, high in zip(*tiles, strict=True)
    ]
    known = ~np.isnan(shares.share[:, 0])
    np.testing.assert_allclose(shares.share[known], np.array(expected)[known], atol=1e-6)


def test_no_tiles() -> None:
    none = np.empty(0, dtype=np.int32)
    assert of(np.ones((2, 2)), (none,) * 4, 2).share.shape == (0, 2)


@given(
    st.lists(st.integers(-5, 300), min_size=1, max_size=20, unique=True), st.lists(st.integers(-10, 310), min_size=1)
)
def test_lookup_is_a_dictionary(table: list[int], codes: list[int]) -> None:
    table = sorted(table)
    numbers = np.arange(1, len(table) + 1, dtype=np.uint8)
    expected = [dict(zip(table, numbers.tolist(), strict=True)).get(code, 0) for code in codes]
    assert lookup(np.array(codes), np.array(table, dtype=np.int64), numbers).tolist() == expected


def overlay(polygons: geopandas.GeoDataFrame, grid: Grid, windows, field: str, names: tuple[str, ...]) -> np.ndarray:
    """Share of each class in each tile by areas of polygons, no pixel involved."""
    tiles = geopandas.GeoDataFrame({"tile": range(len(windows))}, geometry=grid.boxes(*columns(windows)), crs=grid.crs)
    pieces = geopandas.overlay(tiles, polygons[[field, "geometry"]].to_crs(grid.crs), how="intersection")
    share = np.zeros((len(windows), len(names)))
    at = [names.index(name) for name in pieces[field]]
    np.add.at(share, (pieces["tile"].to_numpy(), at), pieces.area.to_numpy())
    return share / tiles.area.to_numpy()[:, None]


@pytest.mark.parametrize("size", [32, 64])
def test_shares_agree_with_areas_of_an_overlay(tmp_path: Path, size: int) -> None:
    """Voronoi cells in degrees, over a UTM grid."""
    rng = np.random.default_rng(4)
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 320, 256)
    west, south, east, north = grid.bounds
    points = shapely.multipoints(np.column_stack([rng.uniform(west, east, 12), rng.uniform(south, north, 12)]))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(*grid.bounds)))
    frame = geopandas.GeoDataFrame({"use": [f"c{n % 4}" for n in range(len(cells))]}, geometry=cells, crs=grid.crs)
    frame = frame.to_crs("EPSG:4326")
    frame.to_file(tmp_path / "a.gpkg")
    names = ("c0", "c1", "c2", "c3")
    source = VectorLabels.look(tmp_path / "a.gpkg", "use", None)
    class_map = source.over(grid, Scheme("s", tuple(LabelClass(name) for name in names)), {})
    windows = grid_windows(grid.width, grid.height, size, size)
    shares = measure(class_map.read, columns(windows), 4, min_known=0, track=lambda items, total: items)
    expected = overlay(frame, grid, windows, "use", names)
    assert np.abs(shares.share - expected).max() < 0.01
    np.testing.assert_allclose(shares.known, 1, atol=1e-6)


def test_real_land_cover_agrees_with_its_overlay(shared_data: Path) -> None:
    path = shared_data / "clc-granada" / "clc.gpkg"
    frame = geopandas.read_file(path, layer="clc")
    frame["CODE_18"] = frame["CODE_18"].astype(str)
    west, south, east, north = frame.total_bounds
    grid = Grid(
        frame.crs.to_wkt(), Affine(10, 0, west, 0, -10, north), int((east - west) // 10), int((north - south) // 10)
    )
    windows = grid_windows(grid.width, grid.height, 64, 64)
    windows = windows.keep((windows.width == 64) & (windows.height == 64))
    names = tuple(sorted(set(frame["CODE_18"])))
    source = VectorLabels.look(path, "CODE_18", "clc")
    class_map = source.over(grid, Scheme("clc", tuple(LabelClass(name) for name in names)), {})
    shares = measure(class_map.read, columns(windows), len(names), min_known=0, track=lambda items, total: items)
    expected = overlay(frame, grid, windows, "CODE_18", names)
    assert len(windows) > 100
    assert np.nanmax(np.abs(shares.share - expected)) < 0.01
    np.testing.assert_allclose(shares.known, expected.sum(axis=1), atol=0.01)
