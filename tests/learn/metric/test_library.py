"""Losses of pytorch-metric-learning against transcriptions of their papers, its miners by name, and life without it."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geolabel.errors import InstallError, OptionError
from geolabel.learn.metric import library
from geolabel.learn.metric.losses import LossSettings, loss_of
from geolabel.learn.metric.mining import miner_of
from geolabel.learn.metric.relation import Relation
from geolabel.learn.metric.tuples import Mined

BETA, MARGIN = 1.2, 0.7
OURS = ("hard-negative", "semi-hard")


def d(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return math.dist(x.tolist(), y.tolist())


def margin(v: NDArray[np.float64], tuples: list[list[int]], weights: list[float]) -> float:
    """Wu et al., equation 5: summed, by the number of pairs that pull."""
    total, pulling = 0.0, 0
    for (a, p, n), weight in zip(tuples, weights, strict=True):
        terms = (MARGIN + d(v[a], v[p]) - BETA, MARGIN - d(v[a], v[n]) + BETA)
        total += weight * sum(max(0.0, term) for term in terms)
        pulling += sum(term > 0 for term in terms)
    return total / (sum(weights) / len(weights)) / pulling


def contrastive(v: NDArray[np.float64], tuples: list[list[int]], weights: list[float]) -> float:
    """Pairs together cost their distance, pairs apart what they lack of the margin; averaged where they cost."""
    together = [(w, d(v[a], v[p])) for (a, p, _), w in zip(tuples, weights, strict=True)]
    apart = [(w, max(0.0, MARGIN - d(v[a], v[n]))) for (a, _, n), w in zip(tuples, weights, strict=True)]
    found = 0.0
    for pairs in (together, apart):
        costs = [(w, cost) for w, cost in pairs if cost > 0]
        if costs:
            found += sum(w * cost for w, cost in costs) / sum(w for w, _ in costs)
    return found


PAPERS = {"margin": margin, "contrastive": contrastive}


def batch(seed: int, count: int = 10) -> tuple[NDArray[np.float64], Relation, list[list[int]], list[float]]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 4)) * 0.4
    relation = Relation.of_labels(torch.arange(count) % 3)
    mined = miner_of([])(torch.tensor(vectors), relation, torch.Generator().manual_seed(seed))
    return vectors, relation, mined.tuples.tolist(), rng.uniform(0.1, 1, len(mined)).tolist()


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("weighted", [False, True])
@given(seed=st.integers(0, 10_000))
def test_values_and_gradients_are_those_of_the_paper(name: str, weighted: bool, seed: int):
    vectors, relation, tuples, drawn = batch(seed)
    weights = drawn if weighted else [1.0] * len(tuples)
    tensor = torch.tensor(vectors, requires_grad=True)
    mined = Mined(torch.tensor(tuples), torch.tensor(weights, dtype=torch.float64) if weighted else None)
    loss = loss_of(name, LossSettings(MARGIN))(tensor, relation, mined).loss
    assert loss.item() == pytest.approx(PAPERS[name](vectors, tuples, weights))
    loss.backward()
    assert tensor.grad is not None
    slopes = np.zeros_like(vectors)
    for place in np.ndindex(vectors.shape):
        moved = [vectors.copy(), vectors.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        slopes[place] = np.subtract(*(PAPERS[name](v, tuples, weights) for v in moved)) / 2e-6
    np.testing.assert_allclose(tensor.grad.numpy(), slopes, atol=1e-7)


LINE = torch.tensor([[0.0], [0.5], [1.0], [0.6]])


def test_tables_by_hand():
    relation = Relation.of_labels(torch.tensor([0, 0, 1, 1]))
    mined = Mined(torch.tensor([[0, 1, 2], [0, 1, 3]]))
    # positives .5 + .8 − 1.2 = .1 twice; negatives 1.2 + .8 − 1 = 1 and 1.2 + .8 − .6 = 1.4
    found = loss_of("margin", LossSettings(0.8))(LINE, relation, mined)
    assert (found.loss.item(), found.active) == (pytest.approx((0.2 + 2.4) / 4), 1)
    # positives .5; negatives 0 and .8 − .6
    found = loss_of("contrastive", LossSettings(0.8))(LINE, relation, mined)
    assert (found.loss.item(), found.active) == (pytest.approx(0.5 + 0.2), 0.5)
    alone = loss_of("contrastive", LossSettings(0.8))(LINE, relation, Mined(torch.tensor([[0, 1, 3]])))
    assert alone.loss.item() == pytest.approx(0.7)


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_finite_where_vectors_coincide_and_0_without_tuples(name: str, dtype: torch.dtype):
    relation = Relation.of_labels(torch.arange(40) % 3)
    vectors = torch.full((40, 3), 0.3, dtype=dtype, requires_grad=True)
    loss = loss_of(name, LossSettings(2.0))
    mined = miner_of([])(vectors, relation, torch.Generator())
    for tuples in (mined, Mined(mined.tuples[:0])):
        vectors.grad = None
        found = loss(vectors, relation, tuples)
        found.loss.backward()
        assert vectors.grad is not None
        assert vectors.grad.isfinite().all()
    assert (found.loss.item(), found.active) == (0, 0)
    assert not vectors.grad.any()


@given(st.data())
def test_pairs_are_joined_as_a_product_of_each_anchor(data: st.DataObject):
    pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12)
    together, apart = data.draw(pairs), data.draw(pairs)
    columns = [
        torch.tensor([pair[at] for pair in part], dtype=torch.int64) for part in (together, apart) for at in (0, 1)
    ]
    found = torch.stack(library.joined(*columns), dim=1).tolist()
    assert sorted(found) == sorted([a, p, n] for a, p in together for other, n in apart if a == other)


def test_every_miner_of_the_library_is_known_in_any_spelling():
    from pytorch_metric_learning import miners

    for title in miners.__all__ if hasattr(miners, "__all__") else dir(miners):
        if not title.endswith("Miner") or title == "BaseMiner":
            continue
        kebab = "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in title.removesuffix("Miner"))
        for name in (title, title.lower(), kebab.strip("-"), kebab.strip("-").replace("-", "_").upper()):
            assert type(library.miner(name, OURS).library) is getattr(miners, title)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("multi-similarty", "did you mean multi-similarity"),
        ("hard-negatives", "did you mean hard-negative"),
        ("batch-hards", "did you mean batch-hard"),
        ("embeddings-already-packaged-as-triplets", "choose of hard-negative, semi-hard, angular, batch-easy-hard"),
    ],
)
def test_unknown_names_are_told_near_ones(name: str, hint: str):
    with pytest.raises(OptionError, match=f"--mining {name}: no such miner; {hint}"):
        library.miner(name, OURS)


@pytest.mark.parametrize("name", ["distance-weighted", "uniform-histogram"])
def test_what_the_library_draws_follows_from_the_generator_alone(name: str):
    vectors, labels = torch.randn(24, 8, generator=torch.Generator().manual_seed(1)), torch.arange(24) % 4
    mine = library.miner(name, OURS)
    state = torch.get_rng_state()
    first = mine(vectors, labels, torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    assert torch.equal(mine(vectors, labels, torch.Generator().manual_seed(3)), first)
    assert not torch.equal(mine(vectors, labels, torch.Generator().manual_seed(4)), first)


@pytest.mark.parametrize("name", ["batch-hard", "hdc", "angular", "multi-similarity"])
def test_triplets_are_those_of_the_library(name: str):
    from pytorch_metric_learning.utils.loss_and_miner_utils import convert_to_triplets

    vectors, labels = torch.randn(24, 8, generator=torch.Generator().manual_seed(1)), torch.arange(24) % 4
    mine = library.miner(name, OURS)
    wanted = torch.stack(convert_to_triplets(mine.library(vectors, labels), labels), dim=1)
    found = mine(vectors, labels, torch.Generator())
    assert sorted(found.tolist()) == sorted(wanted.tolist())


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    for name in PAPERS:
        with pytest.raises(InstallError, match=rf'--loss {name} needs .* pip install "geolabel\[metric\]"'):
            loss_of(name, LossSettings())
    with pytest.raises(InstallError, match=r"--mining hdc, which is none of hard-negative, .*geolabel\[metric\]"):
        miner_of(["hdc"])
    loss_of("triplet", LossSettings())
    miner_of(["hard-negative"])
