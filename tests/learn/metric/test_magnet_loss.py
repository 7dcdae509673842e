"""The magnet loss against a literal transcription of the paper, its gradient against central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.learn.metric.magnet.loss import magnet_loss


def literally(vectors, cluster, classes, margin):
    """Each example's loss as the paper writes it, a cluster and an example at a time."""
    count = len(vectors)
    clusters = sorted(set(cluster))
    means = {m: sum(vectors[i] for i in range(count) if cluster[i] == m) / cluster.count(m) for m in clusters}
    class_of = dict(zip(cluster, classes, strict=True))
    variance = sum(((vectors[i] - means[cluster[i]]) ** 2).sum() for i in range(count)) / (count - 1)
    losses = []
    for i in range(count):
        above = math.exp(-((vectors[i] - means[cluster[i]]) ** 2).sum() / (2 * variance) - margin)
        below = sum(
            math.exp(-((vectors[i] - means[m]) ** 2).sum() / (2 * variance))
            for m in clusters
            if class_of[m] != classes[i]
        )
        losses.append(max(0.0, -math.log(above / below)) if below else 0.0)
    return np.array(losses)


def planted(seed: int, per_cluster: int = 4, size: int = 3):
    """Examples of five clusters in three classes: vectors, clusters, classes."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(5), per_cluster)
    classes = np.array([2, 0, 0, 1, 2])[cluster]
    return rng.normal(size=(5, size))[cluster] + 0.5 * rng.normal(size=(len(cluster), size)), cluster, classes


def outcome(vectors, cluster, classes, margin):
    return magnet_loss(torch.tensor(vectors), torch.tensor(cluster), torch.tensor(classes), margin)


@given(st.integers(0, 1000), st.floats(0, 8), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_each_example_costs_what_the_paper_says(seed: int, margin: float, per_cluster: int):
    vectors, cluster, classes = planted(seed, per_cluster)
    found, wanted = outcome(vectors, cluster, classes, margin), literally(vectors, list(cluster), list(classes), margin)
    np.testing.assert_allclose(found.losses.numpy(), wanted, atol=1e-10)
    assert found.loss.item() == pytest.approx(wanted.mean())
    assert found.active == pytest.approx((wanted > 0).mean())


def test_clusters_of_different_sizes_and_any_numbers():
    vectors, cluster, classes = planted(2)
    kept = [0, 1, 4, 5, 6, 7, 8, 12, 13, 14, 17]
    some = vectors[kept], cluster[kept] * 10 + 3, classes[kept]
    np.testing.assert_allclose(
        outcome(*some, 1.0).losses.numpy(), literally(some[0], list(some[1]), list(some[2]), 1.0), atol=1e-10
    )


@pytest.mark.parametrize("margin", [0.5, 5.0])
def test_the_gradient_is_that_of_the_transcription(margin: float):
    """Through the examples, the means and the variance at once."""
    vectors, cluster, classes = planted(11, per_cluster=3, size=2)
    leaf = torch.tensor(vectors, requires_grad=True)
    magnet_loss(leaf, torch.tensor(cluster), torch.tensor(classes), margin).loss.backward()
    step = 1e-5

    def cost(shifted: np.ndarray) -> float:
        return float(literally(shifted, list(cluster), list(classes), margin).mean())

    wanted = np.zeros_like(vectors)
    for place in np.ndindex(*vectors.shape):
        shift = np.zeros_like(vectors)
        shift[place] = step
        wanted[place] = (cost(vectors + shift) - cost(vectors - shift)) / (2 * step)
    assert np.abs(wanted).max() > 1e-3
    np.testing.assert_allclose(leaf.grad.numpy(), wanted, atol=1e-7)


def test_a_table_by_hand():
    """Clusters {−1, 1} and {3, 5}: means 0 and 4, and σ² = 4/3: exponents are −3/8 of a square."""
    found = outcome(np.array([[-1.0], [1.0], [3.0], [5.0]]), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 5.0)
    # to the own mean 1; to the other's 25 and 9: 3/8 + 5 − 3/8·25 < 0 and 3/8 + 5 − 3/8·9 = 2
    np.testing.assert_allclose(found.losses.numpy(), [0, 2, 2, 0])
    assert found.loss.item() == pytest.approx(1.0)
    assert found.active == 0.5


@given(st.integers(0, 200), st.floats(0.01, 100), st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_neither_scale_nor_place_nor_order_counts(seed: int, scale: float, shift: float):
    vectors, cluster, classes = planted(seed)
    kept = outcome(vectors, cluster, classes, 2.0).losses.numpy()
    order = np.random.default_rng(seed).permutation(len(vectors))
    changed = outcome((vectors * scale + shift)[order], cluster[order], classes[order], 2.0).losses.numpy()
    np.testing.assert_allclose(changed, kept[order], atol=1e-6)


def test_clusters_of_one_class_do_not_push_each_other():
    vectors, cluster, _ = planted(4)
    leaf = torch.tensor(vectors, requires_grad=True)
    found = magnet_loss(leaf, torch.tensor(cluster), torch.zeros(len(cluster), dtype=torch.int64), 3.0)
    found.loss.backward()
    assert found.loss.item() == found.active == 0
    np.testing.assert_array_equal(leaf.grad.numpy(), 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_is_all_alike_or_very_far_stays_finite(dtype: torch.dtype):
    vectors, cluster, classes = (torch.tensor(part) for part in planted(5))
    for some in (torch.ones_like(vectors), 100 * vectors, vectors.mul(0) + classes[:, None]):
        leaf = some.to(dtype).requires_grad_()
        found = magnet_loss(leaf, cluster, classes, 1.0)
        found.loss.backward()
        assert found.loss.isfinite()
        assert found.loss.dtype == torch.float32
        assert leaf.grad.isfinite().all()


def test_a_cluster_of_two_classes_is_refused():
    vectors, cluster, classes = planted(6)
    classes[0] = 1
    with pytest.raises(OptionError, match="two classes"):
        outcome(vectors, cluster, classes, 1.0)
