"""Losses against literal transcriptions; unknown labels pull nowhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.learn.heads import choose_heads, probabilities, targets
from geolabel.learn.losses import masked_bce, masked_cross_entropy, total_loss
from geolabel.model import Head

NAN = math.nan
SIGMOID = Head("land", "sigmoid", ("a", "b"))
SOFTMAX = Head("weather", "softmax", ("x", "y", "z"))


def bce_by_hand(logits: list[list[float]], wanted: list[list[float]]) -> float:
    terms = [
        -(t * math.log(1 / (1 + math.exp(-z))) + (1 - t) * math.log(1 - 1 / (1 + math.exp(-z))))
        for row, target in zip(logits, wanted, strict=True)
        for z, t in zip(row, target, strict=True)
        if not math.isnan(t)
    ]
    return sum(terms) / len(terms) if terms else 0.0


@given(
    st.lists(
        st.tuples(
            st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([0.0, 1.0, NAN]), st.sampled_from([0.0, 1.0, NAN])
        ),
        min_size=1,
        max_size=6,
    )
)
def test_bce_is_the_mean_over_known_entries(rows: list[tuple[float, float, float, float]]):
    logits, wanted = [[r[0], r[1]] for r in rows], [[r[2], r[3]] for r in rows]
    found = masked_bce(torch.tensor(logits), torch.tensor(wanted))
    assert float(found) == pytest.approx(bce_by_hand(logits, wanted), abs=1e-5)


def test_unknown_entries_have_no_gradient():
    logits = torch.zeros(2, 2, requires_grad=True)
    masked_bce(logits, torch.tensor([[1.0, NAN], [NAN, 0.0]])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad[1, 0] == 0
    assert logits.grad[0, 0] < 0 < logits.grad[1, 1]


def test_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(2), 0.0], [9.0, 9.0, 9.0]])
    wanted = torch.tensor([[0.0, 1.0, 0.0], [NAN, NAN, NAN]])
    assert float(masked_cross_entropy(logits, wanted)) == pytest.approx(-math.log(2 / 4))


def test_no_known_label_is_no_loss_and_no_nan():
    assert float(total_loss(torch.zeros(3, 5), torch.full((3, 5), NAN), [SIGMOID, SOFTMAX])) == 0


def test_probabilities_of_two_heads():
    found = probabilities(torch.tensor([[0.0, 100.0, 1.0, 1.0, 1.0]]), [SIGMOID, SOFTMAX])
    assert found[0].tolist() == pytest.approx([0.5, 1.0, 1 / 3, 1 / 3, 1 / 3])


def test_targets_from_shares():
    shares = np.array([[0.05, 0.2, 0.0, 0.6, 0.4], [NAN, NAN, NAN, NAN, NAN], [0.0, 0.1, 0.0, 0.0, 0.0]], np.float32)
    wanted = targets(shares, [SIGMOID, SOFTMAX], presence=dict.fromkeys([*SIGMOID.classes, *SOFTMAX.classes], 0.1))
    assert wanted[0].tolist() == [0, 1, 0, 1, 0]
    assert np.isnan(wanted[1]).all()
    assert wanted[2, :2].tolist() == [0, 1]
    assert np.isnan(wanted[2, 2:]).all()  # none of the exclusive classes: unknown, not the first


def test_one_of_several_needs_more_than_the_rest_of_the_tile():
    cuts = dict.fromkeys(SOFTMAX.classes, 0.1)
    shares = np.array([[0.01, 0, 0], [0.5, 0.1, 0], [0.3, 0.2, 0.1], [0.2, 0.3, NAN], [0, 0.6, NAN]], np.float32)
    wanted = targets(shares, [SOFTMAX], cuts)
    # nearly nothing of any; half of the tile; the rest is larger; the unknown one may be; it cannot be
    assert np.isnan(wanted[[0, 2, 3]]).all()
    assert wanted[[1, 4]].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_heads_follow_the_groups_of_the_scheme():
    scheme = Scheme("s", (LabelClass("clear", group="sky"), LabelClass("mine"), LabelClass("haze", group="sky")))
    heads = choose_heads(scheme, "auto")
    assert [(head.kind, head.classes) for head in heads] == [("softmax", ("clear", "haze")), ("sigmoid", ("mine",))]
    assert [head.kind for head in choose_heads(scheme, "sigmoid")] == ["sigmoid"]
    with pytest.raises(OptionError, match="--heads softmax"):
        choose_heads(Scheme("s", (LabelClass("mine"),)), "softmax")
