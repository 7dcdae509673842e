"""A class raster seen from another grid: against many points of each line, each of them reprojected by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geolabel.grid import Grid, Window
from geolabel.labels.lattice import Lattice, lattice, runs_of_raster
from geolabel.labels.runs import Runs

if TYPE_CHECKING:
    from tests.conftest import WriteRaster
    from tests.labels.conftest import Measure


def north_up(crs: str, x: float, y: float, side: float, width: int = 96, height: int = 96) -> Grid:
    return Grid(crs, Affine(side, 0, x, 0, -side, y), width, height)


UTM = north_up("EPSG:32632", 500_000, 5_600_000, 10)
PAIRS = {
    "itself": (UTM, UTM),
    "a little aside": (UTM, north_up("EPSG:32632", 500_004, 5_600_003, 10)),
    "other pixels": (UTM, north_up("EPSG:32632", 500_003, 5_600_002, 7.3, 140, 140)),
    "south-up": (UTM, Grid("EPSG:32632", Affine(7, 0, 500_003, 0, 9, 5_599_050), 140, 110)),
    "oblong": (UTM, Grid("EPSG:32632", Affine(3, 0, 500_003, 0, -31, 5_600_100), 340, 40)),
    "degrees": (UTM, north_up("EPSG:4326", 8.999, 50.553, 0.0001, 160, 110)),
    "next zone": (UTM, north_up("EPSG:32633", 74_500, 5_617_000, 10, 160, 160)),
    "mercator": (UTM, north_up("EPSG:3857", 1_001_800, 6_542_500, 15, 120, 120)),
    "equal area": (UTM, north_up("EPSG:3035", 4_250_050, 3_049_500, 100, 12, 12)),
    "degrees from below": (north_up("EPSG:4326", 9.001, 50.550, 0.0001), UTM),
    "south-up grid": (Grid("EPSG:4326", Affine(1e-4, 0, 9.001, 0, 1e-4, 50.5425), 96, 96), UTM),
    "coarse mercator": (
        north_up("EPSG:3857", 1_000_000, 6_500_000, 500, 96, 24),
        north_up("EPSG:32632", 4.9e5, 5.59e6, 300, 200, 100),
    ),
    "coarse degrees": (
        north_up("EPSG:4326", 8.5, 51, 0.02, 96, 24),
        north_up("EPSG:32632", 4.7e5, 5.64e6, 250, 400, 300),
    ),
    "far south": (north_up("EPSG:3031", -1e6, 1e6, 500), north_up("EPSG:4326", -46, -76, 0.02, 250, 150)),
    "beside each other": (UTM, north_up("EPSG:32632", 510_000, 5_600_000, 10)),
}


def exact_place(x: np.ndarray, y: np.ndarray, grid: Grid, onto: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Column and row on `onto` of points (column, row) of `grid`, each by itself."""
    there = Transformer.from_crs(grid.crs, onto.crs, always_xy=True)
    mapped = there.transform(grid.transform.c + x * grid.transform.a, grid.transform.f + y * grid.transform.e)
    a, e = onto.transform.a, onto.transform.e
    return (mapped[0] - onto.transform.c) / a, (mapped[1] - onto.transform.f) / e


def said(runs: Runs, line: int, x: np.ndarray) -> np.ndarray:
    """Class at places x of a line."""
    begin, end = runs.begin[line], runs.end[line]
    at = np.searchsorted(runs.x[begin:end], x, side="right") - 1
    return np.where(at >= 0, np.append(runs.number[begin:end], 0)[at], 0)


def crop(classes: np.ndarray, way: Lattice) -> tuple[tuple[int, int], np.ndarray]:
    """The part of a raster that a lattice lies on, as a source reads it."""
    left, top, right, bottom = way.bounds() or (0, 0, 1, 1)
    left, top = max(left, 0), max(top, 0)
    part = classes[top : max(bottom, top), left : max(right, left)]
    return ((left, top), part) if part.size else ((0, 0), np.zeros((1, 1), np.uint8))


@pytest.mark.parametrize("per_row", [1, 3])
@pytest.mark.parametrize("pair", PAIRS)
def test_lines_agree_with_points_that_are_reprojected_one_by_one(pair: str, per_row: int) -> None:
    grid, onto = PAIRS[pair]
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 4, (onto.height, onto.width)).astype(np.uint8)
    window = Window(5, 7, grid.width - 9, grid.height - 8)
    way = lattice(grid, window, onto)
    runs = runs_of_raster(crop(classes, way)[1], crop(classes, way)[0], way, window, per_row)
    assert len(runs.begin) == window.height * per_row
    x = np.sort(rng.uniform(window.col_off, window.col_off + window.width, 1_500))
    seen = compared = 0
    for line in range(0, len(runs.begin), 5):
        y = np.full_like(x, window.row_off + (line + 0.5) / per_row)
        col, row = exact_place(x, y, grid, onto)
        sure = (np.abs(col - np.rint(col)) > 0.012) & (np.abs(row - np.rint(row)) > 0.012)
        inside = (col >= 0) & (col < onto.width) & (row >= 0) & (row < onto.height)
        expected = np.zeros(len(x), np.uint8)
        expected[inside] = classes[row[inside].astype(int), col[inside].astype(int)]
        found = said(runs, line, x)
        np.testing.assert_array_equal(found[sure], expected[sure])
        seen += int(inside.sum())
        compared += int(sure.sum())
    assert compared > 5_000
    assert seen == 0 if pair == "beside each other" else seen > 2_000


