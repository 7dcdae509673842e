"""The cluster index and the batches drawn from it: planted clusters, sums by hand, chances by a chi-square test."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from geolabel.errors import EmptyError, OptionError
from geolabel.learn.metric.magnet import index as module
from geolabel.learn.metric.magnet.batches import draw_batch, seed_chances
from geolabel.learn.metric.magnet.index import build_index, place_index, with_losses
from geolabel.scoring.cluster_vote import cluster_vote


def planted(seed: int = 0, per_mode: int = 20):
    """Three classes of two modes each, far apart, and some tiles without a label: vectors, labels, modes."""
    rng = np.random.default_rng(seed)
    mode = np.repeat(np.arange(6), per_mode)
    rng.shuffle(mode)
    vectors = 10 * np.eye(6)[mode] + 0.1 * rng.normal(size=(len(mode), 6))
    labels = np.array([0, 4, 0, 2, 4, 2])[mode]
    labels[rng.random(len(labels)) < 0.1] = -1
    return vectors.astype(np.float32), labels, mode


def means_of(values, groups, count):
    return np.array([np.mean([v for v, g in zip(values, groups, strict=True) if g == n], axis=0) for n in range(count)])


def test_planted_clusters_are_found():
    vectors, labels, mode = planted()
    index = build_index(vectors, labels, 2, seed=1)
    known = labels >= 0
    np.testing.assert_array_equal(index.assigned[~known], -1)
    assert adjusted_rand_score(mode[known], index.assigned[known]) == 1
    np.testing.assert_array_equal(index.classes, [0, 0, 2, 2, 4, 4])
    np.testing.assert_array_equal(index.classes[index.assigned[known]], labels[known])


def test_centres_variance_and_tiles_are_those_of_the_clusters():
    vectors, labels, _ = planted(2)
    index = build_index(vectors, labels, 2, seed=1)
    known = labels >= 0
    centres = means_of(vectors[known].astype(np.float64), index.assigned[known], 6)
    np.testing.assert_allclose(index.centres, centres, atol=1e-5)
    squares = np.square(vectors[known] - centres[index.assigned[known]]).sum()
    assert index.variance == pytest.approx(squares / (known.sum() - 1), rel=1e-5)
    for cluster in range(6):
        np.testing.assert_array_equal(index.tiles_of(cluster), np.flatnonzero(index.assigned == cluster))


@pytest.mark.parametrize("most_at_once", [20_000, 30])
def test_it_is_as_tight_as_scikit_learns_best_of_ten(monkeypatch: pytest.MonkeyPatch, most_at_once: int):
    """Of all tiles at once and in batches."""
    monkeypatch.setattr(module, "_MOST_AT_ONCE", most_at_once)
    vectors, labels, _ = planted(3)
    index = build_index(vectors, labels, 2, seed=0)
    best = sum(KMeans(2, n_init=10, random_state=0).fit(vectors[labels == label]).inertia_ for label in (0, 2, 4))
    assert index.variance * ((labels >= 0).sum() - 1) == pytest.approx(best, rel=1e-3)


def test_the_same_seed_gives_the_same_index():
    vectors, labels, _ = planted(4)
    one, other = (build_index(vectors, labels, 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.assigned, other.assigned)
    np.testing.assert_array_equal(one.centres, other.centres)


def test_small_classes_get_fewer_clusters():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [1, 9, 40])
    index = build_index(rng.normal(size=(50, 2)), labels, 5, seed=0)
    np.testing.assert_array_equal(np.bincount(index.classes), [1, 2, 5])


def test_a_collapsed_network_gives_a_cluster_a_class():
    """Where all vectors of a class are alike there is nothing to divide, and nothing to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        index = build_index(np.ones((40, 3), np.float32), np.repeat([0, 1], 20), 4, seed=0)
    np.testing.assert_array_equal(index.classes, [0, 1])
    assert index.variance == 0
    assert len(draw_batch(index, 2, 4, np.random.default_rng(0)).rows) == 8


def test_places_are_clusters_of_their_own_class():
    places = np.array([7, 3, -1, 7, 3, 12])
    vectors = np.array([[0.0], [10], [99], [2], [14], [5]])
    index = place_index(vectors, places)
    np.testing.assert_array_equal(index.classes, [3, 7, 12])
    np.testing.assert_array_equal(index.assigned, [1, 0, -1, 1, 0, 2])
    np.testing.assert_array_equal(index.centres, [[12], [1], [5]])
    assert index.variance == pytest.approx((2 * 2**2 + 2 * 1**2) / 4)


def test_losses_are_means_of_the_latest():
    index = place_index(np.zeros((6, 1)), np.array([0, 0, 0, 1, 1, 2]))
    assert np.isnan(index.losses).all()
    first = with_losses(index, np.array([0, 1, 3]), np.array([1.0, 3.0, 5.0]))
    np.testing.assert_array_equal(first.losses, [2, 5, np.nan])
    second = with_losses(first, np.array([1, 2, 3]), np.array([0.0, 2.0, 0.0]))
    np.testing.assert_array_equal(second.losses, [1, 0, np.nan])
    assert np.isnan(index.losses).all(), "the index itself is not changed"


