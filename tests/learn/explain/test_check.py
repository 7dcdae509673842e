"""The deletion check tells what means something from what does not; and the pointing game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from geolabel.learn.explain import Settings, deletion_check, explain, points_at
from geolabel.learn.explain import check as checking
from geolabel.learn.explain.check import _blocks, _moved
from tests.learn.explain.planted import Present, card_of, noise
from tests.learn.networks import card, classifier, tiles


@dataclass(frozen=True)
class Deaf(Present):
    """Says the same whatever it sees."""

    def __call__(self, pixels: Any, valid: Any) -> np.ndarray:
        return np.full((len(pixels), 1), 0.7, np.float32)


def block() -> np.ndarray:
    """Four of the 64 blocks in which a tile of 64 px is removed: a sixteenth."""
    inside = np.zeros((64, 64), bool)
    inside[16:32, 32:48] = True
    return inside


def test_the_area_can_be_reckoned_by_hand():
    """What counts goes first: the first sixteenth takes all there was, from .98 to .02."""
    pixels, valid = noise()
    check = deletion_check(Present(card_of(), block()), pixels, valid, block().astype(float), 0, seed=0)
    assert check.removed[:3] == (0, 1 / 16, 1 / 8)
    assert check.probability == pytest.approx([0.98, *[0.02] * 8])
    assert check.area == pytest.approx((0.98 + 0.02) / 2 / 16 + 0.02 * 15 / 16)
    assert check.meaningful
    assert check.p <= 1 / 40, "an order by chance may come upon the same blocks"
    assert check.told.startswith("better than random: area under the deletion curve 0.05, by chance 0.")
    assert check.random[0] == pytest.approx(0.98)
    assert check.random[-1] == pytest.approx(0.02)
    assert list(check.random) == sorted(check.random, reverse=True)


def test_shares_are_read_between_blocks_of_different_size():
    """Half of the tile is not valid, and cuts blocks: shares are of what is valid."""
    pixels, valid = noise()
    valid[:, 36:] = False
    model = Present(card_of(), valid)
    check = deletion_check(model, pixels, valid, np.random.default_rng(0).random((64, 64)), 0, seed=0)
    assert check.probability == pytest.approx(0.98 - 0.96 * np.array(check.removed), abs=1e-6)
    assert check.area == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("wrong", ["noise", "even", "the opposite"])
def test_relevance_that_says_nothing_is_told_so(wrong):
    pixels, valid = noise()
    rng = np.random.default_rng(3)
    maps = {"noise": rng.random((64, 64)), "even": np.ones((64, 64)), "the opposite": -block().astype(float)}
    check = deletion_check(Present(card_of(), block()), pixels, valid, maps[wrong], 0, seed=0)
    assert not check.meaningful
    assert check.told.startswith("not surely better than random")


def test_noise_passes_as_seldom_as_chance_allows():
    pixels, valid = noise(32)
    model = Present(card_of(side=32), np.pad(np.ones((8, 8), bool), 12))
    rng = np.random.default_rng(0)
    passed = [deletion_check(model, pixels, valid, rng.random((32, 32)), 0, seed=at).meaningful for at in range(60)]
    assert np.mean(passed) < 0.12


@dataclass(frozen=True)
class Counting(Present):
    """Tells how many tiles it was asked about."""

    asked: list[int]

    def __call__(self, pixels: Any, valid: Any) -> np.ndarray:
        self.asked.append(len(pixels))
        return super().__call__(pixels, valid)


def test_the_tile_as_it_is_and_nothing_of_it_are_asked_once():
    pixels, valid = noise(64)
    model = Counting(card_of(), block(), [])
    check = deletion_check(model, pixels, valid, block().astype(float), 0, seed=0)
    assert sum(model.asked) == 2 + 41 * 7
    assert check.meaningful


@pytest.mark.parametrize("seed", range(3))
def test_few_steps_keep_the_verdict_of_many(monkeypatch, seed):
    pixels, valid = noise(96, seed=seed)
    inside = np.zeros((96, 96), bool)
    inside[30 + seed : 54, 20:50] = True
    model, rng = Present(card_of(side=96), inside), np.random.default_rng(seed)
    maps = [inside.astype(float), gaussian_filter(rng.normal(size=inside.shape), 6), rng.random(inside.shape)]
    verdicts = []
    for removed in (checking._REMOVED, tuple(np.linspace(0, 1, 33))):
        monkeypatch.setattr(checking, "_REMOVED", removed)
        verdicts.append([deletion_check(model, pixels, valid, one, 0, seed=seed) for one in maps])
    assert [one.meaningful for one in verdicts[0]] == [one.meaningful for one in verdicts[1]]
    assert verdicts[0][0].meaningful
    for one, other in zip(*verdicts, strict=True):
        assert other.area == pytest.approx(one.area, abs=0.05)


def test_a_tile_without_a_valid_pixel_means_nothing():
    pixels, valid = noise()
    found = deletion_check(Present(card_of(), block()), pixels, valid & False, np.zeros((64, 64)), 0, seed=0)
    assert not found.meaningful


def test_nothing_can_be_explained_in_a_model_that_always_says_the_same():
    pixels, valid = noise()
    check = deletion_check(Deaf(card_of(), block()), pixels, valid, block().astype(float), 0, seed=0)
    assert not check.meaningful
    assert check.p == 1
    assert "a tile without anything looks as much like the class (0.70) as this one (0.70)" in check.told


def test_what_the_model_does_not_see_is_said():
    pixels, valid = noise()
    valid[block()] = False
    check = deletion_check(Present(card_of(), block()), pixels, valid, valid.astype(float), 0, seed=0)
    assert not check.meaningful
    assert check.told.endswith("the model hardly sees the class here (probability 0.02)")


def test_an_untrained_network_is_not_explained():
    model = classifier(card("small-cnn-reflect", (32, 32)))
    pixels, valid = (values[1] for values in tiles(2, (32, 32)))
    for method in ("grad-cam", "occlusion"):
        relevance = explain(model, pixels, valid, [0], method, Settings())[0]
        check = deletion_check(model, pixels, valid, relevance, 0, seed=0)
        assert not check.meaningful, (method, check.told)


def test_the_same_seed_gives_the_same_check():
    pixels, valid = noise()
    relevance = np.random.default_rng(0).random((64, 64))
    model = Present(card_of(), block())
    one, again, other = (deletion_check(model, pixels, valid, relevance, 0, seed=seed) for seed in (4, 4, 5))
    assert one == again
    assert one.random != other.random


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_blocks_hold_all_valid_pixels_and_chance_moves_what_is_there(height, width, seed):
    rng = np.random.default_rng(seed)
    valid = rng.random((height, width)) < 0.7
    found = _blocks(valid)
    assert np.array_equal(found >= 0, valid)
    assert np.array_equal(np.unique(found[valid]), np.arange(found.max() + 1))
    values = rng.random((height, width))
    assert np.array_equal(np.sort(_moved(values, rng), axis=None), np.sort(values, axis=None))


def test_pointing_is_at_the_most_relevant_pixel():
    relevance, inside = np.zeros((20, 20)), np.zeros((20, 20), bool)
    inside[10:15, 10:15] = True
    assert not points_at(relevance, inside), "nothing is relevant"
    relevance[9, 12] = 2.0
    relevance[12, 12] = 1.0
    assert not points_at(relevance, inside)
    assert points_at(relevance, inside, 1)
    relevance[12, 12] = 3.0
    assert points_at(relevance, inside)
    assert not points_at(relevance, np.zeros_like(inside), 100), "there is no object"


def test_of_a_piece_that_is_as_relevant_its_inmost_pixel_points():
    relevance, inside = np.zeros((20, 20)), np.zeros((20, 20), bool)
    inside[10:15, 10:15] = True
    relevance[9:16, 9:16] = 1.0
    assert points_at(relevance, inside)
