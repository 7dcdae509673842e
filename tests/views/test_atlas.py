from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geolabel.views.atlas import Atlas, make_atlas, side_for


def cut(atlas: Atlas, number: int) -> np.ndarray:
    """Picture `number` of an atlas, as a reader of its description finds it."""
    sheet = np.asarray(Image.open(io.BytesIO(atlas.sheets[number // atlas.each])))
    down, right = divmod(number % atlas.each, atlas.across)
    return sheet[down * atlas.side : (down + 1) * atlas.side, right * atlas.side : (right + 1) * atlas.side]


@given(st.integers(1, 200_000))
def test_more_pictures_are_smaller_ones(count: int):
    assert 32 <= side_for(count + 1) <= side_for(count) <= 96
    assert side_for(count) % 16 == 0  # blocks of WebP do not reach over borders


def test_sides_of_the_ends():
    assert (side_for(4_000), side_for(4_001), side_for(50_000)) == (96, 64, 32)


@pytest.mark.parametrize(("count", "side"), [(1, 96), (5, 96), (300, 96), (2_500, 32)])
def test_every_picture_is_found_where_it_is_said_to_be(count: int, side: int):
    colors = np.random.default_rng(0).integers(0, 256, (count, 3)).astype(np.uint8)
    pictures = np.broadcast_to(colors[:, None, None], (count, side, side, 3)).copy()
    atlas = make_atlas(pictures, 50_000_000)
    assert atlas.side == side
    assert len(atlas.sheets) == -(-count // atlas.each)
    for number in {0, count // 2, count - 1, min(atlas.each, count - 1)}:
        middle = cut(atlas, number)[4:-4, 4:-4].reshape(-1, 3).mean(axis=0)
        assert np.abs(middle - colors[number]).max() < 8  # what is lossy, and its colours at half the resolution


def test_quality_is_what_the_budget_allows():
    noise = np.random.default_rng(1).integers(0, 256, (400, 64, 64, 3)).astype(np.uint8)
    errors = []
    for budget in (700_000, 1_000_000, 1_400_000):
        atlas = make_atlas(noise, budget)
        assert sum(map(len, atlas.sheets)) <= budget
        assert sum(map(len, atlas.sheets)) > budget / 3  # and it is made use of
        errors.append(np.abs(cut(atlas, 7).astype(float) - noise[7]).mean())
    assert errors == sorted(errors, reverse=True)


def test_without_room_the_lowest_quality_is_taken():
    noise = np.random.default_rng(1).integers(0, 256, (9, 64, 64, 3)).astype(np.uint8)
    assert sum(map(len, make_atlas(noise, 10).sheets)) < 20_000


def test_the_same_pictures_make_the_same_bytes():
    noise = np.random.default_rng(1).integers(0, 256, (600, 64, 64, 3)).astype(np.uint8)
    assert make_atlas(noise, 900_000) == make_atlas(noise, 900_000)


def test_no_picture_no_sheet():
    assert make_atlas(np.empty((0, 32, 32, 3), np.uint8), 1000).sheets == ()
