"""Support vector machines with a Gaussian kernel, one a class, and sigmoids that make probabilities of their distances.

Cortes & Vapnik, Support-vector networks (1995); Platt, Probabilistic outputs for support vector machines (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.baselines.arrays import take, within
from geolabel.learn.baselines.parts import balanced
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.baselines.parts import Part

_FOLDS = 3
_LEAST_SLOPE = 1e-3
_MOST_ROWS = 10_000
"""Training takes time by the square of the rows; so many are drawn of more."""
_PRODUCTS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Kernels:
    """The machines of all questions, on one set of support vectors."""

    points: NDArray[np.float32]
    """(m, features): support vectors."""
    gamma: NDArray[np.float32]
    """(1,): the kernel is exp(−gamma‖x − y‖²)."""
    coefficient: NDArray[np.float32]
    """(m, outputs)."""
    slope: NDArray[np.float32]
    """(outputs,): the log-odds of a class are slope × Σ coefficient × kernel + shift."""
    shift: NDArray[np.float32]
    """(outputs,)."""

    def probabilities(self, features: NDArray[np.float32], widths: Sequence[int]) -> NDArray[np.float32]:
        """(n, outputs); the classes of a group are divided by their sum."""
        found = np.empty((len(features), len(self.slope)), np.float32)
        norm = np.einsum("mf,mf->m", self.points, self.points)
        step = max(1, _PRODUCTS_AT_ONCE // max(1, len(self.points)))
        for at in range(0, len(features), step):
            some = features[at : at + step]
            squared = np.einsum("nf,nf->n", some, some)[:, None] + norm - 2 * (some @ self.points.T)
            decision = np.exp(-self.gamma * np.maximum(squared, 0)) @ self.coefficient
            found[at : at + step] = 0.5 * (1 + np.tanh(0.5 * (decision * self.slope + self.shift)))
        first = 0
        for width in widths:
            if width > 1:
                part = found[:, first : first + width]
                part /= np.maximum(part.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
            first += width
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        return {
            "points": self.points,
            "gamma": self.gamma,
            "coefficient": self.coefficient,
            "slope": self.slope,
            "shift": self.shift,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], features: int, widths: Sequence[int]) -> Kernels:
        """Raises ModelError where the arrays do not fit each other."""
        points = take(arrays, "points", np.float32, None, features)
        gamma = take(arrays, "gamma", np.float32, 1)
        within(gamma, 0, np.inf, "gamma")
        coefficient = take(arrays, "coefficient", np.float32, len(points), sum(widths))
        slope, shift = (take(arrays, name, np.float32, sum(widths)) for name in ("slope", "shift"))
        return cls(points, gamma, coefficient, slope, shift)


def fit_kernels(
    features: NDArray[np.float32], parts: Sequence[Part], weights: NDArray[np.float64], seed: int
) -> Kernels:
    """One machine a class, with presence and absence of the same weight; one class against the others in a group."""
    most = max(len(part.rows()) for part in parts)
    if most > _MOST_ROWS:
        log.info("svm: learns from %d of %d chips, which would take too long; rf takes them all", _MOST_ROWS, most)
    gamma = 1 / features.shape[1]  # scikit-learn's "scale" for features of deviation 1
    coefficients, slopes, shifts = [], [], []
    for part in parts:
        for wanted in range(part.width):
            rows = part.rows()
            present = (part.label[rows] == (1 if part.width == 1 else wanted)).astype(np.int64)
            kept, weight = _drawn(present, weights[rows], seed)
            rows, present = rows[kept], present[kept]
            machine = _machine(gamma, features[rows], present, weight)
            slope, shift = _sigmoid(_held_out(gamma, features[rows], present, weight, seed), present, weight)
            coefficient = np.zeros(len(features), np.float32)
            coefficient[rows[machine.support_]] = machine.dual_coef_[0]
            coefficients.append(coefficient)
            slopes.append(slope)
            shifts.append(shift + slope * machine.intercept_[0])
    table = np.stack(coefficients, axis=1)
    support = np.flatnonzero(table.any(axis=1))
    return Kernels(
        features[support],
        np.array([gamma], np.float32),
        table[support],
        np.array(slopes, np.float32),
        np.array(shifts, np.float32),
    )


def _machine(gamma: float, features: NDArray[np.float32], present: NDArray[np.int64], weight: NDArray[Any]) -> Any:
    from sklearn.svm import SVC

    return SVC(gamma=gamma).fit(features, present, balanced(present, weight)[0])


def _drawn(
    present: NDArray[np.int64], weights: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Up to 10,000 rows, the rare side first; those that are drawn weigh for those that are not."""
    if len(present) <= _MOST_ROWS:
        return np.arange(len(present)), weights
    rng = np.random.default_rng(seed)
    sides = sorted((rng.permutation(np.flatnonzero(present == side)) for side in (0, 1)), key=len)
    rare = sides[0][: _MOST_ROWS // 2]
    often = sides[1][: _MOST_ROWS - len(rare)]
    kept = np.concatenate([rare, often])
    share = np.repeat([len(rare) / len(sides[0]), len(often) / len(sides[1])], [len(rare), len(often)])
    return kept, weights[kept] / share


def _held_out(
    gamma: float, features: NDArray[np.float32], present: NDArray[np.int64], weight: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Distances (n,) of rows by machines that have not seen them; of the only chip of its kind there is no other."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(_FOLDS, int(np.bincount(present).min()))
    if folds == 1:
        return np.asarray(_machine(gamma, features, present, weight).decision_function(features))
    found = np.empty(len(present))
    for known, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, present):
        machine = _machine(gamma, features[known], present[known], weight[known])
        found[held] = machine.decision_function(features[held])
    return found


def _sigmoid(
    distance: NDArray[np.float64], present: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and shift of the log-odds, by Platt's targets: (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), not 1 and 0."""
    from sklearn.linear_model import LogisticRegression

    absent_count, present_count = np.bincount(present)
    target = np.where(present == 1, (present_count + 1) / (present_count + 2), 1 / (absent_count + 2))
    twice = np.concatenate([distance, distance])[:, None]
    model = LogisticRegression(C=1e6).fit(
        twice, np.repeat([1, 0], len(distance)), np.concatenate([weight * target, weight * (1 - target)])
    )
    # a machine that errs on chips it has not seen is still not turned upside down
    return max(float(model.coef_[0, 0]), _LEAST_SLOPE), float(model.intercept_[0])
