"""The same scores by another hand: torchmetrics, class by class over the known tiles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.scoring.confusion import confusion
from geolabel.scoring.multilabel import score
from geolabel.scoring.reliability import reliability

functional = pytest.importorskip("torchmetrics.functional.classification")


def world(seed: int, tiles: int, unknown: float, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n, 1) with gaps and probabilities (n, 1), with many exact ties where there are few digits."""
    rng = np.random.default_rng(seed)
    target = (rng.random((tiles, 1)) < rng.random()).astype(np.float32)
    target[rng.random((tiles, 1)) < unknown] = np.nan
    return target, np.round(rng.random((tiles, 1)), digits).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(0, 9_999), st.integers(1, 60), st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([1, 2, 7]))
def test_ranking_and_counts(seed: int, tiles: int, unknown: float, digits: int) -> None:
    target, probability = world(seed, tiles, unknown, digits)
    (found,) = score(target, probability, ["a"], [0.5]).classes
    known = np.isfinite(target[:, 0])
    given_, truth = torch.from_numpy(probability[known, 0]), torch.from_numpy(target[known, 0]).long()
    assert found.tiles == len(truth)
    if not len(truth):
        assert math.isnan(found.average_precision)
        return
    guess = (given_ >= 0.5).long()  # torchmetrics counts what is above, geolabel what reaches it
    tn, fp, fn, tp = functional.binary_confusion_matrix(guess, truth).flatten().tolist()
    assert (found.tn, found.fp, found.fn, found.tp) == (tn, fp, fn, tp)
    if truth.any() or guess.any():
        assert found.f1 == pytest.approx(functional.binary_f1_score(guess, truth).item())
        assert found.f2 == pytest.approx(functional.binary_fbeta_score(guess, truth, beta=2.0).item())
        assert found.jaccard == pytest.approx(functional.binary_jaccard_index(guess, truth).item())
    if truth.any() and not truth.all():
        assert found.average_precision == pytest.approx(
            functional.binary_average_precision(given_, truth).item(), rel=1e-5
        )
        assert found.auc == pytest.approx(functional.binary_auroc(given_, truth).item(), rel=1e-5)
    else:  # one class only: there is nothing to rank, and torchmetrics' 0 would be a lie
        assert math.isnan(found.average_precision)
        assert math.isnan(found.auc)


@settings(max_examples=40)
@given(st.integers(0, 9_999), st.integers(1, 80), st.sampled_from([0.0, 0.5]), st.integers(2, 20))
def test_calibration_error(seed: int, tiles: int, unknown: float, bins: int) -> None:
    """torchmetrics bins confidences, so a probability is one of the class; on borders of bins rounding decides."""
    target, probability = world(seed, tiles, unknown, 7)
    known = np.isfinite(target[:, 0])
    found = reliability(target[:, 0], probability[:, 0], bins=bins)
    if not known.any():
        assert math.isnan(found.error)
        return
    given_, truth = torch.from_numpy(probability[known, 0]), torch.from_numpy(target[known, 0]).long()
    theirs = functional.binary_calibration_error(given_, truth, n_bins=bins, norm="l1").item()
    assert found.error == pytest.approx(theirs, abs=2e-5)


@settings(max_examples=40)
@given(st.integers(0, 9_999), st.integers(1, 60), st.integers(2, 6))
def test_the_confusion_of_a_group(seed: int, tiles: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, chosen = rng.integers(0, classes, (2, tiles))
    targets = np.eye(classes, dtype=np.float32)[truth]
    gaps = rng.random(tiles) < 0.2
    targets[gaps, 0] = np.nan
    found = confusion(targets, chosen, [f"c{number}" for number in range(classes)])
    assert found.left_out == gaps.sum()
    theirs = functional.multiclass_confusion_matrix(
        torch.from_numpy(chosen[~gaps]), torch.from_numpy(truth[~gaps]), num_classes=classes
    )
    assert np.array(found.matrix).tolist() == theirs.tolist()
