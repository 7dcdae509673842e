"""Miners: what they choose against plain loops, the conditions of tuples, and that they find what still teaches."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from geolabel.errors import OptionError
from geolabel.learn.metric.losses import LossSettings, loss_of
from geolabel.learn.metric.mining import Miner, miner_of
from geolabel.learn.metric.relation import Relation

LIBRARY = (
    "multi-similarity",
    "distance-weighted",
    "batch-hard",
    "batch-easy-hard",
    "angular",
    "hdc",
    "triplet-margin",
    "pair-margin",
    "uniform-histogram",
)
OURS = ("", "hard-negative", "hard-positive", "semi-hard", "hard-negative,hard-positive", "hard-positive,semi-hard")


def miner(names: str, needs: int = 3) -> Miner:
    return miner_of([name for name in names.split(",") if name], needs)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(seed: int, count: int = 14) -> tuple[torch.Tensor, Relation]:
    """Tiles of which some pairs belong together, some apart, and some are neither."""
    generator = seeded(seed)
    shares = torch.rand(count, 3, generator=generator).pow(3)
    shares = shares / shares.sum(dim=1, keepdim=True)
    return torch.randn(count, 4, generator=generator, dtype=torch.float64), Relation.of_shares(shares, (0.3, 0.7))


def rows(relation: Relation, needs: int) -> list[tuple[int, int, list[int]]]:
    """Every positive pair, with the negatives that a tuple can be made of."""
    together, apart = relation.positive.tolist(), relation.negative.tolist()
    every = range(len(apart))
    found = []
    for a in every:
        negatives = [n for n in every if apart[a][n]]
        if needs == 4:
            negatives = [n for n in negatives if any(apart[n][other] for other in negatives)]
        found += [(a, p, negatives) for p in every if together[a][p] and negatives]
    return found


def far(vectors: list[list[float]], one: int, other: int) -> float:
    return math.dist(vectors[one], vectors[other])


def chosen(kind: str, vectors: list[list[float]], anchor: int, least: float, allowed: list[int]) -> int:
    """The negative of an anchor, by its definition."""
    if kind == "hard-negative":
        return min(allowed, key=lambda n: far(vectors, anchor, n))
    beyond = [n for n in allowed if far(vectors, anchor, n) > least]
    if beyond:
        return min(beyond, key=lambda n: far(vectors, anchor, n))
    return max(allowed, key=lambda n: far(vectors, anchor, n))


@pytest.mark.parametrize("needs", [3, 4])
@pytest.mark.parametrize("hard_positive", [False, True])
@pytest.mark.parametrize("kind", ["hard-negative", "semi-hard"])
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_what_is_hard_is_what_loops_say(kind: str, hard_positive: bool, needs: int, seed: int):
    vectors, relation = batch(seed)
    pairs, places, apart = rows(relation, needs), vectors.tolist(), relation.negative.tolist()
    if hard_positive:
        anchors = [list(group) for _, group in itertools.groupby(pairs, key=lambda row: row[0])]
        pairs = [max(group, key=lambda row: far(places, row[0], row[1])) for group in anchors]
    wanted = []
    for a, p, negatives in pairs:
        least = far(places, a, p)
        row = [a, p, chosen(kind, places, a, least, negatives)]
        if needs == 4:
            allowed = [n for n in range(len(vectors)) if apart[a][n] and apart[row[2]][n]]
            row.append(chosen(kind, places, row[2], least, allowed))
        wanted.append(row)
    found = miner(f"{kind},hard-positive" if hard_positive else kind, needs)(vectors, relation, seeded())
    assert found.tuples.tolist() == wanted


@pytest.mark.parametrize("names", [*OURS, *LIBRARY])
@pytest.mark.parametrize("needs", [3, 4])
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_tuples_keep_to_the_relation(names: str, needs: int, seed: int):
    vectors, relation = batch(seed)
    found = miner(names, needs)(vectors, relation, seeded(seed))
    assert found.tuples.shape[1] == needs
    assert found.tuples.dtype == torch.int64
    anchors, positives, negatives = found.tuples.T[:3]
    assert relation.positive[anchors, positives].all()
    assert relation.negative[anchors, negatives].all()
    if needs == 4:
        others = found.tuples[:, 3]
        assert relation.negative[anchors, others].all()
        assert relation.negative[negatives, others].all()
    assert all(len(set(row)) == needs for row in found.tuples.tolist())
    if names in OURS:
        expected = {(a, p) for a, p, _ in rows(relation, needs)}
        assert {a for a, _ in expected} == set(anchors.tolist())
        if "hard-positive" not in names:
            assert sorted(expected) == list(zip(anchors.tolist(), positives.tolist(), strict=True))
    again = miner(names, needs)(vectors, relation, seeded(seed))
    assert torch.equal(again.tuples, found.tuples)


@pytest.mark.parametrize("names", [*OURS, *LIBRARY])
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_soft_positives_weigh_by_how_alike_they_are(names: str, seed: int):
    vectors, relation = batch(seed)
    assert relation.similarity is not None
    found = miner(names)(vectors, relation, seeded(seed))
    assert found.weights is not None
    alike = relation.similarity.tolist()
    assert found.weights.tolist() == pytest.approx(
        [alike[a][p] * (1 - alike[a][n]) for a, p, n in found.tuples.tolist()]
    )


def planted(seed: int) -> tuple[torch.Tensor, Relation]:
    """Twelve classes on a sphere, most of which are told apart already."""
    generator = seeded(seed)
    labels = torch.arange(12).repeat_interleave(8)
    centres = functional.normalize(torch.randn(12, 16, generator=generator), dim=1)
    vectors = functional.normalize(centres[labels] + 0.15 * torch.randn(96, 16, generator=generator), dim=1)
    return vectors, Relation.of_labels(labels)


@pytest.mark.parametrize("names", [*OURS[1:], *LIBRARY])
@pytest.mark.parametrize(("needs", "name"), [(3, "triplet"), (4, "quadruplet")])
def test_each_miner_finds_more_that_still_teaches_than_chance(names: str, needs: int, name: str):
    loss = loss_of(name, LossSettings())
    for seed in range(5):
        vectors, relation = planted(seed)
        shares = [
            loss(vectors, relation, miner(kind, needs)(vectors, relation, seeded(seed))).active for kind in ("", names)
        ]
        assert shares[1] > 1.2 * shares[0] > 0


def test_random_negatives_are_all_as_likely():
    relation = Relation.of_labels(torch.tensor([0, 0, 1, 1, 2, 3]))
    generator, random = seeded(), miner("")
    drawn = torch.cat([random(torch.randn(6, 2), relation, generator).tuples for _ in range(1500)])
    counts = torch.bincount(drawn[drawn[:, 0] == 0][:, 2], minlength=6)
    assert counts[:2].tolist() == [0, 0]
    assert (counts[2:] - 375).abs().max() < 75  # five deviations


def test_drawn_tuples_are_taken_as_they_are():
    labels = torch.tensor([0, 0, 1, 2, 2, 3])
    triplets, quadruplets = torch.tensor([[0, 1, 2], [4, 3, 5]]), torch.tensor([[0, 1, 2, 5], [4, 3, 5, 0]])
    vectors = torch.randn(6, 2)
    for names in ((), ("random-hard-negative",), ("RANDOM_HARD_POSITIVE", "random-hard-negative")):
        assert torch.equal(miner_of(names)(vectors, Relation.of_labels(labels, triplets), seeded()).tuples, triplets)
    relation = Relation.of_labels(labels, quadruplets)
    assert torch.equal(miner_of([], 4)(vectors, relation, seeded()).tuples, quadruplets)
    assert torch.equal(miner_of([], 3)(vectors, relation, seeded()).tuples, triplets)
    made = miner_of([], 4)(vectors, Relation.of_labels(labels, triplets), seeded()).tuples
    assert torch.equal(made[:, :3], triplets)
    assert made[0, 3] in (3, 4, 5)
    assert made[1, 3] in (0, 1, 2)


def test_drawn_tuples_without_a_second_negative_are_left_out():
    relation = Relation.of_labels(torch.tensor([0, 0, 1, 1]), torch.tensor([[0, 1, 2]]))
    assert miner_of([], 4)(torch.randn(4, 2), relation, seeded()).tuples.shape == (0, 4)


@pytest.mark.parametrize("names", [*OURS, *LIBRARY])
@pytest.mark.parametrize("needs", [3, 4])
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [5]])
def test_batches_without_pairs_give_no_tuples(names: str, needs: int, labels: list[int]):
    relation = Relation.of_labels(torch.tensor(labels))
    found = miner(names, needs)(torch.randn(len(labels), 3), relation, seeded())
    assert found.tuples.shape == (0, needs)


def test_names_in_any_spelling():
    ours, spelled = miner_of(["hard-negative", "hard-positive"]), miner_of(["HARD_NEGATIVE", "HardPositive"])
    assert ours == spelled
    with pytest.raises(OptionError, match="both choose the negative"):
        miner_of(["semi-hard", "hard-negative"])
    with pytest.raises(OptionError, match="works alone"):
        miner_of(["hdc", "hard-negative"])
    with pytest.raises(OptionError, match="3 or 4 tiles, not 5"):
        miner_of([], 5)