def test_losses_outlive_a_rebuilt_index():
    vectors, labels, _ = planted(6)
    old = with_losses(build_index(vectors, labels, 1, 0), np.arange(30), np.linspace(0, 3, 30))
    seen = np.flatnonzero(np.isfinite(old.latest))
    new = with_losses(build_index(vectors, labels, 2, 0), seen, old.latest[seen])
    known = (labels[:30] >= 0) & (new.assigned[:30] == 3)
    assert new.losses[3] == pytest.approx(np.linspace(0, 3, 30)[known].mean(), rel=1e-6)


@pytest.mark.parametrize(("losses", "chances"), [
    ([1, 3, 0, 4, 0, 2], [0.1, 0.3, 0, 0.4, 0, 0.2]),
    ([1, np.nan, 3, np.nan, np.nan, 2], [1 / 12, 2 / 12, 3 / 12, 2 / 12, 2 / 12, 2 / 12]),
    ([0, 0, np.nan, 0, 0, 0], [1 / 6] * 6),
    ([np.nan] * 6, [1 / 6] * 6),
])  # fmt: skip
def test_seeds_are_drawn_in_proportion_to_the_loss(losses: list[float], chances: list[float]):
    index = place_index(np.arange(6.0)[:, None], np.arange(6))
    seen = np.flatnonzero(np.isfinite(losses))
    index = with_losses(index, seen, np.array(losses)[seen])
    np.testing.assert_allclose(seed_chances(index), chances)
    rng = np.random.default_rng(8)
    drawn = np.bincount([draw_batch(index, 3, 1, rng).classes[0] for _ in range(2000)], minlength=6)
    possible = np.array(chances) > 0
    assert not drawn[~possible].any()
    # chance may fail it once in 10,000 seeds; a wrong proportion would be far below
    assert chisquare(drawn[possible], 2000 * np.array(chances)[possible]).pvalue > 1e-4


@given(st.integers(0, 100), st.integers(2, 9), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_a_batch_is_a_seed_and_its_nearest_impostors(seed: int, clusters: int, examples: int):
    vectors, labels, _ = planted(seed, per_mode=15)
    vectors += np.random.default_rng(seed).normal(size=vectors.shape).astype(np.float32)
    index = build_index(vectors, labels, 2, seed)
    batch = draw_batch(index, clusters, examples, np.random.default_rng(seed))
    shown = index.assigned[batch.rows].reshape(-1, examples)
    assert (shown == shown[:, :1]).all()
    np.testing.assert_array_equal(batch.cluster, np.repeat(np.arange(len(shown)), examples))
    np.testing.assert_array_equal(batch.classes, labels[batch.rows])
    first, *others = shown[:, 0]
    apart = [other for other in range(6) if index.classes[other] != index.classes[first]]
    nearest = sorted(apart, key=lambda other: np.linalg.norm(index.centres[other] - index.centres[first]))
    assert others == nearest[: clusters - 1]
    for cluster, rows in zip(shown[:, 0], batch.rows.reshape(-1, examples), strict=True):
        times = np.unique(rows, return_counts=True)[1]
        own = len(index.tiles_of(cluster))
        assert len(times) == min(own, examples)
        assert times.max() - times.min() <= 1


def test_the_same_generator_draws_the_same():
    vectors, labels, _ = planted(9)
    index = build_index(vectors, labels, 2, 0)
    one, other = (draw_batch(index, 4, 5, np.random.default_rng(3)) for _ in range(2))
    for part, same in zip(one, other, strict=True):
        np.testing.assert_array_equal(part, same)


def test_what_is_kept_in_a_model_classifies():
    vectors, labels, mode = planted(10)
    index = build_index(vectors, labels, 2, 0)
    posterior = cluster_vote(vectors, **index.to_arrays(), class_count=5)
    np.testing.assert_array_equal(posterior.argmax(axis=1), np.array([0, 4, 0, 2, 4, 2])[mode])


def test_what_cannot_be_pushed_apart_is_refused():
    vectors = np.zeros((8, 2))
    with pytest.raises(EmptyError, match="have 1 of them"):
        build_index(vectors, np.repeat([-1, 3], 4), 2, 0)
    with pytest.raises(EmptyError, match="there are 1"):
        place_index(vectors, np.zeros(8, np.int64))
    with pytest.raises(OptionError, match="clusters per class"):
        build_index(vectors, np.repeat([0, 1], 4), 0, 0)
    with pytest.raises(OptionError, match="at least 2 clusters"):
        draw_batch(build_index(vectors, np.repeat([0, 1], 4), 1, 0), 1, 4, np.random.default_rng(0))
