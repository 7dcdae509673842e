"""Mixing is linear, pairs neighbours, and never makes the unknown known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from geolabel.errors import OptionError
from geolabel.learn.mixup import draw_lambda, mixup

NAN = math.nan


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_by_hand():
    chips = torch.tensor([[0.0, 8.0], [4.0, 0.0], [5.0, 6.0]]).view(3, 1, 1, 2)
    valid = torch.tensor([[True, True], [True, False], [True, True]]).view(3, 1, 2)
    targets = torch.tensor([[1.0, NAN, 0.0], [0.0, 1.0, NAN], [NAN, 1.0, 1.0]])
    mixed = mixup(chips, valid, targets, torch.tensor([1.0, 3.0, 7.0]), torch.tensor([0.75, 0.5, 0.1]))
    assert mixed.chips.flatten(1).tolist() == [[1, 0], [2, 0], [5, 6]]  # ¾ × 0 + ¼ × 4; seen in one only: not seen
    assert mixed.valid.flatten(1).tolist() == [[True, False], [True, False], [True, True]]
    torch.testing.assert_close(
        mixed.targets, torch.tensor([[0.75, NAN, NAN], [0.5, NAN, NAN], [NAN, 1, 1]]), equal_nan=True
    )
    assert mixed.weights.tolist() == [1.5, 2, 7]


def some(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    valid = torch.rand(count, 5, 4, generator=generator(1)) > 0.2
    chips = torch.randn(count, 3, 5, 4, generator=generator(2)) * valid[:, None]
    return chips, valid, torch.rand(count, 2, generator=generator(3))


def test_all_of_itself_is_itself_and_none_is_the_neighbour():
    chips, _, targets = some(6)
    valid = torch.ones(6, 5, 4, dtype=torch.bool)
    weights, swapped = torch.arange(6.0), [1, 0, 3, 2, 5, 4]
    same = mixup(chips, valid, targets, weights, torch.ones(6))
    other = mixup(chips, valid, targets, weights, torch.zeros(6))
    assert torch.equal(same.weights, weights)
    assert torch.equal(other.weights, weights[swapped])
    assert torch.equal(same.chips, chips)
    assert torch.equal(same.targets, targets)
    assert torch.equal(other.chips, chips[swapped])
    assert torch.equal(other.targets, targets[swapped])


@pytest.mark.parametrize("count", [7, 8])
def test_parts_that_begin_at_even_rows_mix_as_the_whole(count: int):
    chips, valid, targets = some(count)
    lam = draw_lambda(count, 0.4, generator())
    weights = torch.arange(float(count))
    whole = mixup(chips, valid, targets, weights, lam)
    for part in (slice(0, 4), slice(4, None)):
        mine = mixup(chips[part], valid[part], targets[part], weights[part], lam[part])
        assert torch.equal(mine.chips, whole.chips[part])
        assert torch.equal(mine.targets, whole.targets[part])
        assert torch.equal(mine.weights, whole.weights[part])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_follow_the_beta_distribution(alpha: float):
    drawn = draw_lambda(4000, alpha, generator(9))
    assert torch.equal(drawn, draw_lambda(4000, alpha, generator(9)))
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert stats.kstest(np.asarray(drawn, dtype=float), stats.beta(alpha, alpha).cdf).pvalue > 0.01


@pytest.mark.parametrize("alpha", [0.0, -1.0, NAN])
def test_no_such_distribution(alpha: float):
    with pytest.raises(OptionError, match="must be above 0"):
        draw_lambda(3, alpha, generator())
