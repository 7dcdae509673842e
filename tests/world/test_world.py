"""The synthetic world keeps its promises: same seed same bytes, a true truth, an honest map."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from geolabel.errors import OptionError
from geolabel.world import BANDS, CLASSES, World, make_world

CODE = {one.name: one.code for one in CLASSES}
SIZE_PX = 512


@pytest.fixture(scope="module", params=[7, 11])
def world(request: pytest.FixtureRequest) -> World:
    """One world per seed, large enough to hold some of everything."""
    return make_world(SIZE_PX, seed=request.param)


def share(truth: np.ndarray, name: str) -> float:
    """Share of the scene that is of a class."""
    return float((truth == CODE[name]).mean())


def test_classes_are_numbered_from_one_and_coloured() -> None:
    assert BANDS == ("blue", "green", "red", "nir")
    assert [one.code for one in CLASSES] == list(range(1, 9))
    names = ["forest", "water", "sand", "farmland", "clearing", "road", "residential", "quarry"]
    assert [one.name for one in CLASSES] == names
    assert len({one.color for one in CLASSES}) == 8
    assert all(len(one.color) == 7 and int(one.color[1:], 16) >= 0 for one in CLASSES)
    assert CLASSES[-1].title == "Mine"


def test_same_seed_same_bytes_and_another_seed_other_bytes() -> None:
    first, again, other = make_world(256, 3), make_world(256, 3), make_world(256, 4)
    for date, field in product(("before", "after"), ("image", "truth", "valid", "cloud", "shadow")):
        one, two = getattr(getattr(first, date), field), getattr(getattr(again, date), field)
        assert one.tobytes() == two.tobytes(), (date, field)
    assert first.mapped.tobytes() == again.mapped.tobytes()
    assert first.mapped_class.tobytes() == again.mapped_class.tobytes()
    assert [road.wkb for road in first.roads] == [road.wkb for road in again.roads]
    assert first.before.image.tobytes() != other.before.image.tobytes()


def test_a_scene_too_small_is_refused_with_both_numbers() -> None:
    with pytest.raises(OptionError, match=r"256.*255"):
        make_world(255)


@pytest.mark.parametrize("size_px", [256, 301])
def test_shapes_and_types(size_px: int) -> None:
    world = make_world(size_px, 5)
    for scene in (world.before, world.after):
        assert scene.image.shape == (4, size_px, size_px)
        assert scene.image.dtype == np.uint16
        assert scene.truth.dtype == np.uint8
        assert set(np.unique(scene.truth)) <= set(range(1, 9))
        for mask in (scene.valid, scene.cloud, scene.shadow):
            assert mask.shape == (size_px, size_px)
            assert mask.dtype == np.bool_
    assert world.mapped.shape == (size_px, size_px)
    assert world.mapped.dtype == np.int32
    assert world.mapped_class.dtype == np.uint8


def test_image_is_zero_exactly_outside_the_swath(world: World) -> None:
    for scene in (world.before, world.after):
        assert ((scene.image == 0) == ~scene.valid).all()
        assert 0.003 < (~scene.valid).mean() < 0.05
        assert not (scene.cloud & ~scene.valid).any()
        assert not (scene.shadow & scene.cloud).any()
    assert (world.before.valid != world.after.valid).any()


def test_clouds_are_bright_and_few_and_their_shadows_dark(world: World) -> None:
    for scene in (world.before, world.after):
        assert 0.025 < scene.cloud.mean() < 0.065
        red = scene.image[2]
        clear = scene.valid & ~scene.cloud & ~scene.shadow
        forest = scene.truth == CODE["forest"]
        assert np.median(red[scene.cloud]) > 5 * np.median(red[clear])
        assert np.median(red[scene.shadow & forest]) < 0.9 * np.median(red[clear & forest])
    both = (world.before.cloud & world.after.cloud).sum()
    assert both < 0.5 * world.before.cloud.sum()


def test_only_forest_falls_and_only_fresh_clearings_are_sown(world: World) -> None:
    before, after = world.before.truth, world.after.truth
    changed = before != after
    seen = set(zip(before[changed].tolist(), after[changed].tolist(), strict=True))
    felled = {(CODE["forest"], CODE[to]) for to in ("farmland", "clearing", "quarry", "road")}
    assert seen <= felled | {(CODE["clearing"], CODE["farmland"])}
    assert (CODE["forest"], CODE["quarry"]) in seen
    loss = ((before == CODE["forest"]) & changed).mean()
    assert 0.02 < loss < 0.04
    assert share(after, "quarry") > 1.1 * share(before, "quarry")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("forest", 0.40, 0.85),
        ("water", 0.02, 0.16),
        ("sand", 0.003, 0.07),
        ("farmland", 0.05, 0.40),
        ("clearing", 0.001, 0.06),
        ("road", 0.001, 0.03),
        ("residential", 0.001, 0.05),
        ("quarry", 0.003, 0.08),
    ],
)
def test_every_class_has_a_plausible_share(world: World, name: str, low: float, high: float) -> None:
    assert low < share(world.before.truth, name) < high


def test_the_map_is_incomplete_and_mostly_right(world: World) -> None:
    said = world.mapped_class[world.mapped]
    truth = world.before.truth
    found = total = 0
    for name in ("water", "sand", "farmland", "clearing", "residential", "quarry"):
        number, count = ndimage.label(truth == CODE[name])
        every = np.arange(1, count + 1)
        size = ndimage.sum_labels(np.ones_like(truth), number, every)
        known = ndimage.sum_labels((said != 0) & (said != CODE["forest"]), number, every)
        big = size >= 12
        found += int((known[big] > 0.4 * size[big]).sum())
        total += int(big.sum())
    assert total > 20
    assert 0.40 < found / total < 0.85
    drawn = said != 0
    assert 0.75 < (said[drawn] == truth[drawn]).mean() < 0.99


def test_the_map_numbers_its_objects_and_lays_out_its_roads(world: World) -> None:
    assert world.mapped_class[0] == 0
    assert (world.mapped_class[1:] > 0).all()
    assert world.mapped.min() == 0
    assert world.mapped.max() < len(world.mapped_class)
    assert len(world.roads) >= 2
    hits = []
    near_road = ndimage.binary_dilation(world.before.truth == CODE["road"], iterations=4)
    for road in world.roads:
        col, row = np.array(road.coords).astype(int).T
        inside = (col >= 0) & (row >= 0) & (col < SIZE_PX) & (row < SIZE_PX)
        hits.append(near_road[row[inside], col[inside]])
    # The rest runs where a village, a mine or the river lies over the road.
    assert np.concatenate(hits).mean() > 0.6


def test_sand_and_mines_overlap_in_red_but_forest_does_not(world: World) -> None:
    scene = world.before
    clear = scene.valid & ~scene.cloud & ~scene.shadow
    bins = np.linspace(0, 5000, 26)

    def red(name: str) -> np.ndarray:
        count, _ = np.histogram(scene.image[2][clear & (scene.truth == CODE[name])], bins)
        return np.asarray(count / count.sum())

    # Overlap of two histograms: 1 where they are the same, 0 where they share no bin.
    assert np.minimum(red("sand"), red("quarry")).sum() > 0.35
    assert np.minimum(red("sand"), red("forest")).sum() < 0.15


def test_reflectance_is_that_of_amazonia(world: World) -> None:
    scene = world.before
    clear = scene.valid & ~scene.cloud & ~scene.shadow
    # Median reflectance, percent: blue, green, red, nir.
    expected = {
        "forest": ((1, 5), (2, 6), (1, 5), (22, 38)),
        "water": ((3, 9), (5, 12), (5, 13), (2, 10)),
        "sand": ((9, 25), (12, 30), (15, 36), (15, 45)),
        "quarry": ((6, 22), (8, 28), (10, 34), (10, 42)),
    }
    for name, ranges in expected.items():
        median = np.median(scene.image[:, clear & (scene.truth == CODE[name])], axis=1) / 100
        for value, (low, high) in zip(median, ranges, strict=True):
            assert low < value < high, (name, median)


def test_ground_that_did_not_change_looks_alike_at_both_dates(world: World) -> None:
    clear = world.before.valid & world.after.valid
    for scene in (world.before, world.after):
        near = ndimage.binary_dilation(scene.cloud | scene.shadow, iterations=6)
        clear = clear & ~near
    same = clear & (world.before.truth == world.after.truth)
    red = [np.log(scene.image[2][same].astype(float)) for scene in (world.before, world.after)]
    assert np.corrcoef(red)[0, 1] > 0.9
