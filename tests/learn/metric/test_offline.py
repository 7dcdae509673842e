"""The hardest of several candidates against loops, and that it teaches more than the first one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.learn.metric.losses import LossSettings, loss_of
from geolabel.learn.metric.offline import choose_hard
from geolabel.learn.metric.relation import Relation
from geolabel.learn.metric.tuples import Mined


@given(seed=st.integers(0, 10_000), redraws=st.integers(1, 6), farthest=st.booleans())
def test_the_hardest_is_what_loops_say(seed: int, redraws: int, farthest: bool):
    generator = torch.Generator().manual_seed(seed)
    anchors = torch.randn(7, 3, generator=generator)
    candidates = torch.randn(7, redraws, 3, generator=generator)
    apart = [
        [math.dist(anchor, candidate) for candidate in several]
        for anchor, several in zip(anchors.tolist(), candidates.tolist(), strict=True)
    ]
    hardest = max if farthest else min
    assert choose_hard(anchors, candidates, farthest=farthest).tolist() == [row.index(hardest(row)) for row in apart]


def test_a_table_by_hand_and_equal_ones():
    anchors = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    candidates = torch.tensor([[[3.0, 4.0], [0.0, 1.0], [0.0, -1.0]], [[1.0, 1.0], [4.0, 5.0], [5.0, 4.0]]])
    assert choose_hard(anchors, candidates, farthest=False).tolist() == [1, 0]
    assert choose_hard(anchors, candidates, farthest=True).tolist() == [0, 1]


@pytest.mark.parametrize("farthest", [False, True])
def test_hard_candidates_teach_more_than_the_first(farthest: bool):
    generator = torch.Generator().manual_seed(0)
    anchors, others = torch.randn(200, 8, generator=generator), torch.randn(200, 8, generator=generator)
    candidates = torch.randn(200, 5, 8, generator=generator)
    rows = torch.arange(200)
    relation = Relation.of_labels(torch.arange(600))
    active = []
    for index in (torch.zeros(200, dtype=torch.int64), choose_hard(anchors, candidates, farthest=farthest)):
        chosen = candidates[rows, index]
        parts = (anchors, chosen, others) if farthest else (anchors, others, chosen)
        mined = Mined(torch.stack([rows, rows + 200, rows + 400], dim=1))
        active.append(loss_of("triplet", LossSettings(0.1))(torch.cat(parts), relation, mined).active)
    assert active[1] > active[0] + 0.2
