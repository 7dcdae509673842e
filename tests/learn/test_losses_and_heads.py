"""Losses against torch, torchvision, scikit-learn and literal transcriptions; unknown labels pull nowhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from geolabel.errors import OptionError
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.learn.heads import choose_heads, probabilities, targets
from geolabel.learn.losses import LOSSES, Loss
from geolabel.model import Head

NAN = math.nan
SIGMOID = Head("land", "sigmoid", ("a", "b"))
SOFTMAX = Head("weather", "softmax", ("x", "y", "z"))
BOTH = (SIGMOID, SOFTMAX)


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
    found = Loss((SIGMOID,), "bce")(torch.tensor(logits), torch.tensor(wanted))
    assert float(found) == pytest.approx(bce_by_hand(logits, wanted), abs=1e-5)


def batch(seed: int, count: int = 12, unknown: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and targets of two classes by themselves and three that exclude each other."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, 5, generator=generator)
    land = torch.randint(0, 2, (count, 2), generator=generator).float()
    sky = functional.one_hot(torch.randint(0, 3, (count,), generator=generator), 3).float()
    wanted = torch.cat([land, sky], dim=1)
    return logits, torch.where(torch.rand(wanted.shape, generator=generator) < unknown, NAN, wanted)


@pytest.mark.parametrize("kind", LOSSES)
@given(seed=st.integers(0, 1000))
def test_unknown_entries_pull_nowhere(kind: str, seed: int):
    logits, wanted = batch(seed, unknown=0.4)
    unknown = wanted.isnan()
    unknown[:, 2:] |= unknown[:, 2:].any(dim=1, keepdim=True)  # one of three is told only where all are known
    loss = Loss(BOTH, kind)
    logits.requires_grad_()
    found = loss(logits, wanted)
    found.backward()
    assert logits.grad is not None
    assert (logits.grad[unknown] == 0).all()
    elsewhere = torch.where(unknown, 7.0, logits.detach())
    assert float(loss(elsewhere, wanted)) == found.item()
    if kind not in ("soft-f1", "asymmetric"):  # these let go of classes not in the batch, and of easy negatives
        assert (logits.grad[~unknown] != 0).all()


@pytest.mark.parametrize("kind", LOSSES)
def test_no_known_label_is_no_loss_and_no_nan(kind: str):
    logits = torch.zeros(3, 5, requires_grad=True)
    found = Loss(BOTH, kind)(logits, torch.full((3, 5), NAN))
    found.backward()
    assert found.item() == 0
    assert (logits.grad == 0).all()
    assert Loss(BOTH, kind)(logits, batch(0, 3)[1], torch.zeros(3)).item() == 0


@pytest.mark.parametrize("kind", LOSSES)
def test_extreme_logits_and_half_precision_give_numbers(kind: str):
    wanted = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0], [1.0, NAN, NAN, NAN, NAN]])
    for size in (-60.0, 60.0):
        logits = (size * torch.tensor([[1.0, 1.0, 1.0, -1.0, 0.0]])).repeat(3, 1).requires_grad_()
        found = Loss(BOTH, kind)(logits, wanted)
        found.backward()
        assert found.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()
    layer = torch.nn.Linear(4, 5)
    with torch.autocast("cpu", torch.bfloat16):
        logits = layer(torch.ones(3, 4))
        assert logits.dtype == torch.bfloat16
        found = Loss(BOTH, kind)(logits, wanted)
    assert found.dtype == torch.float32
    assert found.isfinite()
    assert found.item() == pytest.approx(Loss(BOTH, kind)(logits.float(), wanted).item(), abs=1e-6)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_tile_of_weight_2_counts_as_two_tiles(kind: str):
    logits, wanted = batch(3, unknown=0.2)
    weights = torch.tensor([2.0, 0.0, 1.0] * 4)
    rows = torch.arange(12).repeat_interleave(weights.long())
    for class_weights in (None,) if kind == "soft-f1" else (None, (2.0, 0.5, 0.2, 1.0, 3.0)):
        loss = Loss(BOTH, kind, class_weights)
        assert float(loss(logits, wanted, weights)) == pytest.approx(float(loss(logits[rows], wanted[rows])), rel=1e-5)


def test_heads_count_by_their_classes():
    logits, wanted = batch(4)
    land = Loss((SIGMOID,))(logits[:, :2], wanted[:, :2])
    sky = Loss((SOFTMAX,))(logits[:, 2:], wanted[:, 2:])
    assert float(Loss(BOTH)(logits, wanted)) == pytest.approx(float(2 * land + 3 * sky) / 5)


def test_sigmoid_losses_are_those_of_torch():
    logits, wanted = (part[:, :2] for part in batch(5))
    shares = torch.rand(12, 2, generator=torch.Generator().manual_seed(6))
    heads, own = (SIGMOID,), torch.tensor([3.0, 0.5])
    bce, same = functional.binary_cross_entropy_with_logits, torch.testing.assert_close
    same(Loss(heads, "bce", (3.0, 0.5))(logits, wanted), bce(logits, wanted, pos_weight=own))
    same(Loss(heads, "auto", targets="shares")(logits, shares), bce(logits, shares))
    same(Loss(heads, "mse")(logits, shares), functional.mse_loss(logits.sigmoid(), shares))
    same(Loss(heads, "focal")(logits, wanted), sigmoid_focal_loss(logits, wanted, reduction="mean"))
    found, truth = (torch.distributions.Bernoulli(probs) for probs in (logits.sigmoid(), shares))
    divergence = torch.distributions.kl_divergence(truth, found).mean()
    same(Loss(heads, "kl", targets="shares")(logits, shares), divergence)


def test_softmax_losses_are_those_of_torch():
    logits, wanted = (part[:, 2:] for part in batch(7))
    classes = wanted.argmax(dim=1)
    shares = torch.rand(12, 3, generator=torch.Generator().manual_seed(8)).softmax(dim=1)
    heads, own = (SOFTMAX,), torch.tensor([3.0, 0.5, 1.0])
    entropy, same = functional.cross_entropy, torch.testing.assert_close
    for kind in ("auto", "bce", "focal", "asymmetric", "soft-f1"):
        same(Loss(heads, kind)(logits, wanted), entropy(logits, classes))
        same(Loss(heads, kind, (3.0, 0.5, 1.0))(logits, wanted), entropy(logits, classes, weight=own))
    smooth = Loss(heads, label_smoothing=0.1)(logits, wanted)
    same(smooth, entropy(logits, classes, label_smoothing=0.1))
    same(Loss(heads, targets="shares")(logits, shares), entropy(logits, shares))
    divergence = functional.kl_div(logits.log_softmax(dim=1), shares, reduction="batchmean")
    same(Loss(heads, "kl", targets="shares")(logits, shares), divergence)
    same(Loss(heads, "mse")(logits, shares), functional.mse_loss(logits.softmax(dim=1), shares))


def test_asymmetric_loss_by_the_formula_of_its_paper():
    logits, wanted = (part[:, :2] for part in batch(9))
    p, y = 1 / (1 + np.exp(-logits.double().numpy())), wanted.double().numpy()
    shifted = np.maximum(p - 0.05, 0)
    by_hand = -y * (1 - p) ** 1 * np.log(p) - (1 - y) * shifted**4 * np.log(1 - shifted)
    assert float(Loss((SIGMOID,), "asymmetric")(logits, wanted)) == pytest.approx(by_hand.mean(), rel=1e-5)
    weighted = by_hand * np.where(y == 1, [4.0, 0.25], 1.0)
    found = Loss((SIGMOID,), "asymmetric", (4.0, 0.25))(logits, wanted)
    assert float(found) == pytest.approx(weighted.mean(), rel=1e-5)
    easy = torch.full((1, 2), -3.0, requires_grad=True)  # p = .047 < m: easy negatives are let go
    Loss((SIGMOID,), "asymmetric")(easy, torch.zeros(1, 2)).backward()
    assert (easy.grad == 0).all()


@given(seed=st.integers(0, 1000))
def test_soft_f1_of_certain_answers_is_f1(seed: int):
    logits, wanted = (part[:, :2] for part in batch(seed))
    certain = torch.where(logits > 0, 60.0, -60.0)
    shown = (wanted.sum(dim=0) > 0).nonzero().flatten().tolist()
    found = 1 - Loss((SIGMOID,), "soft-f1")(certain, wanted).item()
    scores = f1_score(wanted.numpy(), (logits > 0).numpy(), average=None, zero_division=0)
    assert found == pytest.approx(scores[shown].mean() if shown else 1.0, abs=1e-6)


def test_soft_f1_by_hand():
    head = (Head("land", "sigmoid", ("a", "b", "c")),)
    logits = torch.logit(torch.tensor([[0.8, 0.5, 0.9], [0.4, 0.5, 0.9], [0.3, 0.5, 0.9]]))
    wanted = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [NAN, 0.0, 0.0]])
    # a: 2 × .8 / (1 + 1.2); b: 2 × 1 / (2 + 1.5); c is not in this batch
    f1 = (1.6 / 2.2 + 2 / 3.5) / 2
    assert float(Loss(head, "soft-f1")(logits, wanted)) == pytest.approx(1 - f1)


@pytest.mark.parametrize("kind", ["auto", "bce", "kl", "mse"])
def test_shares_are_learned_as_they_are(kind: str):
    shares = torch.tensor([[0.3, 0.01, 0.7, 0.1, 0.2]])
    best = torch.cat([shares[:, :2].logit(), shares[:, 2:].log()], dim=1).requires_grad_()
    loss = Loss(BOTH, kind, targets="shares")
    loss(best, shares).backward()
    assert best.grad is not None
    assert best.grad.abs().max() < 1e-6
    moved = loss(best + torch.tensor([0.5, 0, 0, 0, 0]), shares).item()
    assert moved > loss(best, shares).item() >= -1e-6
    if kind in ("kl", "mse"):
        assert loss(best, shares).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["bce", "focal", "asymmetric"])
def test_a_mixed_tile_learns_both_of_its_labels(kind: str):
    logits = torch.tensor([[0.3, -1.2]])
    loss = Loss((SIGMOID,), kind)
    both = 0.3 * loss(logits, torch.tensor([[1.0, 0.0]])) + 0.7 * loss(logits, torch.tensor([[0.0, 1.0]]))
    assert float(loss(logits, torch.tensor([[0.3, 0.7]]))) == pytest.approx(float(both))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "hinge"}, "--loss hinge: no such loss; choose one of auto, bce"),
        ({"kind": "focal", "targets": "shares"}, "is about presence"),
        ({"label_smoothing": 1.0}, "from 0 to below 1"),
        ({"label_smoothing": 0.1, "kind": "kl"}, "of cross-entropy"),
        ({"label_smoothing": 0.1, "heads": (SIGMOID,)}, "needs a softmax head"),
        ({"class_weights": (1.0, 1.0)}, "2 class weights for 5 classes"),
        ({"class_weights": (1.0, 1.0, 0.0, 1.0, 1.0)}, "positive numbers"),
        ({"class_weights": (1.0, 1.0), "kind": "soft-f1", "heads": (SIGMOID,)}, "takes no class weights"),
    ],
)
def test_losses_that_make_no_sense_are_refused(options: dict, message: str):
    with pytest.raises(OptionError, match=message):
        Loss(**{"heads": BOTH, **options})


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