def test_the_same_grid_gives_exactly_the_pixels() -> None:
    classes = np.random.default_rng(1).integers(0, 3, (96, 96)).astype(np.uint8)
    window = Window(3, 11, 64, 70)
    way = lattice(UTM, window, UTM)
    runs = runs_of_raster(classes, (0, 0), way, window, 1)
    for line in range(window.height):
        here = classes[11 + line, 3:67]
        assert said(runs, line, np.arange(3, 67) + 0.5).tolist() == here.tolist()
        changes = 1 + np.flatnonzero(np.diff(here)) + 3
        begins = runs.x[runs.begin[line] : runs.end[line]]
        np.testing.assert_allclose(begins[begins > 3.5], changes, atol=1e-9)
    assert len(way.x) * len(way.y) <= 4


@given(
    st.integers(-40, 40),
    st.integers(-40, 40),
    st.sampled_from((0.5, 1.0, 2.0, 2.5)),
    st.sampled_from((-0.5, 1.0, 4.0)),
    st.integers(0, 999),
)
def test_shifted_and_stretched_grids_by_whole_parts_of_pixels(left: int, top: int, wide: float, high: float, seed: int):
    """What is at each place of a line follows from one floor; places are midway between the borders of pixels."""
    classes = np.random.default_rng(seed).integers(0, 3, (30, 30)).astype(np.uint8)
    onto = Grid(UTM.crs, UTM.transform @ Affine.translation(left / 4, top / 4) @ Affine.scale(wide, high), 30, 30)
    window = Window(0, 0, 24, 24)
    runs = runs_of_raster(classes, (0, 0), lattice(UTM, window, onto), window, 1)
    x = np.arange(0, 24, 0.125) + 0.0625
    for line in range(24):
        col = np.floor((x - left / 4) / wide).astype(int)
        row = int(np.floor((line + 0.4999999 - top / 4) / high))
        other = int(np.floor((line + 0.5000001 - top / 4) / high))
        if row != other:
            continue  # the line runs along a border
        inside = (col >= 0) & (col < 30) & (0 <= row < 30)
        expected = np.where(inside, classes[np.clip(row, 0, 29), np.clip(col, 0, 29)], 0)
        assert said(runs, line, x).tolist() == expected.tolist()


FAR_APART = [
    (north_up("EPSG:3857", 1_000_000, 6_500_000, 500, 512, 512), north_up("EPSG:32632", 4.9e5, 5.6e6, 10)),
    (north_up("EPSG:32632", 4.9e5, 5.6e6, 500, 512, 512), north_up("EPSG:3857", 1_000_000, 6_500_000, 30)),
    (north_up("EPSG:32632", 4.9e5, 5.6e6, 1_000, 300, 700), north_up("EPSG:3035", 4.3e6, 3.2e6, 100)),
    (north_up("EPSG:4326", 9, 50, 0.01, 512, 512), UTM),
    (north_up("EPSG:32632", 4.9e5, 5.6e6, 10, 512, 512), north_up("EPSG:4326", 9, 50, 0.0001)),
]


@pytest.mark.parametrize(("grid", "onto"), FAR_APART)
def test_the_lattice_errs_by_less_than_a_hundredth_of_a_pixel(grid: Grid, onto: Grid) -> None:
    """Anywhere, not only where it looks itself."""
    way = lattice(grid, Window(0, 0, grid.width, grid.height), onto)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, grid.width, 20_000), rng.uniform(0, grid.height, 20_000)
    mesh_x, mesh_y = (
        np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
        for nodes, at in ((way.x, x), (way.y, y))
    )
    right = (x - way.x[mesh_x]) / (way.x[mesh_x + 1] - way.x[mesh_x])
    down = (y - way.y[mesh_y]) / (way.y[mesh_y + 1] - way.y[mesh_y])
    for nodes, exact in zip((way.col, way.row), exact_place(x, y, grid, onto), strict=True):
        upper = nodes[mesh_y, mesh_x] * (1 - right) + nodes[mesh_y, mesh_x + 1] * right
        lower = nodes[mesh_y + 1, mesh_x] * (1 - right) + nodes[mesh_y + 1, mesh_x + 1] * right
        assert np.abs(upper * (1 - down) + lower * down - exact).max() < 0.0101


