"""Conventional classifiers on features: fitted by scikit-learn, kept as plain arrays, predicted without it.

A pickle can run code; skops leaves scikit-learn's own trees unchecked and asks for the version that wrote them. Arrays
in the model's safetensors file do neither, and are a sixth of the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import EmptyError, ModelError, OptionError
from geolabel.learn.baselines import parts as asked
from geolabel.learn.baselines.arrays import damaged, take, within
from geolabel.learn.baselines.forest import Forest, fit_forest
from geolabel.learn.baselines.kernels import Kernels, fit_kernels
from geolabel.learn.baselines.layers import Layers, fit_logistic, fit_mlp
from geolabel.learn.baselines.neighbours import Neighbours, fit_neighbours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.model import Head

    Machine = Forest | Kernels | Layers | Neighbours

BaselineKind = Literal["knn", "svm", "rf", "logistic", "tree", "mlp"]
BASELINES: tuple[BaselineKind, ...] = get_args(BaselineKind)
_FAR = 10.0
"""Deviations from the mean of the training chips; what lies farther is taken to lie there."""
_FOREST_LEAF = 2
"""Chips in a leaf: 1 ranks hardly better and makes larger files, more rank worse."""
_MOST_FEATURES = 32_767


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted classifier: features (n, f) → probabilities (n, classes)."""

    kind: BaselineKind
    heads: tuple[Head, ...]
    mean: NDArray[np.float32]
    """(f,): of the training chips."""
    factor: NDArray[np.float32]
    """(f,): 1 / deviation; 0 where all training chips were the same."""
    constant: NDArray[np.float32]
    """(classes,): the probability of a class that the labels do not tell; −1 where the machine decides."""
    machine: Machine | None
    """None where no class is left to it."""

    def probabilities(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of features (n, f); one that is not finite counts as the mean.

        Raises ModelError where there are more or fewer features than in training.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):  # noqa: PLR2004 - rows and columns
            raise ModelError(f"the {self.kind} was trained on {len(self.mean)} features, got {features.shape}")
        found = np.tile(self.constant, (len(features), 1))
        if self.machine is not None:
            rows = standardised(features, self.mean, self.factor)
            widths = asked.widths(self.heads, self.constant)
            found[:, self.constant == asked.DECIDED] = self.machine.probabilities(rows, widths)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        own = {"mean": self.mean, "factor": self.factor, "constant": self.constant}
        return own if self.machine is None else own | self.machine.to_arrays()


def from_arrays(kind: str, heads: Sequence[Head], arrays: Mapping[str, NDArray[Any]]) -> Baseline:
    """A baseline from a model file. Raises ModelError where its arrays do not fit each other."""
    if kind not in BASELINES:
        raise ModelError(f"{kind!r} is none of {', '.join(BASELINES)}")
    mean = take(arrays, "mean", np.float32, None)
    factor = take(arrays, "factor", np.float32, len(mean))
    constant = take(arrays, "constant", np.float32, sum(len(head.classes) for head in heads))
    within(constant[constant != asked.DECIDED], 0, 1, "constant")
    widths = asked.widths(heads, constant)
    if any(exclusive and (constant[span] == asked.DECIDED).sum() == 1 for exclusive, span in asked.columns(heads)):
        raise damaged("constant leaves one class of a group to be chosen")
    machine = _machine(kind, arrays, len(mean), widths) if widths else None
    return Baseline(kind, tuple(heads), mean, factor, constant, machine)


def _machine(kind: BaselineKind, arrays: Mapping[str, NDArray[Any]], features: int, widths: Sequence[int]) -> Machine:
    match kind:
        case "rf" | "tree":
            return Forest.from_arrays(arrays, features, widths)
        case "svm":
            return Kernels.from_arrays(arrays, features, widths)
        case "knn":
            return Neighbours.from_arrays(arrays, features, widths)
        case "logistic" | "mlp":
            return Layers.from_arrays(arrays, features, widths, layers=1 if kind == "logistic" else 2)


def fit_baseline(
    kind: BaselineKind,
    features: NDArray[np.floating[Any]],
    targets: NDArray[np.floating[Any]],
    heads: Sequence[Head],
    seed: int,
    sample_weights: NDArray[np.floating[Any]] | None = None,
    *,
    trees: int = 300,
    depth: int | None = None,
) -> Baseline:
    """Fit on features (n, f) and targets (n, classes): 1 present, 0 absent, NaN unknown.

    Each class of a sigmoid head has a classifier of its own, each softmax head one for all of its classes, on the rows
    where they are known. rf, svm, logistic and tree weigh classes equally; probabilities are those of the classes as
    often as they are. `sample_weights` (n,): a row of weight 0 does not count. `trees` and `depth` shape an rf; `depth`
    a tree too. Raises OptionError for a kind nobody knows or weights that are none, EmptyError where no row is left.
    """
    if kind not in BASELINES:
        raise OptionError(f"--model {kind}: no such baseline; choose one of {', '.join(BASELINES)}")
    if features.shape[1] > _MOST_FEATURES:
        raise OptionError(f"{features.shape[1]} features are more than {_MOST_FEATURES}; choose other --features")
    weights = np.ones(len(features)) if sample_weights is None else sample_weights.astype(np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise OptionError("sample weights must be numbers of at least 0")
    rows = np.flatnonzero(weights > 0)
    if not len(rows):
        raise EmptyError(f"no chips to train the {kind} on; look at the split and the labels")
    mean, factor = _standard(features[rows])
    used = standardised(features[rows], mean, factor)
    constant, parts = asked.questions(targets[rows], heads)
    weights = weights[rows] / weights[rows].mean()
    machine = _fitted(kind, used, parts, weights, seed, trees, depth) if parts else None
    return Baseline(kind, tuple(heads), mean, factor, constant, machine)


def _fitted(
    kind: BaselineKind,
    features: NDArray[np.float32],
    parts: Sequence[asked.Part],
    weights: NDArray[np.float64],
    seed: int,
    trees: int,
    depth: int | None,
) -> Machine:
    match kind:
        case "rf":
            return fit_forest(features, parts, weights, seed, trees=trees, depth=depth, leaf=_FOREST_LEAF)
        case "tree":
            leaf = max(2, round(len(features) ** 0.5 / 2))  # grows with the chips, as its own number of leaves does
            return fit_forest(features, parts, weights, seed, trees=1, depth=depth, leaf=leaf)
        case "svm":
            return fit_kernels(features, parts, weights, seed)
        case "knn":
            return fit_neighbours(features, parts, weights)
        case "logistic":
            return fit_logistic(features, parts, weights)
        case "mlp":
            return fit_mlp(features, parts, weights, seed)


def _standard(features: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and 1 / deviation (f,) of what is finite; 0 where it is all the same."""
    seen = np.isfinite(features)
    number = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, features, 0).sum(axis=0, dtype=np.float64) / number
    deviation = np.sqrt((np.where(seen, features - mean, 0) ** 2).sum(axis=0) / number)
    spread = deviation > 1e-6 * np.abs(mean)  # the rounding of float32 is no spread
    return mean.astype(np.float32), np.divide(1, deviation, out=np.zeros_like(mean), where=spread).astype(np.float32)


def standardised(
    features: NDArray[np.floating[Any]], mean: NDArray[np.float32], factor: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Features (n, f) of mean 0 and deviation 1, at most 10 from 0; 0 where not finite."""
    with np.errstate(over="ignore"):
        away: NDArray[np.float32] = np.where(np.isfinite(features), features - mean, 0).astype(np.float32) * factor
    return away.clip(-_FAR, _FAR)
