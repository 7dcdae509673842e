"""The haze of pieces of a region: the same however it is cut, and what `dehaze` finds in the whole."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.learn.haze import DarkChannel, dehaze
from geolabel.learn.haze.region import illumination, local_haze
from tests.learn.test_haze import scene

SMALL = DarkChannel(window=5, radius=4)
LIGHT = np.array([220.0, 225.0, 230.0], np.float32)


def image() -> np.ndarray:
    return scene(1, 90, 80)[0].numpy().astype(np.float32)


def test_it_is_the_haze_that_dehaze_removes() -> None:
    pixels, valid = image(), np.ones((90, 80), bool)
    through = np.clip(1 - SMALL.omega * local_haze(pixels, valid, LIGHT, SMALL), SMALL.floor, 1)
    light = LIGHT[:, None, None]
    wanted = dehaze(torch.from_numpy(pixels)[None], torch.from_numpy(valid)[None], SMALL, light=torch.from_numpy(LIGHT))
    np.testing.assert_allclose(light + (pixels - light) / through, wanted[0].numpy(), atol=0.1)


@given(st.integers(1, 89), st.integers(1, 79), st.integers(0, 3))
def test_a_part_with_what_lies_around_it_gives_the_same(row: int, col: int, seed: int) -> None:
    pixels, valid = image(), np.random.default_rng(seed).random((90, 80)) > 0.1
    whole = local_haze(pixels, valid, LIGHT, SMALL)
    top, left = max(0, row - SMALL.reach), max(0, col - SMALL.reach)
    part = local_haze(pixels[:, top:, left:], valid[top:, left:], LIGHT, SMALL)
    np.testing.assert_array_equal(part[row - top :, col - left :], whole[row:, col:])


@given(st.integers(1, 89), st.integers(1, 79))
def test_illumination_is_local(row: int, col: int) -> None:
    light, valid = image()[0] / 255, np.random.default_rng(1).random((90, 80)) > 0.1
    whole = illumination(light, valid, 4, 1e-2)
    top, left = max(0, row - 8), max(0, col - 8)
    part = illumination(light[top:, left:], valid[top:, left:], 4, 1e-2)
    np.testing.assert_array_equal(part[row - top :, col - left :], whole[row:, col:])


def test_illumination_of_a_plain_is_the_plain() -> None:
    flat = np.full((40, 40), 0.25, np.float32)
    np.testing.assert_allclose(illumination(flat, np.ones((40, 40), bool), 5, 1e-2), 0.25, atol=1e-4)
