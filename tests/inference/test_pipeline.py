"""Prediction of whole regions, against a literal transcription that holds everything in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from geolabel import raster
from geolabel.grid import Window
from geolabel.inference import (
    LEVELS,
    Look,
    Places,
    Plan,
    blended,
    cut,
    dump_answers,
    make_plan,
    predict_shards,
    read_answers,
    rows_at_once,
    write_answers,
)
from geolabel.inference.blend import blend, ramp
from geolabel.inference.refine import refined

CLASSES = 3
HALF_A_LEVEL = 0.5 / LEVELS + 1e-6


class Reader:
    """Pixels in memory, which counts how often each of them is read."""

    def __init__(self, pixels: np.ndarray, valid: np.ndarray) -> None:
        self.pixels, self.valid = pixels, valid
        self.count = np.zeros(valid.shape, dtype=int)

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        part = np.s_[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]
        assert self.valid[part].shape == (window.height, window.width), "reads beyond the region"
        self.count[part] += 1
        return self.pixels[:, *part], self.valid[part]


def forward(chips: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """A network of a kind: three numbers of each chip, which depend on where its pixels lie."""
    assert valid.any(axis=(1, 2)).all(), "a tile without a valid pixel was forwarded"
    seen = np.where(valid[:, None], chips, 0).astype(float)
    slope = np.arange(chips.shape[-1]) / chips.shape[-1]
    means = np.stack([seen.mean(axis=(1, 2, 3)), (seen * slope).mean(axis=(1, 2, 3)), seen.max(axis=(1, 2, 3))], axis=1)
    return (means / 255).astype(np.float32)


@dataclass
class Tiles:
    """Cuts the tiles out of a strip, one by one."""

    plan: Plan
    network: Callable[[np.ndarray, np.ndarray], np.ndarray] = forward
    halo: int = 0
    lattice: int = 1
    span: int = 512

    def __call__(self, pixels, valid, rows, cols) -> np.ndarray:
        assert pixels.shape[1:] == valid.shape
        assert min(rows.min(), cols.min()) >= self.halo, "the halo is missing"
        high, wide = self.plan.tile_height, self.plan.tile_width
        assert rows.max() + high + self.halo <= len(valid)
        assert cols.max() + wide + self.halo <= valid.shape[1]
        assert len(np.unique(rows % self.lattice)) == 1
        parts = [np.s_[row : row + high, col : col + wide] for row, col in zip(rows, cols, strict=True)]
        return self.network(np.stack([pixels[:, *part] for part in parts]), np.stack([valid[part] for part in parts]))

    def map(self, pixels, valid) -> np.ndarray:
        """What is seen at a place: the first pixel behind the halo."""
        halo, step = self.halo, self.lattice
        assert all((side - 2 * halo) % step == 0 for side in valid.shape)
        inner = pixels[:, halo : pixels.shape[1] - halo : step, halo : pixels.shape[2] - halo : step]
        return np.repeat(inner[:1] / np.float32(255), CLASSES, axis=0).astype(np.float32)


def whole(
    reader,
    plan: Plan,
    answer,
    classes: int = CLASSES,
    *,
    size=(10_240, 2_048),
    block=(512, 512),
    inside=None,
    places=None,
):
    """Probabilities (classes, height, width) and validity of a region."""
    shards = cut(plan, block, size)
    look = Look(places, answer.map) if places else None
    parts = predict_shards(reader, plan, shards, answer, classes, block=block[1], inside=inside, look=look)
    found = {shard.number: answers for shard, answers in parts}
    parts = list(blended(plan, shards, lambda shard: found[shard.number], classes, places=places))
    ends = np.cumsum([len(part.valid) for part in parts])
    assert [part.row_off for part in parts] == [0, *ends[:-1].tolist()]
    levels = np.concatenate([part.levels for part in parts], axis=1)
    return levels / np.float32(LEVELS), np.concatenate([part.valid for part in parts])


def literal(pixels: np.ndarray, valid: np.ndarray, plan: Plan, inside: np.ndarray | None = None) -> np.ndarray:
    """What the pipeline is meant to compute: weighted mean over the tiles of each pixel, in float64."""
    seen, shown = valid, valid if inside is None else valid & inside
    more = ((0, max(0, plan.tile_height - plan.height)), (0, max(0, plan.tile_width - plan.width)))
    pixels = np.pad(pixels, ((0, 0), *more), mode="symmetric")
    seen, shown = np.pad(seen, more, mode="symmetric"), np.pad(shown, more, mode="symmetric")
    total, weight = np.zeros((CLASSES, *seen.shape)), np.zeros(seen.shape)
    down, across = (
        1 - np.abs(np.arange(size) + 0.5 - size / 2) / (size / 2) for size in (plan.tile_height, plan.tile_width)
    )
    for row in plan.rows:
        for col in plan.cols:
            part = np.s_[row : row + plan.tile_height, col : col + plan.tile_width]
            share = seen[part].mean()
            if not shown[part].any():
                continue
            probability = forward(pixels[:, *part][None], seen[part][None])[0]
            blend = share * np.outer(down, across)
            total[:, *part] += blend * probability[:, None, None]
            weight[part] += blend
    with np.errstate(invalid="ignore"):
        return (total / weight)[:, : plan.height, : plan.width]


def scene(seed: int, height: int, width: int, share_valid: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    blocks = rng.random((-(-height // 5), -(-width // 5))) < share_valid
    valid = np.kron(blocks, np.ones((5, 5), dtype=bool))[:height, :width]
    return rng.integers(0, 256, (2, height, width), dtype=np.uint8), valid


shapes = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
blocks = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(st.integers(0, 9_999), shapes, sizes, blocks, st.booleans(), st.data())
def test_the_result_is_the_literal_one(seed: int, shape, size, block, with_area: bool, data) -> None:
    """Whatever the shards, the blocks of the file, and the halo that the network wants."""
    height, width, tile_width, tile_height = shape
    stride = data.draw(st.none() | st.integers(1, min(shape[2:])))
    plan = make_plan(width, height, (tile_width, tile_height), stride)
    pixels, valid = scene(seed, height, width)
    area = np.add.outer(np.arange(height), np.arange(width)) % 17 > 5 if with_area else None
    reader = Reader(pixels, valid)

    def inside(window: Window) -> np.ndarray:
        assert area is not None
        return area[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]

    halo, lattice, span = data.draw(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(1, 60)))
    answer = Tiles(plan, halo=halo, lattice=lattice, span=span)
    found, found_valid = whole(reader, plan, answer, size=size, block=block, inside=inside if with_area else None)
    seen = valid if area is None else valid & area
    np.testing.assert_array_equal(found_valid, seen)
    expected = literal(pixels, valid, plan, area)
    assert np.isfinite(expected[:, seen]).all(), "every valid pixel is covered"
    np.testing.assert_allclose(found[:, seen], expected[:, seen], atol=HALF_A_LEVEL)
    assert np.isfinite(found).all()


@given(st.integers(0, 9_999), shapes, st.floats(0, 1, width=32), st.data())
def test_weights_sum_to_one(seed: int, shape, value: float, data) -> None:
    """A network that always says the same gives a map that says the same everywhere."""
    height, width, tile_width, tile_height = shape
    plan = make_plan(width, height, (tile_width, tile_height), data.draw(st.none() | st.integers(1, min(shape[2:]))))
    pixels, valid = scene(seed, height, width, 0.5)
    same = Tiles(plan, lambda chips, _: np.full((len(chips), 1), value, np.float32))
    found, _ = whole(Reader(pixels, valid), plan, same, 1)
    np.testing.assert_allclose(found[0, valid], value, atol=HALF_A_LEVEL)
    answers = np.full((len(plan.rows), len(plan.cols), 1), value, np.float32)
    shares = np.full(answers.shape[:2], 1 / 3, np.float32)
    np.testing.assert_allclose(blend(plan, Window(0, 0, width, height), answers, shares), value, rtol=2e-6, atol=1e-37)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 60), sizes, blocks, st.data())
def test_shards_are_a_partition_of_pixels_and_tiles(width: int, height: int, tile: int, size, block, data) -> None:
    plan = make_plan(width, height, (tile, tile), data.draw(st.none() | st.integers(1, tile)))
    shards = cut(plan, block, size)
    pixels = np.zeros((height, width), int)
    tiles = np.zeros((len(plan.rows), len(plan.cols)), int)
    for number, shard in enumerate(shards):
        assert shard.number == number
        core = shard.core
        pixels[core.row_off : core.row_off + core.height, core.col_off : core.col_off + core.width] += 1
        tiles[shard.rows, shard.cols] += 1
        assert tiles[shard.rows, shard.cols].size, "a shard without a tile"
        for first, step in ((core.col_off, block[0]), (core.row_off, block[1])):
            assert first % step == 0, "a shard begins within a block"
    assert (pixels == 1).all()
    assert (tiles == 1).all()


def test_each_pixel_is_read_once_within_a_shard() -> None:
    pixels, valid = scene(3, 700, 90)
    reader = Reader(pixels, valid)
    plan = make_plan(90, 700, (16, 16), 5)
    assert len(cut(plan)) == 1
    whole(reader, plan, Tiles(plan, span=40), block=(90, 7))
    assert (reader.count == 1).all()


def test_what_is_outside_the_area_is_not_read() -> None:
    pixels, valid = scene(4, 600, 600, 1.0)
    reader = Reader(pixels, valid)
    area = np.zeros((600, 600), dtype=bool)
    area[310:320, 400:420] = True
    plan = make_plan(600, 600, (16, 16), 16)

    def inside(window: Window) -> np.ndarray:
        return area[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]

    _, shown = whole(reader, plan, Tiles(plan, span=16), block=(16, 16), size=(160, 160), inside=inside)
    np.testing.assert_array_equal(shown, area)
    assert reader.count.sum() <= 256 * 48, "more than a block row of the tiles' columns"


def test_a_blend_of_two_tiles_by_hand() -> None:
    """Tiles of four columns at 0 and 2 say 0 and 1; weights along a tile are 1/4, 3/4, 3/4, 1/4."""
    np.testing.assert_allclose(ramp(4), [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(ramp(3), [1 / 3, 1, 1 / 3])
    plan = Plan(6, 1, 4, 1, 2, np.array([0, 2]), np.array([0]))
    reader = Reader(np.zeros((1, 1, 6), dtype=np.uint8), np.ones((1, 6), dtype=bool))
    found, _ = whole(reader, plan, Tiles(plan, lambda _, __: np.array([[0], [1]], dtype=np.float32)), 1)
    np.testing.assert_allclose(found[0, 0], [0, 0, 0.25, 0.75, 1, 1], atol=HALF_A_LEVEL)


def test_tiles_without_a_valid_pixel_are_not_forwarded() -> None:
    pixels, valid = np.ones((1, 40, 40), dtype=np.uint8), np.zeros((40, 40), dtype=bool)
    valid[:10, :10] = True
    chips_seen = 0

    def count(chips: np.ndarray, chip_valid: np.ndarray) -> np.ndarray:
        nonlocal chips_seen
        chips_seen += len(chips)
        return forward(chips, chip_valid)

    plan = make_plan(40, 40, (10, 10), 10)
    found, _ = whole(Reader(pixels, valid), plan, Tiles(plan, count))
    assert chips_seen == 1
    assert (found[:, ~valid] == 0).all()
    nothing, seen = whole(Reader(pixels, valid & False), plan, Tiles(plan, count))
    assert chips_seen == 1
    assert not seen.any()
    assert np.isfinite(nothing).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 50), (50, 3), (7, 7)])
@pytest.mark.parametrize("halo", [0, 5])
def test_a_region_smaller_than_a_tile_is_mirrored(width: int, height: int, halo: int) -> None:
    pixels, valid = scene(1, height, width, 1.0)
    shapes_seen = set()

    def look(chips: np.ndarray, chip_valid: np.ndarray) -> np.ndarray:
        shapes_seen.add((chips.shape[1:], chip_valid.shape[1:]))
        assert set(np.unique(chips)) <= set(np.unique(pixels))
        return forward(chips, chip_valid)

    plan = make_plan(width, height, (16, 16), None)
    found, _ = whole(Reader(pixels, valid), plan, Tiles(plan, look, halo=halo))
    assert found.shape == (CLASSES, height, width)
    assert shapes_seen == {((2, 16, 16), (16, 16))}


@given(st.integers(0, 9_999), st.integers(16, 90), st.integers(16, 90), st.integers(0, 6), sizes, blocks)
def test_outlines_are_refined_by_the_nearest_places(seed: int, height: int, width: int, halo: int, size, block) -> None:
    """The lower of both probabilities; between places along straight lines, as SciPy draws them."""
    step, places = 4, Places(4, 1.5)
    pixels, valid = scene(seed, height, width, 1.0)
    plan = make_plan(width, height, (8, 8), 4)
    answer = Tiles(plan, halo=4 * halo, lattice=step)
    found, _ = whole(Reader(pixels, valid), plan, answer, size=size, block=block, places=places)
    plain, _ = whole(Reader(pixels, valid), plan, answer)
    seen = pixels[0, : height // step * step : step, : width // step * step : step] / 255
    rows, cols = (np.clip((np.arange(side) - 1) / step, 0, side // step - 1) for side in (height, width))
    local = map_coordinates(seen, np.meshgrid(rows, cols, indexing="ij"), order=1)
    np.testing.assert_allclose(found, np.minimum(plain, local[None]), atol=2 * HALF_A_LEVEL + 1e-5)


def test_refined_classes_of_which_one_is_there_sum_to_one() -> None:
    blended_, local = np.array([[0.6], [0.4], [0.9]])[..., None], np.array([[0.2], [0.8], [0.5]])[..., None]
    both = refined(blended_.astype(np.float32), local.astype(np.float32), [slice(0, 2)])[:, 0, 0]
    np.testing.assert_allclose(both, [0.12 / 0.44, 0.32 / 0.44, 0.5], rtol=1e-6)
    unseen = np.full_like(local, np.nan, np.float32)
    np.testing.assert_allclose(refined(blended_.astype(np.float32), unseen, [slice(0, 2)]), blended_, rtol=1e-6)


def test_an_area_in_the_overhang_of_a_shard() -> None:
    """Only tiles of the shard before reach it: the shard shows nothing of it, and reads nothing."""
    pixels, valid = scene(6, 250, 260, 1.0)
    plan = make_plan(260, 250, (100, 100), 50)
    area = np.zeros((250, 260), dtype=bool)
    area[129:132, 129:132] = True

    def inside(window: Window) -> np.ndarray:
        return area[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]

    for size in ((64, 64), (128, 128), (260, 250)):
        found, shown = whole(Reader(pixels, valid), plan, Tiles(plan), size=size, block=(32, 32), inside=inside)
        np.testing.assert_array_equal(shown, area)
        expected = literal(pixels, valid, plan, area)
        np.testing.assert_allclose(found[:, area], expected[:, area], atol=HALF_A_LEVEL)


def test_rows_at_once_are_fewer_where_the_region_is_wide() -> None:
    assert [rows_at_once(width) for width in (100, 10_240, 10_241, 40_000, 10**7)] == [512, 512, 256, 128, 16]


def test_an_error_of_the_reader_reaches_whoever_waits() -> None:
    class Broken:
        def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
            raise OSError("the cable")

    plan = make_plan(40, 40, (10, 10), 10)
    with pytest.raises(OSError, match="the cable"):
        whole(Broken(), plan, Tiles(plan))


def test_answers_come_back_from_their_file(tmp_path: Path) -> None:
    from geolabel.errors import InputError

    pixels, valid = scene(5, 50, 61)
    plan = make_plan(61, 50, (8, 8), 3)
    shards = cut(plan, (8, 8), (30, 30))
    for shard, answers in predict_shards(Reader(pixels, valid), plan, shards, Tiles(plan), CLASSES):
        path = tmp_path / f"{shard.number}.npz"
        write_answers(path, dump_answers(answers, "a"))
        back = read_answers(path, plan, shard, CLASSES, "a")
        for name in ("probabilities", "shares", "shown"):
            np.testing.assert_array_equal(getattr(back, name), getattr(answers, name))
        core = shard.core
        part = valid[core.row_off : core.row_off + core.height, core.col_off : core.col_off + core.width]
        np.testing.assert_array_equal(back.shown_rows(0, core.height, core.width), part)
    with pytest.raises(InputError, match="predict the shard again"):
        read_answers(tmp_path / "0.npz", plan, shards[-1], CLASSES, "a")
    with pytest.raises(InputError, match="is of another prediction"):
        read_answers(path, plan, shard, CLASSES, "b")
    whole_file = path.read_bytes()
    for at in range(0, len(whole_file) - 1, 37):  # a disk that forgot some bytes
        path.write_bytes(whole_file[:at] + bytes(20) + whole_file[at + 20 :])
        with suppress(InputError):
            read_answers(path, plan, shard, CLASSES, "a")
    path.write_bytes(whole_file[:-20])
    with pytest.raises(InputError, match="predict the shard again"):
        read_answers(path, plan, shard, CLASSES, "a")


def test_a_real_raster_is_predicted_as_if_it_were_in_memory(shared_data: Path) -> None:
    info = raster.describe(shared_data / "pucallpa-landsat" / "2020.tif")
    plan = make_plan(info.width, info.height, (64, 48), 40)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
        found, found_valid = whole(reader, plan, Tiles(plan), size=(256, 128), block=(128, 64))
    np.testing.assert_array_equal(found_valid, valid)
    expected = literal(pixels, valid, plan)
    np.testing.assert_allclose(found[:, valid], expected[:, valid], atol=HALF_A_LEVEL)
