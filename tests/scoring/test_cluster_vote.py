"""Votes of the nearest clusters, against a table by hand, a literal transcription of the paper and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from geolabel.errors import InputError, OptionError
from geolabel.scoring import cluster_vote as module
from geolabel.scoring.cluster_vote import cluster_vote


def literally(vectors, centres, classes, variance, nearest, class_count):
    """The posterior as the paper writes it, a vector and a cluster at a time."""
    table = []
    for r in vectors:
        squares = [sum((a - b) ** 2 for a, b in zip(r, centre, strict=True)) for centre in centres]
        closest = sorted(range(len(centres)), key=squares.__getitem__)[:nearest]
        kernel = {i: math.exp(-squares[i] / (2 * variance)) for i in closest}
        whole = sum(kernel.values())
        table.append([sum(kernel[i] for i in closest if classes[i] == c) / whole for c in range(class_count)])
    return np.array(table)


def planted(seed: int, count: int = 40, clusters: int = 9, size: int = 3):
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 4, clusters)
    return rng.normal(size=(count, size)), rng.normal(size=(clusters, size)), classes


@given(st.integers(0, 1000), st.integers(1, 9), st.floats(0.2, 3.0))
@settings(max_examples=40, deadline=None)
def test_the_posterior_is_that_of_the_paper(seed: int, nearest: int, variance: float):
    vectors, centres, classes = planted(seed)
    found = cluster_vote(vectors, centres, classes, variance, class_count=5, nearest=nearest)
    np.testing.assert_allclose(found, literally(vectors, centres, classes, variance, nearest, 5), atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_table_by_hand():
    """From 0, clusters lie at 1 (class 0), −2 (class 1) and 3 (class 0); the variance is 1/2."""
    vectors, centres, classes = np.zeros((1, 1)), np.array([[1.0], [-2.0], [3.0]]), np.array([0, 1, 0])
    one, four, nine = math.exp(-1), math.exp(-4), math.exp(-9)
    by_two = cluster_vote(vectors, centres, classes, 0.5, class_count=3, nearest=2)
    np.testing.assert_allclose(by_two, [[one / (one + four), four / (one + four), 0]])
    by_all = cluster_vote(vectors, centres, classes, 0.5, class_count=3)
    np.testing.assert_allclose(by_all, [[(one + nine) / (one + four + nine), four / (one + four + nine), 0]])


def test_a_single_nearest_cluster_is_the_nearest_neighbour():
    vectors, centres, _ = planted(3, count=200)
    oracle = KNeighborsClassifier(1).fit(centres, np.arange(9))
    found = cluster_vote(vectors, centres, np.arange(9), 0.3, class_count=9, nearest=1)
    np.testing.assert_array_equal(found.argmax(axis=1), oracle.predict(vectors))
    np.testing.assert_array_equal(found.max(axis=1), 1)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_far_vectors_and_narrow_kernels_still_vote(offset: float):
    """Far from all clusters every kernel is 0 in floating point; the nearest cluster wins all the same."""
    centres = np.array([[0.0, 1.0], [1.0, 0.0]]) + offset
    far = np.array([[-50.0, 1.0]]) + offset
    for variance in (1e-6, 0.0):
        found = cluster_vote(far, centres, np.array([1, 0]), variance, class_count=2)
        np.testing.assert_array_equal(found, [[0, 1]])


def test_a_shift_of_everything_changes_nothing():
    vectors, centres, classes = planted(5)
    kept = cluster_vote(vectors, centres, classes, 0.5, class_count=4, nearest=4)
    moved = cluster_vote(vectors + 1e4, centres + 1e4, classes, 0.5, class_count=4, nearest=4)
    np.testing.assert_allclose(moved, kept, atol=1e-6)


def test_blocks_of_rows_give_the_same(monkeypatch: pytest.MonkeyPatch):
    vectors, centres, classes = planted(7)
    whole = cluster_vote(vectors, centres, classes, 0.5, class_count=4, nearest=3)
    monkeypatch.setattr(module, "_AT_ONCE", 7 * len(centres))
    np.testing.assert_allclose(cluster_vote(vectors, centres, classes, 0.5, class_count=4, nearest=3), whole)


def test_embeddings_in_half_precision_and_none_at_all():
    vectors, centres, classes = planted(9)
    half = cluster_vote(vectors.astype(np.float16), centres, classes, np.array(0.5), class_count=4)
    np.testing.assert_allclose(half, cluster_vote(vectors, centres, classes, 0.5, class_count=4), atol=5e-3)
    assert cluster_vote(vectors[:0], centres, classes, 0.5, class_count=4).shape == (0, 4)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"classes": np.zeros(3, np.int64)}, "9 cluster centres and 3 classes"),
        ({"centres": np.zeros((0, 3)), "classes": np.zeros(0, np.int64)}, "0 cluster centres"),
        ({"vectors": np.zeros((5, 2))}, "use the model that made both"),
        ({"class_count": 2}, "there are 2 classes"),
        ({"variance": -1.0}, "variance of clusters"),
        ({"variance": math.nan}, "variance of clusters"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict, says: str):
    vectors, centres, classes = planted(1)
    fitting = {"vectors": vectors, "centres": centres, "classes": classes, "variance": 0.5, "class_count": 4}
    with pytest.raises(InputError, match=says):
        cluster_vote(**(fitting | changed))


def test_nobody_voting_is_refused():
    vectors, centres, classes = planted(1)
    with pytest.raises(OptionError, match="at least 1 nearest cluster"):
        cluster_vote(vectors, centres, classes, 0.5, class_count=4, nearest=0)
