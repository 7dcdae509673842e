"""Copies that were planted are found, what is merely alike is not; leaks, and tiles that overlap across parts."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.exploration import duplicates, overlaps
from geolabel.exploration.duplicates import LEAST, leaks, near_duplicates
from geolabel.exploration.overlaps import overlaps as find_overlaps
from geolabel.exploration.signatures import TURNS, signatures, turned, unturned
from tests.exploration.planted import everywhere, scenes, tiles_of


def signed(pixels: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    return signatures(pixels, everywhere(pixels) if valid is None else valid)


def turns_of(pixels: np.ndarray) -> list[np.ndarray]:
    mirrored = pixels.swapaxes(2, 3)
    return [np.rot90(each, turn, (2, 3)) for each in (pixels, mirrored) for turn in range(4)]


@given(st.integers(0, 999), st.sampled_from([8, 20, 33]))
def test_a_signature_turns_as_its_tile_does(seed: int, side: int) -> None:
    pixels = scenes(seed, 3, side)
    found = signed(pixels)
    by_signature = [turned(found, turn) for turn in range(TURNS)]
    for tile in turns_of(pixels):
        own = signed(tile)
        assert min(np.abs(own - other).max() for other in by_signature) < 1e-4
        assert unturned(own) == pytest.approx(unturned(found), abs=1e-4)
    # no turn brings two tiles nearer than what is left without turns
    gap = np.linalg.norm(unturned(found[:1]) - unturned(found[1:2]))
    assert gap <= min(np.linalg.norm(found[0] - other[1]) for other in by_signature) + 1e-5


def copies(pixels: np.ndarray, how: str) -> np.ndarray:
    rng = np.random.default_rng(9)
    inner = pixels[..., 1:-1, 1:-1].astype(np.float64)
    if how == "noise":
        return np.rint(inner + rng.normal(0, 2, inner.shape))
    if how == "gain":
        return np.rint(inner * 0.8 + 12)
    if how == "shift":
        return pixels[..., 2:, 1:-1]
    if how == "diagonal shift":
        return pixels[..., 2:, :-2]
    return turns_of(inner)[int(how[-1])]


@pytest.mark.parametrize("how", ["noise", "gain", "shift", "diagonal shift", *(f"turn {turn}" for turn in range(8))])
def test_copies_are_found_and_nothing_else(how: str) -> None:
    pixels = scenes(1, 80, 50)
    ones = signed(pixels[..., 1:-1, 1:-1])
    others = signed(copies(pixels[:30], how))
    found = near_duplicates(np.concatenate([ones, others]))
    expected = [(row, 80 + row) for row in range(30)]
    assert set(map(tuple, found.pairs.tolist())) <= set(expected)
    assert len(found.pairs) >= 28
    assert (found.likeness >= LEAST).all()
    assert [group.tolist() for group in found.groups] == found.pairs.tolist()


def test_flat_tiles_are_not_copies_of_each_other() -> None:
    """Water with noise, constant water, a gradient of light, two colours with a straight border, and no data."""
    rng = np.random.default_rng(3)
    water = np.rint(rng.normal(40, 1.5, (100, 3, 48, 48)))
    light = np.rint(np.linspace(40, 90, 48) + rng.normal(0, 1.5, (100, 3, 48, 48)))
    coast = np.where(np.arange(48) < rng.integers(8, 40, (100, 1, 1, 1)), 20, 200) + np.zeros((100, 3, 48, 48))
    for tiles in (water, light, coast, np.full((20, 3, 48, 48), 7)):
        assert not near_duplicates(signed(tiles)).groups
    assert not near_duplicates(signed(water, np.zeros((100, 48, 48), bool))).groups
    # a copy of what is flat is one all the same
    assert near_duplicates(signed(np.concatenate([water, water[:1]]))).pairs.tolist() == [[0, 100]]


def test_nodata_does_not_make_tiles_alike() -> None:
    pixels = scenes(4, 60).astype(np.float64)
    valid = everywhere(pixels)
    valid[:, :, 20:] &= np.arange(20, 48) < 30
    pixels[~np.broadcast_to(valid[:, None], pixels.shape)] = np.nan
    found = signed(pixels, valid)
    assert np.isfinite(found).all()
    assert not near_duplicates(found).groups
    assert signed(scenes(0, 2, 7)).any() == np.False_


def test_a_large_group_is_one_also_where_not_all_are_compared() -> None:
    tile, others = scenes(5, 1), scenes(6, 30)
    many = np.concatenate([others, np.repeat(tile, 40, axis=0)])
    found = near_duplicates(signed(many + np.random.default_rng(0).normal(0, 1, many.shape)))
    assert [group.tolist() for group in found.groups] == [list(range(30, 70))]


def test_pairs_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_VALUES_AT_ONCE", 300)
    pixels = scenes(7, 6)
    pixels[3], pixels[5] = pixels[0], pixels[1]
    found = near_duplicates(signed(pixels))
    assert found.pairs.tolist() == [[0, 3], [1, 5]]
    assert found.likeness == pytest.approx(1)


def test_leaks_are_pairs_across_parts() -> None:
    pixels = scenes(8, 8)
    pixels[4:] = pixels[:4]
    found = near_duplicates(signed(pixels))
    assert found.pairs.tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert leaks(found, np.array([0, 0, 0, -1, 0, 1, 2, 1])).tolist() == [1, 2]


def test_real_tiles_are_no_copies_and_their_copies_are(shared_data: Path) -> None:
    path = shared_data / "naip" / "m_4709963_se_14_1_20200831.tif"
    if not path.is_file():
        pytest.skip(f"not here: {path}")
    pixels = tiles_of(path, 48)
    found = signed(pixels)
    assert not near_duplicates(found).groups
    moved = signed(tiles_of(path, 48)[:60, :, ::-1])
    both = near_duplicates(np.concatenate([found, moved]))
    assert both.pairs.tolist() == [[row, len(pixels) + row] for row in range(60)]


def literal(sources: np.ndarray, windows: np.ndarray, parts: np.ndarray) -> dict[tuple[int, int], float]:
    found = {}
    for one, other in combinations(range(len(parts)), 2):
        (a, b, w, h), (c, d, v, g) = windows[one], windows[other]
        area = max(0, min(a + w, c + v) - max(a, c)) * max(0, min(b + h, d + g) - max(b, d))
        if area and sources[one] == sources[other] and -1 < parts[one] != parts[other] > -1:
            found[one, other] = area / min(w * h, v * g)
    return found


@given(st.integers(0, 9_999), st.integers(0, 40), st.integers(1, 9))
def test_overlaps_are_those_of_all_pairs(seed: int, tiles: int, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    windows = np.column_stack([rng.integers(0, 30, (tiles, 2)), rng.integers(1, 12, (tiles, 2))])
    sources, parts = np.array(["a.tif", "b.tif"])[rng.integers(0, 2, tiles)], rng.integers(-1, 3, tiles)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlaps, "_AT_ONCE", at_once)
        found = find_overlaps(sources, windows, parts)
    expected = literal(sources, windows, parts)
    assert list(map(tuple, found.pairs.tolist())) == sorted(expected)
    assert found.share == pytest.approx([expected[pair] for pair in sorted(expected)])
