"""Tiles here and there as blocks: as if painted on the whole layer, and no more than where they lie."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geolabel.steps.explaining.patches import Patch, blocks


@given(st.integers(1, 20), st.integers(0, 2**32 - 1), st.integers(0, 9))
def test_blocks_are_those_of_the_layer_painted_whole(side: int, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    shape, bands = (33, 27), 4
    sums, seen = np.zeros((bands, *shape)), np.zeros((bands, *shape))
    patches = []
    for _ in range(count):
        high, wide = rng.integers(1, 12, 2).tolist()
        row, col = int(rng.integers(0, shape[0] - high + 1)), int(rng.integers(0, shape[1] - wide + 1))
        band = int(rng.integers(0, 3))
        patch = Patch(row, col, band, rng.random((2, high, wide), np.float32), rng.random((high, wide)) < 0.8)
        patches.append(patch)
        here = (slice(band, band + 2), slice(row, row + high), slice(col, col + wide))
        sums[here] += np.where(patch.valid, patch.values, 0)
        seen[here] += patch.valid
    whole = np.full((bands, *shape), np.nan)
    for top, left, values in blocks(patches, bands, shape, side):
        assert top % side == left % side == 0
        place = (slice(None), slice(top, top + values.shape[1]), slice(left, left + values.shape[2]))
        assert np.isnan(whole[place]).all()
        whole[place] = values
    np.testing.assert_allclose(whole, np.where(seen > 0, sums / np.maximum(seen, 1), np.nan), rtol=1e-5)


def test_two_tiles_far_apart_are_two_blocks() -> None:
    values, valid = np.ones((1, 8, 8), np.float32), np.ones((8, 8), bool)
    corners = [Patch(at, at, 0, values, valid) for at in (0, 99_992)]
    found = list(blocks(corners, 1, (100_000, 100_000), 512))
    assert [(top, left) for top, left, _ in found] == [(0, 0), (99_840, 99_840)]
