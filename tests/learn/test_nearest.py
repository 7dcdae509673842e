"""Exact search against all pairs at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.learn.nearest import Likeness, best_of, scored

CPU = torch.device("cpu")
NONE = np.zeros(0, np.int64)


def whole(count: int, size: int, low: int = -3) -> st.SearchStrategy[np.ndarray]:
    """Vectors of small whole numbers: their products are exact, and many are equal."""
    return st.lists(st.integers(low, 3), min_size=count * size, max_size=count * size).map(
        lambda values: np.array(values, np.float16).reshape(count, size)
    )


def pieces(vectors: np.ndarray, step: int) -> list[tuple[int, np.ndarray]]:
    return [(first, vectors[first : first + step]) for first in range(0, len(vectors), step)]


def brute(vectors: np.ndarray, like: np.ndarray, unlike: np.ndarray, norm: bool) -> np.ndarray:
    """Similarity to the nearest example; −∞ where one to be unlike is as near."""

    def nearest(examples: np.ndarray) -> np.ndarray:
        one, other = vectors.astype(float), examples.astype(float)
        if norm:
            return (one @ other.T).max(axis=1)
        return -np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2)).min(axis=1)

    found = nearest(like)
    return np.where(found > nearest(unlike), found, -np.inf) if len(unlike) else found


@given(st.data(), st.integers(1, 60), st.integers(1, 12), st.integers(1, 80), st.booleans())
def test_the_same_as_all_pairs(data: st.DataObject, count: int, step: int, top: int, norm: bool) -> None:
    vectors = data.draw(whole(count, 3))
    like, unlike = data.draw(whole(data.draw(st.integers(1, 3)), 3)), data.draw(whole(data.draw(st.integers(0, 2)), 3))
    left_out = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=5)), np.int64)
    score = Likeness.of(like, unlike, norm=norm, device=CPU)
    found = best_of(scored(pieces(vectors, step), score, CPU), top, left_out)
    expected = brute(vectors, like, unlike, norm)
    expected[left_out] = -np.inf
    order = np.lexsort((np.arange(count), -expected.astype(np.float32)))
    order = order[np.isfinite(expected[order])][:top]
    assert found.rows.tolist() == order.tolist()
    assert found.scores == pytest.approx(expected[order], abs=1e-6)


def test_random_vectors_over_many_blocks() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((70_000, 16)).astype(np.float16)
    like = rng.standard_normal((4, 16)).astype(np.float32)
    score = Likeness.of(like, like[:0], norm=True, device=CPU)
    found = best_of(scored(pieces(vectors, 20_000), score, CPU), 100, NONE)
    expected = brute(vectors, like, like[:0], norm=True)
    assert found.rows.tolist() == np.argsort(-expected)[:100].tolist()


def test_what_is_the_same_lies_at_no_distance() -> None:
    vectors = (1000 + np.random.default_rng(1).random((10, 64))).astype(np.float32)
    score = Likeness.of(vectors[3:4], vectors[:0], norm=False, device=CPU)
    found = best_of(scored([(0, vectors)], score, CPU), 1, NONE)
    assert (found.rows.tolist(), found.scores.tolist()) == ([3], [0.0])


def test_nothing_to_search_gives_nothing() -> None:
    score = Likeness.of(np.ones((1, 3)), np.ones((0, 3)), norm=True, device=CPU)
    found = best_of(scored([(0, np.zeros((0, 3), np.float16))], score, CPU), 5, NONE)
    assert len(found.rows) == len(found.scores) == 0