def test_coarse_pixels_make_the_lattice_denser() -> None:
    onto = north_up("EPSG:4326", 9, 50, 0.0001)
    counts = [
        len(lattice(north_up("EPSG:32632", 5e5, 5.5e6, side, 512, 512), Window(0, 0, 512, 512), onto).x)
        for side in (1, 10, 100, 1_000)
    ]
    assert counts == sorted(counts)
    assert counts[0] < 20
    assert counts[-1] > 200


def test_what_has_no_place_has_no_class_and_takes_none_from_its_neighbours() -> None:
    """Most of a hemisphere in a square: in its corners there is nothing, up to the edge there is."""
    ortho = "+proj=ortho +lat_0=40 +lon_0=10 +ellps=WGS84 +units=m"
    grid = north_up(ortho, -6_000_000, 6_000_000, 24_000, 500, 500)
    onto = north_up("EPSG:4326", -180, 90, 1, 360, 180)
    window = Window(0, 0, 500, 500)
    way = lattice(grid, window, onto)
    runs = runs_of_raster(np.ones((180, 360), np.uint8), (0, 0), way, window, 1)
    x = np.arange(500) + 0.5
    found = np.array([said(runs, line, x) for line in range(500)], dtype=bool)
    distance = np.hypot(*np.meshgrid(x - 250, x - 250)) * 24_000 / 6_378_137
    assert found[distance < 0.985].all()
    assert not found[distance > 1.01].any()


def test_a_raster_of_finer_pixels_is_read_piece_by_piece(
    write_raster: WriteRaster, measured: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geolabel.labels import raster_source as module
    from geolabel.labels.clc import clc_source
    from geolabel.labels.scheme_file import find_scheme

    codes = np.random.default_rng(2).choice([111, 211, 311, 523], (1, 600, 600)).astype(np.uint16)
    path = write_raster("clc.tif", codes, crs="EPSG:32632", transform=Affine(1.7, 0, 5e5, 0, -1.7, 5.6e6))
    whole = measured(clc_source(path, is_raster=True), find_scheme("clc-1"), UTM, size=32)
    monkeypatch.setattr(module, "_MOST_PIXELS", 50_000)
    pieces = measured(clc_source(path, is_raster=True), find_scheme("clc-1"), UTM, size=32)
    np.testing.assert_allclose(pieces.share, whole.share, atol=1e-6)
    counts = [(np.isin(codes, wanted)).mean() for wanted in ([111], [211], [311], [], [523])]
    np.testing.assert_allclose(np.nanmean(whole.share, axis=1), counts, atol=0.01)


@pytest.mark.parametrize("exact", [False, True])
def test_a_slanted_raster_is_read_in_parts_that_fit(
    write_raster: WriteRaster, measured: Measure, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    """Two zones away north is a few degrees aside: a band of the grid is a slanted strip on the raster."""
    from geolabel.labels import raster_source as module
    from geolabel.labels.clc import clc_source
    from geolabel.labels.scheme_file import find_scheme
    from geolabel.raster.read import Reader

    codes = np.random.default_rng(2).choice([111, 211, 311, 523], (1, 70, 70)).astype(np.uint16)
    codes = codes.repeat(8, axis=1).repeat(8, axis=2)
    west, north = -350_000, 5_655_000
    path = write_raster("clc.tif", codes, crs="EPSG:32634", transform=Affine(3, 0, west, 0, -3, north))
    place = Transformer.from_crs("EPSG:32634", "EPSG:32632", always_xy=True).transform(west - 100, north - 300)
    grid = north_up("EPSG:32632", *place, 10, 112, 96)
    whole = measured(clc_source(path, is_raster=True), find_scheme("clc-1"), grid, size=16, exact=exact)
    assert 0.5 < whole.shares.merged.known.mean() < 1
    areas: list[int] = []
    read = Reader.read

    def counted(self: Reader, window: Window):
        areas.append(window.width * window.height)
        return read(self, window)

    source = clc_source(path, is_raster=True)  # which looks at some windows to see what codes there are
    monkeypatch.setattr(module, "_MOST_PIXELS", 4_000)
    monkeypatch.setattr(Reader, "read", counted)
    pieces = measured(source, find_scheme("clc-1"), grid, size=16, exact=exact)
    assert len(areas) > 20
    assert max(areas) <= 4_000
    np.testing.assert_allclose(pieces.share, whole.share, atol=0.003)
    np.testing.assert_allclose(pieces.shares.merged.known, whole.shares.merged.known, atol=0.003)
