"""What removed pixels become: to a network the mean, to statistics nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from geolabel.learn.explain import Removal
from geolabel.learn.transforms import Normalise, to_tensor
from tests.learn.explain.planted import card_of, noise


def test_what_is_removed_is_zero_to_a_network_whether_it_looks_at_the_mask_or_not():
    card = card_of()
    pixels, valid = noise()
    valid[:3] = False
    gone = np.zeros((2, 64, 64), bool)
    gone[1, 10:30, 10:30] = True
    chips, seen = Removal.of(card, pixels, valid).without(gone)
    assert np.array_equal(chips[0], pixels)
    assert np.array_equal(seen[0], valid)
    assert np.array_equal(seen[1], valid & ~gone[1])
    assert chips[1, :, 10:30, 10:30] == pytest.approx(np.broadcast_to([[[80.0]], [[90.0]]], (2, 20, 20)))
    for mask in (seen, np.ones_like(seen)):
        given = Normalise.of(card)(to_tensor(chips, torch.device("cpu")), to_tensor(mask, torch.device("cpu")))
        assert given[1, :, 10:30, 10:30].abs().max() < 1e-5


def test_the_mean_is_the_one_of_the_contract_that_the_tile_is_read_with():
    card = card_of()
    other = replace(card, bands=tuple(replace(band, scale=1.0, offset=0.0) for band in card.bands))
    pixels, valid = noise()
    assert Removal.of(other, pixels, valid).stand_in[:, 0, 0] == pytest.approx([3.0, 4.0])
