"""The same seed gives the same weights, also where several threads add up."""

from __future__ import annotations

import pytest
import torch

from geolabel.learn.device import repeatable

CPU = torch.device("cpu")


def gradient_of(vectors: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """As of triplets: a few vectors are taken many times."""
    leaf = vectors.clone().requires_grad_()
    (leaf[rows] * weights).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def test_gradients_of_many_threads_are_added_in_one_order() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors, weights = torch.randn(96, 16, generator=generator), torch.randn(20_000, 16, generator=generator)
    rows = torch.randint(0, 96, (20_000,), generator=generator)
    threads = torch.get_num_threads()
    torch.set_num_threads(max(2, threads))  # one thread has one order; of two, a few in a hundred differed without
    try:
        with repeatable(CPU):
            first = gradient_of(vectors, rows, weights)
            assert all(torch.equal(first, gradient_of(vectors, rows, weights)) for _ in range(200))
    finally:
        torch.set_num_threads(threads)
    by_hand = torch.zeros(96, 16, dtype=torch.float64).index_add_(0, rows, weights.double())
    assert torch.allclose(first.double(), by_hand, atol=1e-4)


def test_settings_are_put_back() -> None:
    with pytest.raises(KeyError), repeatable(CPU):
        assert torch.are_deterministic_algorithms_enabled()
        raise KeyError
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
    with repeatable(torch.device("cuda")):
        assert not torch.are_deterministic_algorithms_enabled()
