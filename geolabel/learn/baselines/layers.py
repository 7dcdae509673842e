"""Logistic regression and small multi-layer perceptrons: matrices, with max(0, x) between them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.baselines.arrays import take
from geolabel.learn.baselines.parts import balanced, linked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.baselines.parts import Part

_HIDDEN = 64
_MLP_DECAY = 0.3
"""Weight of the squared weights: a few hundred chips do not fill so many."""
_MLP_ROUNDS = 200
_LOGISTIC_ROUNDS = 2_000


@dataclass(frozen=True, slots=True)
class Layers:
    """All questions at once; their last layer gives log-odds."""

    weights: tuple[NDArray[np.float32], ...]
    """Each (inputs, outputs)."""
    biases: tuple[NDArray[np.float32], ...]
    """Each (outputs,)."""

    def probabilities(self, features: NDArray[np.float32], widths: Sequence[int]) -> NDArray[np.float32]:
        """(n, outputs)."""
        found = features
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            found = np.maximum(found @ weight + bias, 0)
        return linked(found @ self.weights[-1] + self.biases[-1], widths)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        return {f"weight{at}": weight for at, weight in enumerate(self.weights)} | {
            f"bias{at}": bias for at, bias in enumerate(self.biases)
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], features: int, widths: Sequence[int], layers: int
    ) -> Layers:
        """Raises ModelError where the layers do not fit each other."""
        weights, biases = [], []
        inputs = features
        for at in range(layers):
            outputs = sum(widths) if at == layers - 1 else None
            weights.append(take(arrays, f"weight{at}", np.float32, inputs, outputs))
            inputs = weights[-1].shape[1]
            biases.append(take(arrays, f"bias{at}", np.float32, inputs))
        return cls(tuple(weights), tuple(biases))


def fit_logistic(features: NDArray[np.float32], parts: Sequence[Part], weights: NDArray[np.float64]) -> Layers:
    """Logistic regressions of classes that weigh the same, then shifted to how often they really are."""
    from sklearn.linear_model import LogisticRegression

    found = []
    for part in parts:
        rows = part.rows()
        weight, factors = balanced(part.label[rows], weights[rows])
        model = LogisticRegression(max_iter=_LOGISTIC_ROUNDS)
        _quietly(model, features[rows], part.label[rows], weight)
        slopes, bias = _outputs(part.width, model.coef_.T, model.intercept_)
        rarer = np.log(factors)
        found.append((slopes, bias - (rarer[1:] - rarer[0] if part.width == 1 else rarer)))
    matrix, shift = (np.concatenate(pieces, axis=-1).astype(np.float32) for pieces in zip(*found, strict=True))
    return Layers((matrix,), (shift,))


def fit_mlp(features: NDArray[np.float32], parts: Sequence[Part], weights: NDArray[np.float64], seed: int) -> Layers:
    """A perceptron with one hidden layer for each question; side by side they are one network."""
    from scipy.linalg import block_diag
    from sklearn.neural_network import MLPClassifier

    hidden, last = [], []
    for part in parts:
        rows = part.rows()
        model = MLPClassifier((_HIDDEN,), alpha=_MLP_DECAY, max_iter=_MLP_ROUNDS, random_state=seed)
        _quietly(model, features[rows], part.label[rows], weights[rows])
        hidden.append((model.coefs_[0], model.intercepts_[0]))
        last.append(_outputs(part.width, model.coefs_[1], model.intercepts_[1]))
    first = [np.concatenate(pieces, axis=-1).astype(np.float32) for pieces in zip(*hidden, strict=True)]
    second = block_diag(*(weight for weight, _ in last)).astype(np.float32)
    bias = np.concatenate([bias for _, bias in last]).astype(np.float32)
    return Layers((first[0], second), (first[1], bias))


def _outputs(
    width: int, weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of two exclusive classes scikit-learn gives the log-odds of the second; softmax wants both."""
    if len(bias) == width:
        return weight, bias
    return np.pad(weight, ((0, 0), (1, 0))), np.pad(bias, (1, 0))


def _quietly(model: Any, features: NDArray[np.float32], labels: NDArray[np.int64], weight: NDArray[np.float64]) -> None:
    """Fit, without a word about rounds that were not enough: the last state is as good as any to stop at."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels, sample_weight=weight)
