"""Clusters: against scikit-learn, whatever the blocks; what belongs to none stays so."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import HDBSCAN, KMeans

from geolabel.embeddings.clusters import NOISE, hdbscan, kmeans, sample, squared_distances
from geolabel.errors import EmptyError


def reader(vectors, edges=()):
    cuts = [0, *sorted(edges), len(vectors)]
    return lambda: [(first, vectors[first:end]) for first, end in pairwise(cuts) if end > first]


def planted(sizes=(60, 40, 90), size=6, spread=0.1, seed=0):
    """Groups far apart, shuffled; and which group each vector is of."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), size)) * 2
    return (centres[groups] + rng.normal(size=(len(groups), size)) * spread).astype("float16"), groups


def test_by_hand():
    line = np.array([[0.0], [1], [2], [10], [11], [30]], "float32")
    found = kmeans(reader(line, [2, 3]), 6, 3, seed=0)
    assert found.members.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.centres[:, 0].tolist() == [1, 10.5, 30]
    assert found.prototypes.tolist() == [1, 3, 5]


@settings(max_examples=15)
@given(st.lists(st.integers(0, 190), max_size=4), st.integers(0, 5), st.sampled_from([50, 1_000]))
def test_planted_groups_are_found_whatever_the_blocks_and_the_sample(edges, seed, most):
    vectors, groups = planted()
    found = kmeans(reader(vectors, edges), len(vectors), 3, seed, most)
    assert np.bincount(found.members).tolist() == [90, 60, 40], "the largest is the first"
    pairs = set(zip(found.members.tolist(), groups.tolist(), strict=True))
    assert len(pairs) == 3
    assert np.allclose(
        found.centres, [vectors[found.members == n].astype(float).mean(axis=0) for n in range(3)], atol=1e-3
    )


def test_as_near_as_scikit_learn_on_what_has_no_groups():
    vectors = np.random.default_rng(0).normal(size=(3_000, 8)).astype("float32")
    found = kmeans(reader(vectors, [100, 1_700]), 3_000, 6, seed=0, most=500)
    spread = squared_distances(vectors, found.centres).min(axis=1).sum()
    assert spread < KMeans(6, n_init=8, random_state=0).fit(vectors).inertia_ * 1.02


def test_prototypes_are_members_nearest_their_centre():
    vectors, _ = planted(spread=0.5)
    found = kmeans(reader(vectors, [7, 91]), len(vectors), 3, seed=0)
    for name in range(3):
        distances = np.linalg.norm(vectors.astype(float) - found.centres[name], axis=1)
        distances[found.members != name] = np.inf
        assert distances[found.prototypes[name]] == pytest.approx(distances.min(), rel=1e-4)


def test_no_more_clusters_than_different_vectors():
    vectors = np.array([[0.0, 1]] * 5 + [[1.0, 0]] * 3, "float32")
    found = kmeans(reader(vectors), 8, 4, seed=0)
    assert np.bincount(found.members).tolist() == [5, 3]


def test_hdbscan_is_that_of_scikit_learn_where_all_is_sampled():
    vectors, groups = planted()
    lost = np.random.default_rng(1).uniform(-9, 9, (25, 6)).astype("float16")
    both = np.concatenate([vectors, lost])
    found = hdbscan(reader(both, [50]), len(both))
    told = HDBSCAN(min_cluster_size=5, copy=True).fit_predict(both.astype("float32"))
    assert ((found.members == NOISE) == (told < 0)).all()
    assert (found.members[190:] == NOISE).mean() > 0.9
    table = np.zeros((3, 3))
    np.add.at(table, (found.members[:190][found.members[:190] >= 0], groups[found.members[:190] >= 0]), 1)
    best = linear_sum_assignment(-table)
    assert table[best].sum() > 0.95 * 190


def test_hdbscan_reaches_from_a_sample_to_all():
    vectors, groups = planted((300, 200, 450))
    far = np.full((10, 6), 50, "float16")
    both = np.concatenate([vectors, far])
    found = hdbscan(reader(both, [333]), len(both), most=200)
    assert (found.members[-10:] == NOISE).all()
    known = found.members[:950] >= 0
    assert known.mean() > 0.85, "95 of 100 of the sample lie within the radius"
    assert len(set(zip(found.members[:950][known].tolist(), groups[known].tolist(), strict=True))) == 3


def test_a_sample_is_every_nth_across_blocks():
    vectors = np.arange(20, dtype="float32")[:, None]
    rows, few = sample(reader(vectors, [3, 4, 11]), 20, 7)
    assert rows.tolist() == few[:, 0].tolist() == list(range(0, 20, 3))


def test_refused():
    with pytest.raises(EmptyError):
        kmeans(list, 0, 2, seed=0)
    scattered = np.random.default_rng(0).uniform(-1, 1, (40, 12)).astype("float32")
    with pytest.raises(EmptyError, match="use kmeans"):
        hdbscan(reader(scattered), 40)
