"""Tiles that stand for their class lie where it is dense, and apart; the least alike are the strays."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import InputError, OptionError
from geolabel.exploration import prototypes
from geolabel.exploration.prototypes import dissimilar, prototypical
from tests.exploration.planted import groups


def test_a_class_of_two_looks_has_prototypes_of_both() -> None:
    """Class 0 is two groups, of 60 and of 30; class 1 one of 40; nothing is of class 2 but 3 has one tile."""
    rng = np.random.default_rng(0)
    middles = np.repeat([[0, 0, 0], [20, 0, 0], [0, 50, 0]], [60, 30, 40], axis=0)
    vectors = np.concatenate([middles + rng.normal(size=(130, 3)), [[9, 9, 9]], [[0, 0, 0]]])
    labels = np.concatenate([np.repeat([0, 1], [90, 40]), [3, -1]])
    first, second, none, only = prototypical(vectors, labels, 2)
    assert sorted(first // 60) == [0, 1]
    assert first[0] < 60
    assert np.linalg.norm(vectors[first] - middles[first], axis=1).max() < 1.5
    assert np.linalg.norm(vectors[second] - [0, 50, 0], axis=1).min() < 1.2
    assert (none.tolist(), only.tolist()) == ([], [130])


@given(st.integers(0, 999))
def test_each_next_prototype_is_the_best_by_the_definition(seed: int) -> None:
    vectors, _ = groups(seed, 25, 2, 3)
    squared = ((vectors[:, None] - vectors) ** 2).sum(axis=2)
    kernel = np.exp(-squared / np.median(squared[squared > 1e-9]))

    def gain(chosen: list[int]) -> float:
        return 2 * kernel[:, chosen].mean() - kernel[np.ix_(chosen, chosen)].mean()

    chosen: list[int] = []
    for _ in range(4):
        chosen.append(max(set(range(25)) - set(chosen), key=lambda row: gain([*chosen, row])))
    assert prototypical(vectors, np.zeros(25, np.int64), 4)[0].tolist() == chosen


def test_the_least_alike_are_the_strays() -> None:
    vectors, labels = groups(1, 90)
    strays = np.array([3, 40, 77])
    vectors[strays] += np.eye(12)[[5, 7, 9]] * 40
    found = dissimilar(vectors, labels, 3)
    assert set(strays.tolist()) <= set(np.concatenate(found).tolist())
    assert all(labels[rows].tolist() == [name] * 3 for name, rows in enumerate(found))


def test_farthest_points_by_hand() -> None:
    """On a line, mean 4: begins at 3.9. Then 10; 0; 7, which is 3 from 10; 1.5, which is 1.5 from 0; and 3.5."""
    vectors = np.array([[0.0], [1.5], [3.5], [3.9], [7], [10], [2.1]])
    assert vectors.mean() == 4
    assert dissimilar(vectors, np.zeros(7, np.int64), 2)[0].tolist() == [5, 0]
    assert dissimilar(vectors, np.zeros(7, np.int64), 9)[0].tolist() == [5, 0, 4, 6, 1, 2]


def test_distances_are_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = groups(2, 60, 2)
    whole = prototypical(vectors, labels, 5), dissimilar(vectors, labels, 5)
    monkeypatch.setattr(prototypes, "_VALUES_AT_ONCE", 100)
    assert repr((prototypical(vectors, labels, 5), dissimilar(vectors, labels, 5))) == repr(whole)


def test_a_large_class_takes_little_memory() -> None:
    """All its distances from the references would be 160 MB a copy, in single precision."""
    vectors = np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32)
    tracemalloc.start()
    prototypical(vectors, np.zeros(20_000, np.int64), 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6


def test_copies_and_small_classes() -> None:
    same, labels = np.ones((6, 3)), np.array([0, 0, 0, 0, 1, -1])
    assert [len(rows) for rows in prototypical(same, labels, 3)] == [3, 1]
    assert [len(set(rows.tolist())) for rows in dissimilar(same, labels, 3)] == [3, 0]
    assert prototypical(same, np.full(6, -1), 3) == ()


def test_what_cannot_be_asked() -> None:
    for ask in (prototypical, dissimilar):
        with pytest.raises(OptionError, match="0 tiles of a class"):
            ask(np.ones((2, 2)), np.zeros(2, np.int64), 0)
        with pytest.raises(InputError, match="1 of 2 vectors"):
            ask(np.array([[1.0], [np.inf]]), np.zeros(2, np.int64), 1)
