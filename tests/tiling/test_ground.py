"""Where tiles may lie, and how they are drawn: laws over little rasters whose every corner can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geolabel import raster
from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid
from geolabel.tiling.annulus import draw_in_rings
from geolabel.tiling.coverage import Coverage
from geolabel.tiling.field import Field
from geolabel.tiling.ground import Ground
from geolabel.tiling.places import Places
from tests.conftest import UTM

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(8, 70)


def described(width: int, height: int, name: str = "made.tif", shift: float = 0.0) -> raster.RasterInfo:
    """A raster that is only described: nothing of it is read where all of it is valid."""
    grid = Grid("EPSG:32631", UTM @ type(UTM).translation(shift, 0), width, height)
    band = raster.Band(1, "red")
    return raster.RasterInfo(Path(name), width, height, (band,), "uint8", None, "none", False, grid, (16, 16))


def over(info: raster.RasterInfo, size: int, valid: np.ndarray, min_valid: float) -> Ground:
    """Ground of a raster whose validity is given pixel by pixel."""
    field = Field(info, size, min_valid, Coverage.from_map(valid, info.width, info.height), None)
    return Ground._over(size, [field])


def corners(ground: Ground) -> set[tuple[int, int, int]]:
    """All allowed corners, tried one by one."""
    found = set()
    for number, info in enumerate(ground.infos):
        cols, rows = np.meshgrid(np.arange(-1, info.width + 1), np.arange(-1, info.height + 1))
        places = Places(np.full(cols.size, number), cols.ravel(), rows.ravel())
        found |= listed(places.take(ground.allows(places)))
    return found


def listed(places: Places) -> set[tuple[int, int, int]]:
    return set(zip(places.source.tolist(), places.col.tolist(), places.row.tolist(), strict=True))


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3), st.integers(1, 8), SEEDS)
def test_every_tile_lies_wholly_on_its_raster(sides, size: int, seed: int) -> None:
    ground = Ground.of([described(*side) for side in sides], size)
    places = ground.random(200, np.random.default_rng(seed))
    width, height = np.array(sides)[places.source].T
    assert len(places) == 200
    assert ((places.col >= 0) & (places.col + size <= width)).all()
    assert ((places.row >= 0) & (places.row + size <= height)).all()


@given(SIDES, SIDES, st.integers(1, 8), st.floats(0.05, 1), SEEDS)
def test_every_tile_is_valid_enough_and_every_valid_tile_is_among_the_cells(width, height, size, least, seed) -> None:
    rng = np.random.default_rng(seed)
    valid = rng.random((height, width)) < rng.random()
    ground = over(described(width, height), size, valid, least)
    windows = np.lib.stride_tricks.sliding_window_view(valid, (size, size)).mean(axis=(2, 3))
    rows, cols = np.nonzero(windows >= least - 1e-9)
    wanted = {(0, col, row) for col, row in zip(cols.tolist(), rows.tolist(), strict=True)}
    assert corners(ground) == wanted
    assert ground.is_empty() == (not wanted)
    if wanted:
        assert listed(ground.random(300, rng)) <= wanted


@given(SIDES, SIDES, SEEDS)
def test_shares_between_cells_are_those_of_the_map_drawn_large(width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.random((height, width)) < 0.5
    fine = np.kron(coarse, np.ones((3, 3)))
    coverage = Coverage.from_map(coarse, 3 * width, 3 * height)
    left, top = rng.integers(0, (3 * width - 7, 3 * height - 5), size=(20, 2)).T
    direct = [fine[row : row + 5, col : col + 7].mean() for col, row in zip(left, top, strict=True)]
    assert np.allclose(coverage.share(left, top, left + 7, top + 5), direct)


def test_large_rasters_are_drawn_from_evenly_too(write_raster) -> None:
    """Cells of several corners: a wedge of nodata; the share of tiles in the left half is that of its corners."""
    side, size = 1500, 32
    valid = np.add.outer(np.arange(side), np.arange(side)) > side
    path = write_raster("wedge.tif", (valid[None] * 9).astype(np.uint8), nodata=0)
    ground = Ground.of([raster.describe(path)], size, min_valid=0.9)
    places = ground.random(40_000, np.random.default_rng(0))
    windows = np.lib.stride_tricks.sliding_window_view(valid.cumsum(0).cumsum(1), (1, 1))[..., 0, 0]
    summed = np.pad(windows, ((1, 0), (1, 0)))
    share = summed[size:, size:] - summed[size:, :-size] - summed[:-size, size:] + summed[:-size, :-size]
    allowed = share >= 0.9 * size**2
    left = allowed[:, : allowed.shape[1] // 2].sum() / allowed.sum()
    assert abs((places.col < allowed.shape[1] // 2).mean() - left) < 0.01
    assert (share[places.row, places.col] >= 0.85 * size**2).all(), "looked at in 16 × 16 places: a little off"


def test_all_corners_of_all_rasters_are_equally_likely() -> None:
    ground = Ground.of([described(10, 9), described(7, 5), described(4, 4)], 4)
    places = ground.random(42_000, np.random.default_rng(1))
    counts = np.unique(np.column_stack([places.source, places.col, places.row]), axis=0, return_counts=True)[1]
    assert len(counts) == 7 * 6 + 4 * 2 + 1
    assert stats.chisquare(counts).pvalue > 0.01


@given(SEEDS)
def test_the_same_seed_gives_the_same_places(seed: int) -> None:
    ground = Ground.of([described(300, 200), described(250, 250)], 8)

    def draw() -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        rings = {"positive": (8, 40), "negative": (80, 150)}
        drawn = [ground.random(50, rng), ground.clusters(50, 5, 20, rng, 0.2), *ground.triplets(50, rng, **rings)]
        return [np.column_stack([places.source, places.col, places.row]) for places in drawn]

    assert all(map(np.array_equal, draw(), draw()))


def test_tiles_touch_the_area_of_interest(tmp_path: Path) -> None:
    info = described(60, 40)
    x, y = info.place.xy(np.array([20.5, 30.0, 35.0]), np.array([10.0, 25.0, 12.0]))
    triangle = shapely.Polygon(np.column_stack([x, y]))
    path = tmp_path / "aoi.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    feature = f'{{"type": "Feature", "properties": {{}}, "geometry": {shapely.to_geojson(triangle)}}}'
    path.write_text(
        f'{{"type": "FeatureCollection", "crs": {str(crs).replace(chr(39), chr(34))}, "features": [{feature}]}}'
    )
    ground = Ground.of([info], 6, aoi=path)
    cols, rows = np.meshgrid(np.arange(55), np.arange(35))
    boxes = info.place.boxes(cols.ravel(), rows.ravel(), 6, 6)
    touched = shapely.intersects(boxes, triangle)
    wanted = {(0, col, row) for col, row in zip(cols.ravel()[touched], rows.ravel()[touched], strict=True)}
    assert corners(ground) == wanted
    assert listed(ground.random(20_000, np.random.default_rng(0))) == wanted


@given(SIDES, SIDES, st.floats(0, 20), st.floats(0, 30), SEEDS)
def test_rings_are_kept(width: int, height: int, low: float, more: float, seed: int) -> None:
    ground, rng = Ground.of([described(width, height)], 4), np.random.default_rng(seed)
    centres = ground.random(60, rng)
    places, found = ground.around(centres, low, low + more, rng)
    distance = np.hypot(places.col - centres.col, places.row - centres.row)
    assert ((distance >= low) & (distance <= low + more))[found].all()
    assert ground.allows(places).all()
    assert (distance[~found] == 0).all()


def test_what_is_not_found_is_not_there() -> None:
    """Thin rings, and rings that all but one corner of the raster lies outside of."""
    ground = Ground.of([described(30, 30)], 4)
    centres = Places(*(np.array(values) for values in ([0, 0, 0], [0, 13, 2], [0, 13, 13])))
    for low, high, wanted in (
        (33, 37, [True, False, False]),
        (5, 5, [True, True, True]),
        (19, 25, [True, False, True]),
    ):
        assert ground.around(centres, low, high, np.random.default_rng(0))[1].tolist() == wanted


@pytest.mark.parametrize(("low", "high"), [(96, 480), (960, 2400), (0, 40)])
def test_rings_are_even_in_area(low: float, high: float) -> None:
    """On open ground the squared distance is uniform, and so is the angle."""
    ground, rng = Ground.of([described(10_000, 10_000)], 96), np.random.default_rng(4)
    centre = Places(np.zeros(20_000, np.int64), np.full(20_000, 5000), np.full(20_000, 5000))
    places, found = ground.around(centre, low, high, rng)
    col, row = places.col - 5000, places.row - 5000
    assert found.all()
    squared = (np.hypot(col, row) + rng.uniform(-0.5, 0.5, len(col))) ** 2
    assert stats.kstest(squared, stats.uniform(low**2, high**2 - low**2).cdf).pvalue > 1e-3
    angle = np.arctan2(row + rng.uniform(-0.5, 0.5, len(row)), col + rng.uniform(-0.5, 0.5, len(col)))
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("low", "high"), [(2, 5), (4, 4.5), (3, 40)])
def test_every_corner_of_a_ring_is_equally_likely_also_at_the_edge(low: float, high: float) -> None:
    ground, at = Ground.of([described(24, 20)], 5), (3, 12)
    centres = Places(*(np.full(40_000, value) for value in (0, *at)))
    places, found = ground.around(centres, low, high, np.random.default_rng(2))
    cols, rows = np.meshgrid(np.arange(20), np.arange(16))
    distance = np.hypot(cols - at[0], rows - at[1])
    counts = np.zeros((16, 20), int)
    np.add.at(counts, (places.row, places.col), 1)
    inside = (distance >= low) & (distance <= high)
    assert found.all()
    assert not counts[~inside].any()
    assert stats.chisquare(counts[inside]).pvalue > 1e-3


def test_one_try_in_a_ring_by_hand() -> None:
    """From the corner of a raster of 3 × 1 corners, exactly 2 px away: only (2, 0)."""
    zeros = np.zeros(500, np.int64)
    col, row, there = draw_in_rings(zeros, zeros, zeros + 2, zeros, 2, 2, np.random.default_rng(0))
    assert there.any()
    assert set(zip(col[there].tolist(), row[there].tolist(), strict=True)) == {(2, 0)}


@given(st.integers(1, 3), SEEDS)
def test_triplets_keep_both_rings(negatives: int, seed: int) -> None:
    ground = Ground.of([described(120, 90), described(30, 30)], 6)
    rng = np.random.default_rng(seed)
    anchors, near, far = ground.triplets(80, rng, positive=(6, 12), negative=(40, 70), negatives=negatives)
    assert (len(anchors), len(near), len(far)) == (80, 80, 80 * negatives)
    repeated = anchors.take(np.repeat(np.arange(80), negatives))
    for one, other, low, high in ((anchors, near, 6, 12), (repeated, far, 40, 70)):
        distance = np.hypot(one.col - other.col, one.row - other.row)
        assert ((distance >= low) & (distance <= high)).all()
        assert (one.source == other.source).all()
        assert ground.allows(other).all()
    assert (anchors.source == 0).all(), "the second raster is too small for the negatives"


def test_ground_that_is_too_small_for_the_negatives_is_refused_with_its_size() -> None:
    ground, rng = Ground.of([described(697, 377)], 96), np.random.default_rng(0)
    says = r"negatives are to lie 960–2400 px away, but the raster is 697 × 377 px: lower --min-neg-dist"
    with pytest.raises(EmptyError, match=says):
        ground.triplets(4, rng, positive=(96, 480), negative=(960, 2400))
    with pytest.raises(OptionError, match="positives cannot lie 5–4 px away"):
        ground.triplets(4, rng, positive=(5, 4), negative=(960, 2400))
    with pytest.raises(OptionError, match="at least one negative"):
        ground.triplets(4, rng, positive=(1, 4), negative=(4, 5), negatives=0)


def test_anchors_without_negatives_are_refused_with_their_number() -> None:
    """Two valid islands, 20 px apart, and negatives that would lie between them."""
    valid = np.zeros((20, 60), dtype=bool)
    valid[:, :10] = valid[:, 50:] = True
    ground = over(described(60, 20), 8, valid, 1.0)
    with pytest.raises(
        EmptyError, match="negatives are to lie 20–30 px away, but 0 of [0-9]+ tiles have such; lower --min-neg-dist"
    ):
        ground.triplets(5, np.random.default_rng(0), positive=(1, 5), negative=(20, 30))


@given(st.integers(0, 60), st.integers(1, 9), st.floats(0, 1), SEEDS)
def test_a_walk_stays_near_the_first_of_its_cluster(count: int, per: int, reset: float, seed: int) -> None:
    ground, rng = Ground.of([described(400, 300), described(90, 90)], 8), np.random.default_rng(seed)
    places = ground.clusters(count, per, 12, rng, reset)
    assert len(places) == count
    assert ground.allows(places).all()
    if reset == 0:
        first = places.take(np.arange(count) // per * per)
        assert (first.source == places.source).all()
        assert (np.hypot(first.col - places.col, first.row - places.row) <= 12).all()


def test_reset_turns_clusters_into_independent_tiles() -> None:
    ground = Ground.of([described(10_000, 10_000)], 8)
    near = []
    for reset in (0.0, 0.5, 1.0):
        places = ground.clusters(4_000, 16, 40, np.random.default_rng(3), reset)
        step = np.hypot(np.diff(places.col), np.diff(places.row))
        near.append((step <= 80).mean())
    assert near[0] == pytest.approx(15 / 16, abs=0.01)
    assert near[1] == pytest.approx(0.5, abs=0.03)
    assert near[2] < 0.01


def test_tiles_that_have_no_neighbour_lie_anywhere() -> None:
    """Islands of one corner each: nothing else lies within reach."""
    valid = np.zeros((30, 30), dtype=bool)
    for at in (0, 12, 24):
        valid[at : at + 4, at : at + 4] = True
    ground = over(described(30, 30), 4, valid, 1.0)
    assert listed(ground.clusters(200, 10, 3, np.random.default_rng(0))) == {(0, 0, 0), (0, 12, 12), (0, 24, 24)}
    with pytest.raises(OptionError, match="at least 1 tile"):
        ground.clusters(5, 0, 3, np.random.default_rng(0))


def test_nowhere_is_refused_with_the_reason(write_raster) -> None:
    with pytest.raises(EmptyError, match="of 2 rasters the largest is 30 × 20 px; lower --size"):
        Ground.of([described(30, 20), described(90, 10)], 32)
    empty = write_raster("empty.tif", np.zeros((1, 40, 40), np.uint8), nodata=0)
    with pytest.raises(EmptyError, match="lack valid pixels; lower --min-valid"):
        Ground.of([raster.describe(empty)], 8)
    with pytest.raises(OptionError, match="at least 1 px"):
        Ground.of([described(30, 20)], 0)
