"""Probes on planted vectors: what they must find, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from geolabel.errors import EmptyError, OptionError
from geolabel.learn.probes import PROBES, fit_probe, fit_share_probe
from geolabel.scoring.shares import summed_error


def labelled(seed: int, count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, numbered 4, 7 and 20, around places of their own."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(99).normal(size=(3, 8))
    number = rng.integers(0, 3, count)
    return (places[number] + rng.normal(0, 0.4, (count, 8))).astype(np.float32), np.array([4, 7, 20])[number]


def shared(seed: int, count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Vectors between the places of three classes, by their shares."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(3, 0.7), count)
    return shares @ np.random.default_rng(99).normal(size=(3, 8)) + rng.normal(0, 0.05, (count, 8)), shares


@pytest.mark.parametrize("name", PROBES)
def test_labels_are_found(name: str) -> None:
    (vectors, labels), (asked, truth) = labelled(0), labelled(1)
    found = fit_probe(name, vectors, labels, seed=0).predict(asked)
    assert (found == truth).mean() > 0.85
    assert found.dtype == np.int64
    assert (fit_probe(name, vectors, labels, seed=0).predict(asked) == found).all()
    half = fit_probe(name, vectors.astype(np.float16), labels, seed=0).predict(asked.astype(np.float16))
    assert (half == found).mean() > 0.97


@pytest.mark.parametrize("name", PROBES)
def test_shares_are_found_and_are_shares(name: str) -> None:
    (vectors, shares), (asked, truth) = shared(0), shared(1)
    found = fit_share_probe(name, vectors, shares, seed=0).predict(asked)
    assert found.shape == truth.shape
    assert found.min() >= 0
    assert found.sum(axis=1) == pytest.approx(1)
    usual = np.tile(shares.mean(axis=0), (len(truth), 1))
    assert summed_error(found, truth) < 0.5 * summed_error(usual, truth)
    assert (fit_share_probe(name, vectors, shares, seed=0).predict(asked) == found).all()


@pytest.mark.parametrize("name", ["svc", "mlp"])
def test_units_have_no_say_where_distances_would_be_theirs(name: str) -> None:
    (vectors, labels), (asked, truth) = labelled(0), labelled(1)
    units = np.logspace(-3, 3, 8)
    found = fit_probe(name, vectors * units, labels, seed=0).predict(asked * units)
    assert (found == truth).mean() > 0.85


def test_a_forest_is_another_with_another_seed() -> None:
    (vectors, shares), (asked, _) = shared(0), shared(1)
    first, second = (fit_share_probe("rfc", vectors, shares, seed).predict(asked) for seed in (0, 1))
    assert (first != second).any()


def test_few_tiles_and_one_class() -> None:
    vectors = np.eye(3)
    assert fit_probe("knn", vectors, np.array([0, 1, 1]), 0).predict(vectors).tolist() == [1, 1, 1]
    for name in PROBES:
        assert fit_share_probe(name, vectors, np.ones((3, 1)), 0).predict(vectors).tolist() == [[1], [1], [1]]


def test_where_nothing_is_seen_shares_are_the_usual_ones() -> None:
    """Two rows that sum to nothing, and one of water: a neighbourhood of none is the mean of all."""
    vectors, shares = np.arange(12.0)[:, None], np.zeros((12, 2))
    shares[11, 1] = 1
    assert fit_share_probe("knn", vectors, shares, 0).predict(np.array([[0.0]])).tolist() == [[0, 1]]


def test_what_cannot_be_fitted() -> None:
    vectors, labels = labelled(0, 20)
    with pytest.raises(OptionError, match="'svm' is no probe; there are knn, svc, rfc, mlp, dt"):
        fit_probe("svm", vectors, labels, 0)
    with pytest.raises(EmptyError, match="one class only"):
        fit_probe("knn", vectors, np.zeros(20, int), 0)
    with pytest.raises(EmptyError, match="no tiles to fit the dt probe on"):
        fit_share_probe("dt", vectors[:0], np.zeros((0, 2)), 0)
    with pytest.raises(EmptyError, match="no tile with a share"):
        fit_share_probe("dt", vectors, np.zeros((20, 2)), 0)
    with pytest.raises(ValueError, match="19 rows"):
        fit_probe("knn", vectors, labels[1:], 0)
