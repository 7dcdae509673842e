"""Soft MAP@R by hand and against a literal transcription; system B's numbers against one of its code."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import InputError, OptionError
from geolabel.scoring.retrieval import score_retrieval
from geolabel.scoring.soft_retrieval import compat_map_at_k, relevance, score_soft_retrieval

seeds = st.integers(0, 9_999)


def planted(seed: int, tiles: int = 30, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, and shares of which most are 0."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.4), tiles)
    shares[shares < 0.1] = 0
    vectors = shares @ rng.normal(size=(classes, 5)) + rng.normal(0, 0.3, (tiles, 5))
    return vectors, shares


def literal_relevance(mine: np.ndarray, other: np.ndarray) -> float:
    intra = np.mean([min(a, b) for a, b in zip(mine, other, strict=True)])
    pairs = list(itertools.combinations(range(len(mine)), 2))
    inter = np.mean([max(min(mine[c], other[d]), min(mine[d], other[c])) for c, d in pairs]) if pairs else 0
    return max(intra - inter, 0) / max(intra, inter) if max(intra, inter) > 0 else 0


def literal_sum(relevant: list[float]) -> float:
    """Σ P(i)·s(i) up to the number that are relevant at all."""
    most = sum(value > 0 for value in relevant)
    return sum(sum(relevant[: i + 1]) / (i + 1) * relevant[i] for i in range(most))


@given(seeds, st.integers(1, 6))
def test_relevance_by_its_definition(seed: int, classes: int) -> None:
    _, shares = planted(seed, 12, classes)
    expected = [[literal_relevance(a, b) for b in shares] for a in shares]
    assert relevance(shares[:, None], shares) == pytest.approx(np.array(expected))


def test_relevance_by_hand() -> None:
    """Two halves of three classes: intra 1/3, inter .5/3; of two classes as much between as within."""
    assert relevance(np.array([1.0, 0, 0]), np.array([1.0, 0, 0])) == 1
    assert relevance(np.array([1.0, 0, 0]), np.array([0, 0.2, 0.8])) == 0
    assert relevance(np.array([0.5, 0.5, 0]), np.array([0.5, 0.5, 0])) == pytest.approx(0.5)
    assert relevance(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    assert relevance(np.eye(10)[:2].mean(axis=0), np.eye(10)[:2].mean(axis=0)) == pytest.approx(1 - 0.5 / 45 * 10)


@given(seeds, st.integers(2, 5), st.booleans())
def test_the_literal_transcription(seed: int, classes: int, apart: bool) -> None:
    vectors, shares = planted(seed, 25, classes)
    begin = 10 if apart else 0
    references = (vectors[begin:], shares[begin:]) if apart else None
    scores = []
    for place in range(10 if apart else 25):
        others = np.delete(np.arange(25), place) if not apart else np.arange(10, 25)
        order = others[np.argsort(((vectors[others] - vectors[place]) ** 2).sum(axis=1))]
        relevant = [literal_relevance(shares[place], shares[other]) for other in order]
        if max(relevant) > 1e-6:  # float32 may round what hardly differs
            scores.append(literal_sum(relevant) / literal_sum(sorted(relevant, reverse=True)))
    asked = slice(0, 10 if apart else 25)
    found = score_soft_retrieval(vectors[asked], shares[asked], references)
    assert found.queries == len(scores)
    assert found.left_out == (10 if apart else 25) - len(scores)
    if scores:
        assert found.map_at_r == pytest.approx(np.mean(scores), abs=1e-4)


def test_by_hand() -> None:
    """Asked at 0 for one class: shares 1, 0 and ½ (of 3 classes: intra 1/6, inter 1/6: 0), then 1: as + − − +."""
    references = np.array([[1.0], [2], [3], [4]]), np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0.9, 0.1, 0]])
    last = (0.9 - 0.1) / 0.9
    found = score_soft_retrieval(np.array([[0.0]]), np.array([[1.0, 0, 0]]), references)
    assert found.map_at_r == pytest.approx(1 / (1 + last * (1 + last) / 2))


@given(seeds, st.integers(2, 40), st.integers(1, 5))
def test_one_class_each_is_map_at_r(seed: int, tiles: int, classes: int) -> None:
    vectors, shares = planted(seed, tiles, classes)
    labels = shares.argmax(axis=1)
    soft, crisp = score_soft_retrieval(vectors, np.eye(classes)[labels]), score_retrieval(vectors, labels)
    assert (soft.queries, soft.left_out) == (crisp.queries, crisp.left_out)
    assert soft.map_at_r == pytest.approx(crisp.map_at_r, nan_ok=True)


@given(seeds)
def test_the_best_order_has_1_and_no_order_more(seed: int) -> None:
    vectors, shares = planted(seed)
    assert 0 <= score_soft_retrieval(vectors, shares).map_at_r <= 1
    best = np.argsort(-relevance(shares[0], shares), kind="stable")
    away = np.empty(len(best))
    away[best] = np.arange(1, len(best) + 1)
    found = score_soft_retrieval(np.zeros((1, 1)), shares[:1], (away[:, None], shares))
    assert found.map_at_r == pytest.approx(1, abs=1e-6)


@given(seeds)
def test_order_and_scale_have_no_say(seed: int) -> None:
    vectors, shares = planted(seed)
    rng = np.random.default_rng(seed)
    order, classes = rng.permutation(len(shares)), rng.permutation(shares.shape[1])
    moved = score_soft_retrieval(vectors[order] * 8 - 1, shares[order][:, classes])
    plain = score_soft_retrieval(vectors, shares)
    assert moved.queries == plain.queries
    assert moved.map_at_r == pytest.approx(plain.map_at_r, abs=1e-5)


@given(seeds, st.integers(12, 40), st.integers(2, 6))
def test_compat_is_what_system_b_calculates(seed: int, tiles: int, classes: int) -> None:
    """mapar_ml of its lib/mapar, step by step: a running sum of relevances, divided by k and averaged k times."""
    vectors, shares = planted(seed, tiles, classes)
    raised = shares + 1e-8
    away = np.sqrt(((vectors[:, None] - vectors) ** 2).sum(axis=2))
    nearest = np.argsort(away, axis=1)[:, 1:]
    for k, found in zip((1, 10), compat_map_at_k(vectors, shares, (1, 10)), strict=True):
        running = np.zeros(tiles)
        for place in range(k):
            running += [literal_relevance(raised[row], raised[nearest[row, place]]) for row in range(tiles)]
        precision = np.repeat((running / k)[:, None], k, axis=1)
        assert found == pytest.approx((precision.sum(axis=1) / k).mean())


def test_what_cannot_be_scored() -> None:
    vectors, shares = planted(0)
    nothing = score_soft_retrieval(vectors, np.zeros_like(shares))
    assert (nothing.queries, nothing.left_out) == (0, 30)
    assert np.isnan(nothing.map_at_r)
    assert np.isnan(compat_map_at_k(vectors[:1], shares[:1], (1, 10))).all()
    with pytest.raises(OptionError, match="k of 1 or more"):
        compat_map_at_k(vectors, shares, (0, 1))
    with pytest.raises(ValueError, match="known shares"):
        score_soft_retrieval(vectors, np.where(shares > 0.5, np.nan, shares))
    vectors[0, 0] = np.inf
    with pytest.raises(InputError, match="1 of 30 vectors"):
        score_soft_retrieval(vectors, shares)
