"""Prediction of whole regions, against a literal transcription that holds everything in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import raster
from geolabel.grid import Window
from geolabel.inference import LEVELS, Plan, Rows, make_plan, predict_rows, realign
from geolabel.inference.blend import Blender, ramp

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


def joined(parts) -> tuple[np.ndarray, np.ndarray]:
    """All rows of a region as one array; they must follow each other without a gap."""
    parts = list(parts)
    ends = np.cumsum([len(part.valid) for part in parts])
    assert [part.row_off for part in parts] == [0, *ends[:-1].tolist()]
    levels = np.concatenate([part.levels for part in parts], axis=1)
    return levels / np.float32(LEVELS), np.concatenate([part.valid for part in parts])


def scene(seed: int, height: int, width: int, share_valid: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    blocks = rng.random((-(-height // 5), -(-width // 5))) < share_valid
    valid = np.kron(blocks, np.ones((5, 5), dtype=bool))[:height, :width]
    return rng.integers(0, 256, (2, height, width), dtype=np.uint8), valid


shapes = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))


@given(st.integers(0, 9_999), shapes, st.booleans(), st.data())
def test_the_result_is_the_literal_one(seed: int, shape, with_area: bool, data) -> None:
    height, width, tile_width, tile_height = shape
    plan = make_plan(width, height, (tile_width, tile_height), data.draw(st.none() | st.integers(1, min(shape[2:]))))
    pixels, valid = scene(seed, height, width)
    area = np.add.outer(np.arange(height), np.arange(width)) % 17 > 5 if with_area else None
    reader = Reader(pixels, valid)

    def inside(window: Window) -> np.ndarray:
        assert area is not None
        return area[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]

    rows = predict_rows(reader, plan, forward, CLASSES, inside=inside if with_area else None)
    found, found_valid = joined(rows)
    assert (reader.count == 1).all(), "each pixel is read exactly once"
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
    same = predict_rows(
        Reader(pixels, valid), plan, lambda chips, _: np.full((len(chips), 1), value, np.float32), classes=1
    )
    found, _ = joined(same)
    np.testing.assert_allclose(found[0, valid], value, atol=HALF_A_LEVEL)
    blender = Blender(plan, 1)
    for row, end in zip(plan.rows, [*plan.rows[1:], height], strict=True):
        ones = np.ones((len(plan.cols), 1), dtype=np.float32)
        blender.add(int(row), ones * np.float32(value), ones[:, 0] / 3)
        np.testing.assert_allclose(blender.take(int(end), lambda part: part), value, rtol=2e-6, atol=1e-37)


def test_a_blend_of_two_tiles_by_hand() -> None:
    """Tiles of four columns at 0 and 2 say 0 and 1; weights along a tile are 1/4, 3/4, 3/4, 1/4."""
    np.testing.assert_allclose(ramp(4), [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(ramp(3), [1 / 3, 1, 1 / 3])
    plan = make_plan(6, 1, (4, 1), 1)
    plan = Plan(6, 1, 4, 1, np.array([0, 2]), plan.rows)
    reader = Reader(np.zeros((1, 1, 6), dtype=np.uint8), np.ones((1, 6), dtype=bool))
    found, _ = joined(predict_rows(reader, plan, lambda _, __: np.array([[0], [1]], dtype=np.float32), 1))
    np.testing.assert_allclose(found[0, 0], [0, 0, 0.25, 0.75, 1, 1], atol=HALF_A_LEVEL)


def test_tiles_without_a_valid_pixel_are_not_forwarded() -> None:
    pixels, valid = np.ones((1, 40, 40), dtype=np.uint8), np.zeros((40, 40), dtype=bool)
    valid[:10, :10] = True
    chips_seen = 0

    def count(chips: np.ndarray, chip_valid: np.ndarray) -> np.ndarray:
        nonlocal chips_seen
        chips_seen += len(chips)
        return forward(chips, chip_valid)

    found, _ = joined(predict_rows(Reader(pixels, valid), make_plan(40, 40, (10, 10), 10), count, CLASSES))
    assert chips_seen == 1
    assert (found[:, ~valid] == 0).all()
    nothing, seen = joined(predict_rows(Reader(pixels, valid & False), make_plan(40, 40, (10, 10), 10), count, CLASSES))
    assert chips_seen == 1
    assert not seen.any()
    assert np.isfinite(nothing).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 50), (50, 3), (7, 7)])
def test_a_region_smaller_than_a_tile_is_mirrored(width: int, height: int) -> None:
    pixels, valid = scene(1, height, width, 1.0)
    shapes_seen = set()

    def look(chips: np.ndarray, chip_valid: np.ndarray) -> np.ndarray:
        shapes_seen.add((chips.shape[1:], chip_valid.shape[1:]))
        assert set(np.unique(chips)) <= set(np.unique(pixels))
        return forward(chips, chip_valid)

    found, _ = joined(predict_rows(Reader(pixels, valid), make_plan(width, height, (16, 16), None), look, CLASSES))
    assert found.shape == (CLASSES, height, width)
    assert shapes_seen == {((2, 16, 16), (16, 16))}


def test_chips_come_in_batches_when_a_strip_is_wide(monkeypatch) -> None:
    from geolabel.inference import pipeline

    pixels, valid = scene(2, 30, 60)
    plan = make_plan(60, 30, (8, 8), 3)
    whole, _ = joined(predict_rows(Reader(pixels, valid), plan, forward, CLASSES))
    monkeypatch.setattr(pipeline, "_CHIP_BYTES", 300)
    split, _ = joined(predict_rows(Reader(pixels, valid), plan, forward, CLASSES))
    np.testing.assert_array_equal(whole, split)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 20))
def test_realign_changes_nothing_but_the_cuts(heights: list[int], rows: int) -> None:
    total = sum(heights)
    levels = (np.arange(2 * total * 3) % 251).astype(np.uint8).reshape(2, total, 3)
    valid = np.random.default_rng(0).random((total, 3)) > 0.5
    ends = np.cumsum(heights)
    parts = [
        Rows(int(end - high), levels[:, end - high : end], valid[end - high : end])
        for end, high in zip(ends, heights, strict=True)
    ]
    strips = list(realign(parts, rows))
    assert [len(strip.valid) for strip in strips] == [rows] * (total // rows) + [total % rows] * (total % rows > 0)
    found, found_valid = joined(strips)
    np.testing.assert_array_equal(found, levels / np.float32(LEVELS))
    np.testing.assert_array_equal(found_valid, valid)


def test_nothing_realigned_is_nothing() -> None:
    assert list(realign([], 4)) == []


def test_a_real_raster_is_predicted_as_if_it_were_in_memory(shared_data: Path) -> None:
    info = raster.describe(shared_data / "pucallpa-landsat" / "2020.tif")
    plan = make_plan(info.width, info.height, (64, 48), 40)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
        found, found_valid = joined(predict_rows(reader, plan, forward, CLASSES))
    np.testing.assert_array_equal(found_valid, valid)
    expected = literal(pixels, valid, plan)
    np.testing.assert_allclose(found[:, valid], expected[:, valid], atol=HALF_A_LEVEL)
