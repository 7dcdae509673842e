"""Losses on tuples against slow, literal transcriptions of their papers: values, gradients, laws, sums by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geolabel.errors import OptionError
from geolabel.learn.metric.losses import LossSettings, TupleLoss, loss_of
from geolabel.learn.metric.mining import miner_of
from geolabel.learn.metric.relation import Relation
from geolabel.learn.metric.tuples import Mined, distances

Vectors = NDArray[np.float64]
Tuples = list[tuple[int, ...]]
Weights = list[float] | None
MARGIN = 0.7


def d(x: Vectors, y: Vectors) -> float:
    return math.sqrt(sum((one - other) ** 2 for one, other in zip(x.tolist(), y.tolist(), strict=True)))


def hinge(x: float) -> float:
    return max(0.0, x)


def averaged(terms: list[float], weights: Weights) -> float:
    own = [1.0] * len(terms) if weights is None else weights
    return sum(w * t for w, t in zip(own, terms, strict=True)) / sum(own)


def triplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    return averaged([hinge(MARGIN + d(v[a], v[p]) - d(v[a], v[n])) for a, p, n in tuples], weights)


def soft_triplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    return averaged([math.log(1 + math.exp(d(v[a], v[p]) - d(v[a], v[n]))) for a, p, n in tuples], weights)


def ratio(near: float, apart: float) -> float:
    """Hoffer and Ailon: the mean squared error of (d₊, d₋ − 1)."""
    total = math.exp(near) + math.exp(apart)
    return (math.exp(near) / total - (math.exp(apart) / total - 1)) ** 2


def softmax_triplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    return averaged([ratio(d(v[a], v[p]), d(v[a], v[n])) for a, p, n in tuples], weights)


def tile2vec(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    def length(x: Vectors) -> float:
        return d(x, np.zeros_like(x))

    terms = [
        hinge(d(v[a], v[n]) - d(v[a], v[far]) + MARGIN) + 0.05 * (length(v[a]) + length(v[n]) + length(v[far]))
        for a, n, far in tuples
    ]
    return averaged(terms, weights)


def quadruplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    terms = [
        hinge(d(v[i], v[j]) ** 2 - d(v[i], v[k]) ** 2 + MARGIN)
        + hinge(d(v[i], v[j]) ** 2 - d(v[other], v[k]) ** 2 + MARGIN / 2)
        for i, j, k, other in tuples
    ]
    return averaged(terms, weights)


def plain_quadruplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    terms = [
        hinge(d(v[a], v[p]) - d(v[a], v[n]) + MARGIN) + hinge(d(v[a], v[p]) - d(v[n2], v[n]) + MARGIN / 2)
        for a, p, n, n2 in tuples
    ]
    return averaged(terms, weights)


def softmax_quadruplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int]) -> float:
    terms = [ratio(d(v[a], v[p]), d(v[a], v[n])) + ratio(d(v[a], v[p]), d(v[other], v[n])) for a, p, n, other in tuples]
    return averaged(terms, weights)


def gap(v: Vectors, labels: list[int]) -> float:
    """Mean squared distance of negative pairs less that of positive ones."""
    apart, together = [], []
    for i in range(len(v)):
        for j in range(len(v)):
            if i != j:
                (together if labels[i] == labels[j] else apart).append(d(v[i], v[j]) ** 2)
    return sum(apart) / len(apart) - sum(together) / len(together)


def adaptive_quadruplet(v: Vectors, tuples: Tuples, weights: Weights, labels: list[int], fixed: float) -> float:
    terms = [
        hinge(d(v[i], v[j]) ** 2 - d(v[i], v[k]) ** 2 + 1.0 * fixed)
        + hinge(d(v[i], v[j]) ** 2 - d(v[other], v[k]) ** 2 + 0.5 * fixed)
        for i, j, k, other in tuples
    ]
    return averaged(terms, weights)


PAPERS: dict[str, tuple[str, LossSettings, Callable[..., float]]] = {
    "triplet": ("triplet", LossSettings(MARGIN), triplet),
    "soft margin": ("triplet", LossSettings(MARGIN, soft_margin=True), soft_triplet),
    "softmax distance": ("triplet", LossSettings(MARGIN, alt_loss=True), softmax_triplet),
    "tile2vec": ("tile2vec", LossSettings(MARGIN, norm_penalty=0.05), tile2vec),
    "quadruplet": ("quadruplet", LossSettings(MARGIN), quadruplet),
    "quadruplet, plain": ("quadruplet", LossSettings(MARGIN, compat=True), plain_quadruplet),
    "quadruplet, softmax distance": ("quadruplet", LossSettings(MARGIN, alt_loss=True), softmax_quadruplet),
    "quadruplet, adaptive": ("quadruplet", LossSettings(MARGIN, adaptive=True), adaptive_quadruplet),
}


def batch(seed: int, size: int, count: int = 10) -> tuple[Vectors, list[int], Tuples, list[float]]:
    """Vectors of four classes that overlap, tuples of them and their weights."""
    rng = np.random.default_rng(seed)
    labels = [at % 4 for at in range(count)]
    vectors = rng.normal(size=(count, 5)) * 0.6 + rng.normal(size=(4, 5))[labels] * 0.5
    names = ("a", "p", "n", "l")[:size]
    tuples: Tuples = []
    while len(tuples) < 12:
        drawn = dict(zip(names, rng.integers(0, count, size).tolist(), strict=True))
        classes = {labels[drawn[name]] for name in names if name != "p"}
        if drawn["a"] != drawn["p"] and labels[drawn["a"]] == labels[drawn["p"]] and len(classes) == size - 1:
            tuples.append(tuple(drawn.values()))
    return vectors, labels, tuples, rng.uniform(0.1, 1, len(tuples)).tolist()


def asked(
    loss: TupleLoss, vectors: torch.Tensor, labels: list[int], tuples: Tuples, weights: Weights
) -> tuple[torch.Tensor, float]:
    mined = Mined(torch.tensor(tuples), None if weights is None else torch.tensor(weights, dtype=torch.float64))
    outcome = loss(vectors, Relation.of_labels(torch.tensor(labels)), mined)
    return outcome.loss, outcome.active


def central(of: Callable[[Vectors], float], at: Vectors, step: float = 1e-6) -> Vectors:
    """The gradient by central differences, one number at a time."""
    slopes = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        ahead, behind = at.copy(), at.copy()
        ahead[place] += step
        behind[place] -= step
        slopes[place] = (of(ahead) - of(behind)) / (2 * step)
    return slopes


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", PAPERS)
@given(seed=st.integers(0, 10_000))
def test_values_and_gradients_are_those_of_the_paper(kind: str, weighted: bool, seed: int):
    name, settings, paper = PAPERS[kind]
    vectors, labels, tuples, drawn = batch(seed, 4 if name == "quadruplet" else 3)
    weights = drawn if weighted else None
    fixed = (gap(vectors, labels),) if settings.adaptive else ()  # through which no gradient flows
    tensor = torch.tensor(vectors, requires_grad=True)
    loss, _ = asked(loss_of(name, settings), tensor, labels, tuples, weights)
    assert float(loss.detach()) == pytest.approx(paper(vectors, tuples, weights, labels, *fixed), abs=1e-12)
    loss.backward()
    assert tensor.grad is not None
    slopes = central(lambda v: paper(v, tuples, weights, labels, *fixed), vectors)
    np.testing.assert_allclose(tensor.grad.numpy(), slopes, atol=1e-7)


@pytest.mark.parametrize("kind", PAPERS)
def test_vectors_of_half_precision_are_compared_in_float32(kind: str):
    name, settings, _ = PAPERS[kind]
    vectors, labels, tuples, _ = batch(3, 4 if name == "quadruplet" else 3)
    half = torch.tensor(vectors).bfloat16()
    found, _ = asked(loss_of(name, settings), half, labels, tuples, None)
    exact, _ = asked(loss_of(name, settings), half.double(), labels, tuples, None)
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(float(exact), rel=1e-5)


LINE = torch.tensor([[0.0, 0.0], [3.0, 0.0], [4.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
"""Two that belong together, 3 apart; from the first, one is 4 and one 2 away, and √20 from each other."""


def one(name: str, row: tuple[int, ...], **settings: float) -> tuple[float, float]:
    loss, active = asked(loss_of(name, LossSettings(**settings)), LINE, [0, 0, 1, 2], [row], None)  # type: ignore[arg-type]
    return float(loss), active


def test_tables_by_hand():
    assert one("triplet", (0, 1, 2), margin=0.5) == (0, 0)  # .5 + 3 − 4
    assert one("triplet", (0, 1, 3), margin=0.5) == (1.5, 1)  # .5 + 3 − 2
    assert one("triplet", (0, 1, 2), margin=0.5, soft_margin=True)[0] == pytest.approx(math.log(1 + math.exp(-1)))
    assert one("triplet", (0, 1, 3), alt_loss=True)[0] == pytest.approx(4 / (1 + math.exp(-1)) ** 2)
    assert one("tile2vec", (0, 1, 3), margin=10, norm_penalty=0.01) == (pytest.approx(11 + 0.05), 1)
    assert one("quadruplet", (0, 1, 2, 3), margin=8) == (1, 1)  # [9 − 16 + 8]₊ + [9 − 20 + 4]₊
    assert one("quadruplet", (0, 1, 3, 2), margin=8) == (13, 1)  # [9 − 4 + 8]₊ + [9 − 20 + 4]₊
    assert one("quadruplet", (0, 1, 2, 3), margin=2, compat=True)[0] == 1  # [3 − 4 + 2]₊ + [3 − √20 + 1]₊
    assert one("quadruplet", (0, 1, 2, 3), margin=2) == (0, 0)


def test_adaptive_margins_by_hand():
    # negative pairs 16, 4, 1, 13 and 20 squared: 10.8 in the mean; the positive pair 9. So 1.8 and .9
    assert one("quadruplet", (0, 1, 3, 2), adaptive=True)[0] == pytest.approx(9 - 4 + 1.8)


def test_softmax_distance_goes_from_0_over_1_to_4():
    far = torch.tensor([[0.0], [0.0], [0.0], [50.0]])
    loss = loss_of("triplet", LossSettings(alt_loss=True))
    found = [float(asked(loss, far, [0, 0, 1, 1], [row], None)[0]) for row in [(0, 1, 3), (0, 1, 2), (0, 3, 2)]]
    assert found == pytest.approx([0, 1, 4], abs=1e-6)


@pytest.mark.parametrize("name", ["triplet", "quadruplet", "tile2vec"])
@given(seed=st.integers(0, 10_000))
def test_classes_far_enough_apart_teach_nothing(name: str, seed: int):
    vectors, labels, tuples, _ = batch(seed, 4 if name == "quadruplet" else 3)
    centres = np.eye(4, 5)[labels] * 100
    found = asked(
        loss_of(name, LossSettings(MARGIN, norm_penalty=0)), torch.tensor(vectors + centres), labels, tuples, None
    )
    assert (float(found[0]), found[1]) == (0, 0)


@pytest.mark.parametrize("kind", PAPERS)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_tiles_and_tuples_does_not_matter(kind: str, seed: int):
    name, settings, _ = PAPERS[kind]
    vectors, labels, tuples, weights = batch(seed, 4 if name == "quadruplet" else 3)
    rng = np.random.default_rng(seed)
    order, rows = rng.permutation(len(vectors)), rng.permutation(len(tuples))
    place = np.argsort(order)
    moved = [tuple(place[list(tuples[row])].tolist()) for row in rows]
    loss = loss_of(name, settings)
    before = asked(loss, torch.tensor(vectors), labels, tuples, weights)
    after = asked(
        loss,
        torch.tensor(vectors[order]),
        [labels[at] for at in order.tolist()],
        moved,
        [weights[row] for row in rows.tolist()],
    )
    assert float(after[0]) == pytest.approx(float(before[0]))
    assert after[1] == before[1]


@pytest.mark.parametrize(("name", "power"), [("triplet", 1), ("tile2vec", 1), ("quadruplet", 2)])
@given(seed=st.integers(0, 10_000), factor=st.floats(0.1, 10))
def test_lengths_scale_losses_with_their_margins(name: str, power: int, seed: int, factor: float):
    vectors, labels, tuples, _ = batch(seed, 4 if name == "quadruplet" else 3)
    loss = loss_of(name, LossSettings(MARGIN))
    longer = loss_of(name, LossSettings(MARGIN * factor**power))
    before, _ = asked(loss, torch.tensor(vectors), labels, tuples, None)
    after, _ = asked(longer, torch.tensor(vectors * factor), labels, tuples, None)
    assert float(after) == pytest.approx(float(before) * factor**power)


@given(seed=st.integers(0, 10_000), factor=st.floats(0.1, 10))
def test_adaptive_margins_scale_by_themselves(seed: int, factor: float):
    vectors, labels, tuples, _ = batch(seed, 4)
    loss = loss_of("quadruplet", LossSettings(adaptive=True))
    before, active = asked(loss, torch.tensor(vectors), labels, tuples, None)
    after, still = asked(loss, torch.tensor(vectors * factor), labels, tuples, None)
    assert float(after) == pytest.approx(float(before) * factor**2)
    assert still == active


@pytest.mark.parametrize("kind", PAPERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vectors_that_coincide_have_finite_gradients(kind: str, dtype: torch.dtype):
    name, settings, _ = PAPERS[kind]
    _, labels, tuples, _ = batch(1, 4 if name == "quadruplet" else 3)
    for value in (0.0, 0.3):
        vectors = torch.full((len(labels), 5), value, dtype=dtype, requires_grad=True)
        asked(loss_of(name, settings), vectors, labels, tuples, None)[0].backward()
        assert vectors.grad is not None
        assert vectors.grad.isfinite().all()


def test_near_vectors_have_the_distance_that_they_have():
    vectors = torch.full((64, 32), 10.0)
    vectors[1, 0] += 2**-10  # products of float32 would lose it
    assert float(distances(vectors)[0, 1]) == 2**-10


@pytest.mark.parametrize("kind", PAPERS)
def test_without_tuples_the_loss_is_0_with_a_gradient(kind: str):
    name, settings, _ = PAPERS[kind]
    vectors = torch.randn(4, 3, requires_grad=True)
    mined = Mined(torch.empty((0, 4 if name == "quadruplet" else 3), dtype=torch.int64))
    outcome = loss_of(name, settings)(vectors, Relation.of_labels(torch.zeros(4, dtype=torch.int64)), mined)
    outcome.loss.backward()
    assert (outcome.loss.item(), outcome.active) == (0, 0)
    assert vectors.grad is not None
    assert not vectors.grad.any()


def test_batch_hard_is_a_triplet_loss_on_mined_tuples():
    """Hermans et al., equation 5, and its soft margin, with nothing but the batch."""
    vectors, labels, _, _ = batch(7, 3, count=16)
    same = [[other for other in range(16) if labels[other] == labels[at] and other != at] for at in range(16)]
    apart = [[other for other in range(16) if labels[other] != labels[at]] for at in range(16)]
    hardest = [
        max(d(vectors[at], vectors[p]) for p in same[at]) - min(d(vectors[at], vectors[n]) for n in apart[at])
        for at in range(16)
    ]
    relation = Relation.of_labels(torch.tensor(labels))
    tensor = torch.tensor(vectors)
    mined = miner_of(["hard-positive", "hard-negative"])(tensor, relation, torch.Generator())
    found = loss_of("triplet", LossSettings(MARGIN))(tensor, relation, mined).loss
    assert float(found) == pytest.approx(sum(hinge(MARGIN + x) for x in hardest) / 16)
    soft = loss_of("triplet", LossSettings(MARGIN, soft_margin=True))(tensor, relation, mined).loss
    assert float(soft) == pytest.approx(sum(math.log(1 + math.exp(x)) for x in hardest) / 16)


def test_what_contradicts_is_refused():
    with pytest.raises(OptionError, match="no such loss on tuples; choose one of triplet, quadruplet"):
        loss_of("magnet", LossSettings())
    for other in ("soft_margin", "adaptive"):
        with pytest.raises(OptionError, match="--alt-loss has no margin"):
            LossSettings(alt_loss=True, **{other: True})
    with pytest.raises(OptionError, match="fixed margins"):
        LossSettings(compat=True, adaptive=True)
    relation = Relation.of_labels(torch.tensor([0, 0, 1]))
    with pytest.raises(OptionError, match="mine tuples of 4"):
        loss_of("quadruplet", LossSettings())(torch.ones(3, 2), relation, Mined(torch.tensor([[0, 1, 2]])))
    with pytest.raises(OptionError, match=r"\(k, 3\) or \(k, 4\), got \(1, 2\)"):
        Mined(torch.tensor([[0, 1]]))
    with pytest.raises(OptionError, match="2 weights for 1 tuples"):
        Mined(torch.tensor([[0, 1, 2]]), torch.ones(2))
