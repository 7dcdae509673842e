"""Training and validation ground: no pixel, and no place, belongs to both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import EmptyError, OptionError
from geolabel.tiling.ground import Ground
from geolabel.tiling.places import Places
from tests.tiling.test_ground import SEEDS, described


def painted(ground: Ground, places: Places, number: int, margin: int = 0) -> np.ndarray:
    """Pixels of one raster that tiles cover, and `margin` px around them."""
    info, size = ground.infos[number], ground.size
    seen = np.zeros((info.height, info.width), dtype=bool)
    for source, col, row in zip(places.source, places.col, places.row, strict=True):
        if source == number:
            seen[max(0, row - margin) : row + size + margin, max(0, col - margin) : col + size + margin] = True
    return seen


@given(st.integers(60, 140), st.integers(60, 140), st.integers(3, 7), st.integers(20, 40), SEEDS)
def test_no_pixel_is_shared_and_a_tile_lies_between(width, height, size, block, seed) -> None:
    ground = Ground.of([described(width, height)], size)
    train, validation = ground.split(block, 0.3, seed)
    rng = np.random.default_rng(seed)
    learned, checked = train.random(300, rng), validation.random(300, rng)
    assert not (painted(ground, learned, 0, margin=size) & painted(ground, checked, 0)).any()
    rows, cols = checked.row, checked.col
    held = {*zip((rows // block).tolist(), (cols // block).tolist(), strict=True)}
    held |= {*zip(((rows + size - 1) // block).tolist(), ((cols + size - 1) // block).tolist(), strict=True)}
    seen = {*zip((learned.row // block).tolist(), (learned.col // block).tolist(), strict=True)}
    assert not held & seen


def test_about_the_wanted_share_validates() -> None:
    ground = Ground.of([described(4000, 4000)], 32)
    train, validation = ground.split(320, 0.2, 0)
    places = ground.random(20_000, np.random.default_rng(0))
    one_block = (places.col // 320 == (places.col + 31) // 320) & (places.row // 320 == (places.row + 31) // 320)
    assert validation.allows(places)[one_block].mean() == pytest.approx(0.2, abs=0.02)
    assert train.allows(places).mean() > 0.6
    assert not (train.allows(places) & validation.allows(places)).any()


def test_dates_on_one_grid_share_their_blocks() -> None:
    ground = Ground.of([described(200, 200, "before.tif"), described(200, 200, "after.tif")], 8)
    train, validation = ground.split(50, 0.3, 1)
    rng = np.random.default_rng(0)
    for part, other in ((train, validation), (validation, train)):
        places = part.random(500, rng)
        swapped = Places(1 - places.source, places.col, places.row)
        assert part.allows(swapped).all()
        assert not other.allows(swapped).any()


def test_rasters_that_overlap_share_no_ground() -> None:
    """The second raster begins 60.5 px east of the first: seen on one lattice, nothing is shared."""
    ground = Ground.of([described(200, 160, "one.tif"), described(200, 160, "two.tif", shift=60.5)], 8)
    train, validation = ground.split(40, 0.3, 3)
    rng = np.random.default_rng(0)
    learned, checked = (part.random(4000, rng) for part in (train, validation))
    east = np.array([0.0, 60.5])
    one, other = (np.column_stack([places.col + east[places.source], places.row]) for places in (learned, checked))
    apart = np.abs(one[:, None] - other[None]).max(axis=2)
    assert apart.min() >= 2 * ground.size, "a tile's width between their edges"
    assert set(learned.source) == set(checked.source) == {0, 1}


def test_the_same_seed_splits_alike_and_another_otherwise() -> None:
    ground = Ground.of([described(600, 600)], 8)
    places = ground.random(2000, np.random.default_rng(0))
    first, again, other = (ground.split(60, 0.3, seed)[1].allows(places) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_splits_that_cannot_be() -> None:
    ground = Ground.of([described(100, 100)], 32)
    with pytest.raises(OptionError, match="blocks of 16 px hold no tile of 32 px"):
        ground.split(16, 0.2, 0)
    with pytest.raises(OptionError, match="between 0 and 1"):
        ground.split(64, 1.0, 0)
    with pytest.raises(EmptyError, match="1 block of 100 px holds tiles"):
        ground.split(100, 0.2, 0)
    with pytest.raises(EmptyError, match="give another block size"):
        ground.split(50, 0.2, 0)


def test_a_part_may_be_split_again() -> None:
    train, held = Ground.of([described(960, 640)], 16, min_valid=0).split(80, 0.4, 0)
    val, test = held.split(80, 0.5, 1)
    seen = np.zeros((3, 640, 960), bool)
    for number, part in enumerate((train, val, test)):
        drawn = part.random(4000, np.random.default_rng(number))
        for col, row in zip(drawn.col.tolist(), drawn.row.tolist(), strict=True):
            seen[number, row : row + 16, col : col + 16] = True
    assert (seen.sum(axis=0) <= 1).all(), "no pixel is in two parts"
    assert (seen.reshape(3, -1).mean(axis=1) > 0.05).all()
