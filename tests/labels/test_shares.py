"""Shares of classes in tiles: a table summed by hand, counting pixel by pixel, and areas of overlays."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.grid import Grid, Window
from geolabel.labels.areas import Areas
from geolabel.labels.given import vector_source
from geolabel.labels.runs import Runs
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.shares import _BAND_PLACES, _LINES_PER_TILE, Shares, _bands, measure
from geolabel.tiling import grid_windows


class Pixels:
    """An array of class numbers (groups, height, width) as a label source: one run a pixel."""

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = np.atleast_3d(classes.T).T

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        assert window.row_off >= 0
        assert window.row_off + window.height <= self.classes.shape[1]
        assert window.col_off + window.width <= self.classes.shape[2]
        rows = slice(window.row_off, window.row_off + window.height)
        lines = np.repeat(np.arange(window.height), lines_per_row) * window.width
        column = np.arange(window.col_off, window.col_off + window.width, dtype=float)
        found = []
        for group in self.classes[:, rows, window.col_off : window.col_off + window.width]:
            x = np.tile(column, window.height)
            found.append(Runs(lines, lines + window.width, x, group.astype(np.uint8).ravel()))
        return found

    def areas(self, window: Window) -> list[Areas]:
        raise NotImplementedError


def of(arrays, tiles, class_count: int, min_known: float = 0.0, can_name=None, groups=None, **options) -> Shares:
    arrays = arrays if isinstance(arrays, list) else [arrays]
    able = np.ones((len(arrays), class_count), dtype=bool) if can_name is None else np.array(can_name)
    return measure(
        [Pixels(array) for array in arrays],
        able,
        tiles,
        groups or [list(range(class_count))],
        min_known=min_known,
        track=lambda items, total: items,
        **options,
    )


def columns(windows):
    return windows.col_off, windows.row_off, windows.width, windows.height


def count(classes: np.ndarray, tile, kinds: int) -> np.ndarray:
    col, row, wide, high = tile
    return np.bincount(classes[row : row + high, col : col + wide].ravel(), minlength=kinds) / (wide * high)


def test_a_table_to_be_summed_by_hand() -> None:
    classes = np.array([[1, 1, 2, 0], [1, 3, 2, 0], [3, 3, 0, 0], [3, 3, 0, 0]])
    shares = of(classes, columns(grid_windows(4, 4, 2, 2)), 3)
    np.testing.assert_allclose(shares.merged.known, [1, 0.5, 1, 0], atol=1e-6)
    expected = np.array([[0.75, 0, 0.25], [0, 0.5, 0], [0, 0, 1], [np.nan] * 3])
    np.testing.assert_allclose(shares.merged.share.T, expected, atol=1e-6)
    assert shares.by_source == ()
    assert np.isnan(shares.agree).all()


def test_less_known_than_asked_is_unknown() -> None:
    classes = np.array([[1, 0, 1, 1, 0, 0]])
    tiles = tuple(np.array(column) for column in ([0, 2, 4], [0, 0, 0], [2, 2, 2], [1, 1, 1]))
    np.testing.assert_array_equal(of(classes, tiles, 1, 0.5).merged.share[0], [0.5, 1, np.nan])
    np.testing.assert_array_equal(of(classes, tiles, 1, 0.51).merged.share[0], [np.nan, 1, np.nan])


@pytest.mark.parametrize("min_known", [-0.1, 1.5])
def test_min_known_is_a_share(min_known: float) -> None:
    with pytest.raises(OptionError, match=rf"--min-known must lie in 0–1, got {min_known:g}"):
        of(np.ones((2, 2)), columns(grid_windows(2, 2, 2, 2)), 1, min_known)


@given(st.integers(0, 9_999), st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.data())
@settings(deadline=None)
def test_shares_agree_with_counting_and_sum_to_what_is_known(seed: int, width, height, size, data) -> None:
    stride = data.draw(st.integers(1, size))
    class_count = data.draw(st.integers(1, 5))
    classes = np.random.default_rng(seed).integers(0, class_count + 2, (height, width))
    windows = grid_windows(width, height, size, stride)
    shares = of(classes, columns(windows), class_count).merged
    for number, tile in enumerate(zip(*columns(windows), strict=True)):
        expected = count(classes, tile, class_count + 2)
        assert shares.known[number] == pytest.approx(1 - expected[0], abs=1e-5)
        if expected[0] < 1:
            np.testing.assert_allclose(shares.share[:, number], expected[1:-1], atol=1e-5)
            assert shares.share[:, number].sum() + expected[-1] == pytest.approx(shares.known[number], abs=1e-5)
        else:
            assert np.isnan(shares.share[:, number]).all()


def test_tiles_in_any_order_and_anywhere() -> None:
    classes = np.random.default_rng(0).integers(0, 4, (1300, 80))
    rng = np.random.default_rng(1)
    tiles = rng.integers(0, 60, 300), rng.integers(0, 700, 300), rng.integers(1, 20, 300), rng.integers(1, 600, 300)
    shares = of(classes, tiles, 3).merged
    expected = np.array([count(classes, tile, 4) for tile in zip(*tiles, strict=True)])
    known = ~np.isnan(shares.share[0])
    assert known.mean() > 0.9
    np.testing.assert_allclose(shares.share.T[known], expected[known, 1:], atol=1e-4)
    np.testing.assert_allclose(shares.known, 1 - expected[:, 0], atol=1e-4)


def test_no_tiles() -> None:
    none = np.empty(0, dtype=np.int32)
    assert of(np.ones((2, 2)), (none,) * 4, 2).merged.share.shape == (2, 0)


@given(st.integers(0, 9_999), st.integers(2, 4), st.booleans(), st.integers(1, 9))
@settings(deadline=None)
def test_several_sources_agree_with_a_transcription(seed: int, sources: int, agreement: bool, size: int) -> None:
    rng = np.random.default_rng(seed)
    class_count = 3
    arrays = [rng.integers(0, class_count + 2, (20, 24)) for _ in range(sources)]
    can_name = rng.random((sources, class_count)) < 0.7
    windows = grid_windows(24, 20, size, size)
    merging = "agreement" if agreement else "priority"
    found = of(arrays, columns(windows), class_count, 0.4, can_name, merging=merging)
    speaking = sum((array > 0).astype(int) for array in arrays)
    first = np.zeros((20, 24), int)
    who = np.full((20, 24), -1)
    for number, array in enumerate(arrays):
        who[(first == 0) & (array > 0)] = number
        first = np.where(first == 0, array, first)
    alike = np.logical_and.reduce([(array == 0) | (array == first) for array in arrays])
    if agreement:
        kept = alike & (speaking == sources)
        first, who = np.where(kept, first, 0), np.where(kept, who, -1)
    for number, tile in enumerate(zip(*columns(windows), strict=True)):
        col, row, wide, high = tile
        part = np.s_[row : row + high, col : col + wide]
        expected = count(first, tile, class_count + 2)
        assert found.merged.known[number] == pytest.approx(1 - expected[0], abs=1e-5)
        for at in range(class_count):
            told = np.isin(who[part], np.flatnonzero(can_name[:, at])).mean()
            if abs(told - 0.4) > 1e-6:
                share = expected[at + 1] if told > 0.4 else np.nan
                np.testing.assert_allclose(found.merged.share[at, number], share, atol=1e-5)
        both = speaking[part] > 1
        if both.any():
            assert found.agree[number] == pytest.approx(alike[part][both].mean(), abs=1e-4)
        else:
            assert np.isnan(found.agree[number])
        for source, array in enumerate(arrays):
            own = count(array, tile, class_count + 2)
            assert found.by_source[source].known[number] == pytest.approx(1 - own[0], abs=1e-5)
    pair = 0
    for one in range(sources):
        for other in range(one + 1, sources):
            table = np.zeros((class_count + 2, class_count + 2))
            np.add.at(table, (arrays[one].ravel(), arrays[other].ravel()), 1)
            np.testing.assert_allclose(found.joint[pair], table, atol=1e-6)
            pair += 1


def test_what_two_sources_say_counts_each_place_once_where_tiles_overlap_and_nothing_beyond_them() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 3, (40, 40)), rng.integers(0, 3, (40, 40))
    tiles = tuple(np.array(column) for column in ([0, 4, 30], [0, 6, 20], [16, 16, 5], [16, 16, 9]))
    covered = np.zeros((40, 40), bool)
    for col, row, wide, high in zip(*tiles, strict=True):
        covered[row : row + high, col : col + wide] = True
    expected = np.zeros((3, 3))
    np.add.at(expected, (one[covered], other[covered]), 1)
    np.testing.assert_allclose(of([one, other], tiles, 1).joint[0], expected, atol=1e-9)


def test_groups_do_not_compete() -> None:
    weather = np.array([[1, 1], [1, 0]])
    land = np.array([[2, 3], [3, 3]])
    tiles = columns(grid_windows(2, 2, 2, 2))
    found = of(np.stack([weather, land]), tiles, 3, 0.8, groups=[[0], [1, 2]]).merged
    np.testing.assert_allclose(found.share[:, 0], [np.nan, 0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(found.known, [1])


def overlay(polygons: geopandas.GeoDataFrame, grid: Grid, windows, field: str, names: tuple[str, ...]) -> np.ndarray:
    """Share of each class in each tile by areas of polygons, no pixel involved."""
    tiles = geopandas.GeoDataFrame({"tile": range(len(windows))}, geometry=grid.boxes(*columns(windows)), crs=grid.crs)
    pieces = geopandas.overlay(tiles, polygons[[field, "geometry"]].to_crs(grid.crs), how="intersection")
    share = np.zeros((len(windows), len(names)))
    at = [names.index(name) for name in pieces[field]]
    np.add.at(share, (pieces["tile"].to_numpy(), at), pieces.area.to_numpy())
    return share / tiles.area.to_numpy()[:, None]


def from_vector(path: Path, field: str, layer: str | None, grid: Grid, windows, names, *, exact: bool) -> Shares:
    scheme = Scheme("s", tuple(LabelClass(name) for name in names))
    source = vector_source(path, field, layer, scheme)
    with source.lay(grid, scheme, 0) as laid:
        return measure(
            [laid],
            source.names(scheme)[None],
            columns(windows),
            [list(range(len(names)))],
            min_known=0,
            exact=exact,
            track=lambda items, total: items,
        )


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("size", [32, 64])
def test_shares_agree_with_areas_of_an_overlay(tmp_path: Path, size: int, exact: bool) -> None:
    """Voronoi cells in degrees, over a UTM grid."""
    rng = np.random.default_rng(4)
    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 320, 1280)
    west, south, east, north = grid.bounds
    points = shapely.multipoints(np.column_stack([rng.uniform(west, east, 60), rng.uniform(south, north, 60)]))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(*grid.bounds)))
    frame = geopandas.GeoDataFrame({"use": [f"c{n % 4}" for n in range(len(cells))]}, geometry=cells, crs=grid.crs)
    frame = frame.to_crs("EPSG:4326")
    frame.to_file(tmp_path / "a.gpkg")
    names = ("c0", "c1", "c2", "c3")
    windows = grid_windows(grid.width, grid.height, size, size)
    shares = from_vector(tmp_path / "a.gpkg", "use", None, grid, windows, names, exact=exact).merged
    expected = overlay(frame, grid, windows, "use", names)
    assert np.abs(shares.share.T - expected).max() < (1e-5 if exact else 0.005)
    np.testing.assert_allclose(shares.known, 1, atol=1e-4)


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
    expected = overlay(frame, grid, windows, "CODE_18", names)
    assert len(windows) > 100
    for exact, tolerance in ((False, 0.003), (True, 1e-5)):
        shares = from_vector(path, "CODE_18", "clc", grid, windows, names, exact=exact).merged
        assert np.nanmax(np.abs(shares.share.T - expected)) < tolerance
        np.testing.assert_allclose(shares.known, expected.sum(axis=1), atol=tolerance)


def test_bands_of_the_usual_case_hold_many_rows_of_tiles() -> None:
    bands = _bands(*columns(grid_windows(9_984, 9_984, 32, 32)), _BAND_PLACES // 2)
    assert bands[0] == (0, 448)
    assert bands[-1][1] == 9_984


@given(st.integers(0, 9_999), st.integers(1, 60), st.integers(1_000, 200_000))
@settings(deadline=None)
def test_bands_cover_the_tiles_once_and_fit(seed: int, tallest: int, most_places: int) -> None:
    """A tile of one row has 128 lines a row where no taller one stands beside it."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 30))
    tiles = (
        rng.integers(0, 90, count),
        rng.integers(0, 900, count),
        np.full(count, 10),
        rng.integers(1, tallest + 1, count),
    )
    bands = _bands(*tiles, most_places)
    covered = np.zeros(1_000, int)
    across = (tiles[0] + 10).max() - tiles[0].min()
    for begin, end in bands:
        covered[begin:end] += 1
        height = tiles[3][(tiles[1] < end) & (tiles[1] + tiles[3] > begin)].max()
        assert (end - begin) * -(-_LINES_PER_TILE // height) * across <= most_places or end - begin == 1
    assert covered.max() == 1
    for row, high in zip(tiles[1], tiles[3], strict=True):
        assert covered[row : row + high].all()
