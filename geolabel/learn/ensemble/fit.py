"""Weights of an ensemble, learned from answers on tiles that no member was trained on.

Ridge stacking: Wolpert, Stacked generalization (1992); Breiman, Stacked regressions (1996); W = (PᵀP + λI)⁻¹PᵀY.
Classifier chains: Read et al., Classifier chains for multi-label classification, Machine Learning 85 (2011). With one
member both learn which labels go together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError
from geolabel.learn.ensemble.combination import (
    COMBINATIONS,
    Combination,
    CombinationKind,
    bounded,
    filled,
    inputs,
    log_odds,
    width,
)
from geolabel.tiling.split import draw_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FOLDS = 5
_PENALTIES = 10.0 ** np.arange(-2, 4.5, 0.5)
_CHAIN_C = 0.1
_PRESENT = 0.5
_AT_LEAST = 2
"""Tiles with a label, and without: a class of fewer keeps the mean of its members."""


def fit_combination(
    kind: CombinationKind,
    probabilities: NDArray[np.floating[Any]],
    targets: NDArray[np.floating[Any]],
    exclusive: Sequence[slice],
    groups: NDArray[np.integer[Any]] | None,
    seed: int,
) -> Combination:
    """Learn how to combine answers (members, n, classes) by targets (n, classes): 1 present, 0 absent, NaN unknown.

    mean: the plain mean. best: of each class the member of the highest average precision. ridge: linear in all answers
    of all members, its penalty a class chosen by cross-validation. chain: logistic in all their log-odds and in the
    chain's own on more frequent classes. A member's answers are NaN on classes it does not know. A label counts for its
    class only where it is known. `groups` (n,): tiles of one group stay together in cross-validation; None: each its
    own. The answers must be on tiles that no member was trained on. Raises OptionError, ModelError.
    """
    if kind not in COMBINATIONS:
        raise OptionError(f"--combine {kind}: no such way; choose one of {', '.join(COMBINATIONS)}")
    known = filled(probabilities)
    members, _, classes = known.shape
    weight = np.zeros((classes, width(kind, members, classes)))
    intercept, order = np.zeros(classes), np.arange(classes)
    tellable = [label for label in range(classes) if _tellable(targets[:, label])]
    own = np.arange(classes) if kind in ("ridge", "chain") else np.zeros(classes, np.int64)
    step = classes if kind in ("ridge", "chain") else 1
    for member in range(members):  # where nothing is learned: the mean
        weight[np.arange(classes), own + member * step] = 1 / members
    fold = _folds(groups, len(targets), seed)
    match kind:
        case "best":
            for label in tellable:
                weight[label] = np.eye(members)[_best(probabilities[..., label], targets[:, label])]
        case "ridge":
            for label in tellable:
                weight[label], intercept[label] = _ridge(inputs(known), targets[:, label], fold)
        case "chain":
            often = np.nan_to_num(targets).sum(axis=0) / np.isfinite(targets).sum(axis=0).clip(min=1)
            order = np.argsort(-often, kind="stable")
            _chain(inputs(log_odds(known)), targets, fold, order, tellable, weight, intercept)
    return Combination(
        kind, tuple(exclusive), weight.astype(np.float32), intercept.astype(np.float32), order.astype(np.int32)
    )


def out_of_fold(
    kind: CombinationKind,
    probabilities: NDArray[np.floating[Any]],
    targets: NDArray[np.floating[Any]],
    exclusive: Sequence[slice],
    groups: NDArray[np.integer[Any]] | None,
    seed: int,
) -> NDArray[np.float32]:
    """What combinations fitted on other groups say of each tile (n, classes), so that they can be judged by it."""
    fold = _folds(groups, len(targets), seed)
    found = np.empty(targets.shape, np.float32)
    for part in np.unique(fold):
        held, used = fold == part, fold != part
        within = None if groups is None else groups[used]
        fitted = fit_combination(kind, probabilities[:, used], targets[used], exclusive, within, seed)
        found[held] = fitted.apply(probabilities[:, held])
    return found


def ridge(answers: Array, target: Array, penalties: Array) -> tuple[Array, Array]:
    """Weights (penalties, inputs) and intercepts (penalties,) of (XᵀX + λI)⁻¹Xᵀy for centred answers X (n, inputs)."""
    mean, level = answers.mean(axis=0), target.mean()
    centred = answers - mean
    values, vectors = np.linalg.eigh(centred.T @ centred)
    along = vectors.T @ (centred.T @ (target - level))
    weight = (along / (values.clip(min=0) + penalties[:, None])) @ vectors.T
    return weight, level - weight @ mean


def _folds(groups: NDArray[np.integer[Any]] | None, tiles: int, seed: int) -> NDArray[np.int16]:
    number = np.arange(tiles) if groups is None else np.unique(groups, return_inverse=True)[1].astype(np.int64)
    if tiles and number.max() == 0:  # one group: its tiles are all there is
        number = np.arange(tiles)
    return draw_folds(number, min(_FOLDS, len(np.unique(number))), seed)


def _tellable(target: NDArray[np.floating[Any]]) -> bool:
    present = int((target >= _PRESENT).sum())
    return min(present, int(np.isfinite(target).sum()) - present) >= _AT_LEAST


def _best(answers: NDArray[np.floating[Any]], target: NDArray[np.floating[Any]]) -> int:
    from sklearn.metrics import average_precision_score

    rows = np.isfinite(target)
    found = [
        average_precision_score(target[rows] >= _PRESENT, answer[rows]) if np.isfinite(answer).all() else -1.0
        for answer in answers
    ]
    return int(np.argmax(found))


def _ridge(answers: Array, target: NDArray[np.floating[Any]], fold: NDArray[np.int16]) -> tuple[Array, float]:
    """Weights (inputs,) and intercept under the penalty with the least squared error on held-out folds."""
    rows = np.isfinite(target)
    known, wanted, part = answers[rows], target[rows].astype(np.float64), fold[rows]
    error = np.zeros(len(_PENALTIES))
    for held in np.unique(part):
        used = part != held
        if used.any():
            weight, intercept = ridge(known[used], wanted[used], _PENALTIES)
            told = (known[~used] @ weight.T + intercept).clip(0, 1)
            error += ((told - wanted[~used, None]) ** 2).sum(axis=0)
    best = len(error) - 1 - int(error[::-1].argmin())  # of equals the one that dares least
    weight, intercept = ridge(known, wanted, _PENALTIES[best : best + 1])
    return weight[0], float(intercept[0])


def _chain(
    answers: Array,
    targets: NDArray[np.floating[Any]],
    fold: NDArray[np.int16],
    order: NDArray[np.int64],
    tellable: Sequence[int],
    weight: Array,
    intercept: Array,
) -> None:
    """Fill in `weight` and `intercept`, link by link.

    Each link learns from what the links before say of tiles they were not fitted on, as it will hear it later.
    """
    own = np.zeros(targets.shape)
    for label in order:
        told = np.hstack([answers, own])
        if label not in tellable:
            own[:, label] = bounded(told @ weight[label])
            continue
        rows = np.isfinite(targets[:, label])
        present = targets[:, label] >= _PRESENT
        mean = weight[label].copy()
        for held in np.unique(fold):
            used = rows & (fold != held)
            slopes, shift = _logistic(told[used], present[used]) or (mean, 0.0)
            own[fold == held, label] = bounded(told[fold == held] @ slopes + shift)
        weight[label], intercept[label] = _logistic(told[rows], present[rows]) or (mean, 0.0)


def _logistic(told: Array, present: NDArray[np.bool_]) -> tuple[Array, float] | None:
    """Weights (inputs,) and intercept; None where the labels are all the same."""
    from sklearn.linear_model import LogisticRegression

    if present.all() or not present.any():
        return None
    model = LogisticRegression(C=_CHAIN_C, max_iter=1_000).fit(told, present)
    return model.coef_[0], float(model.intercept_[0])
