"""A linear probe on planted classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from geolabel.learn.search_probe import SearchProbe

CPU = torch.device("cpu")
NONE = np.zeros((0, 32), np.float32)


def planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (4000, 32) of ten classes, each in two shapes that have little in common; the class of each."""
    rng = np.random.default_rng(seed)
    names = rng.integers(0, 20, 4000)
    spread = np.exp(-np.arange(32) / 8)
    vectors = (rng.standard_normal((20, 32))[names] + 0.5 * rng.standard_normal((4000, 32))) * spread
    vectors += rng.standard_normal(32)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), names // 2


@pytest.mark.parametrize("count", [3, 10])
def test_it_finds_a_class_better_than_the_mean_of_its_examples(count: int) -> None:
    vectors, names = planted(1)
    scores = []
    for wanted in range(6):
        like = vectors[names == wanted][:count]
        probe = SearchProbe.fit(like, NONE, vectors[::4], 0)
        found = probe.score(CPU)(torch.from_numpy(vectors)).numpy()
        scores.append([average_precision_score(names == wanted, each) for each in (found, vectors @ like.mean(axis=0))])
    probe_ap, mean_ap = np.mean(scores, axis=0)
    assert probe_ap > mean_ap


def test_examples_of_what_is_not_meant_count_as_much_as_the_background() -> None:
    vectors, names = planted(2)
    like, unlike, background = vectors[names == 0][:3], vectors[names == 1][:3], vectors[::4]
    without, with_them = (
        SearchProbe.fit(like, others, background, 0).score(CPU)(torch.from_numpy(vectors)).numpy()
        for others in (NONE, unlike)
    )

    def apart(scores: np.ndarray) -> float:
        return float(np.median(scores[names == 0]) - np.median(scores[names == 1]))

    assert apart(with_them) > apart(without)


def test_the_logit_is_that_of_scikit_learn() -> None:
    vectors, names = planted(3)
    probe = SearchProbe.fit(vectors[names == 0][:5], NONE, vectors[::4], 0)
    found = probe.score(CPU)(torch.from_numpy(vectors)).numpy()
    assert found == pytest.approx(vectors.astype(float) @ probe.weights.astype(float) + probe.bias, abs=1e-3)
