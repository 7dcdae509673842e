"""Probes: small classifiers on frozen vectors, which tell how much of the classes can be read from them.

The five of system B, fitted by scikit-learn and not kept. Its settings where it states them (5 neighbours; C = .5), so
that figures compare; otherwise those that do well on some hundred to thousand vectors of 64 numbers.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import EmptyError, OptionError, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

ProbeName = Literal["knn", "svc", "rfc", "mlp", "dt"]
"""Nearest neighbours, support vectors (RBF kernel), random forest, perceptron with one hidden layer, decision tree."""
PROBES: tuple[ProbeName, ...] = get_args(ProbeName)

_NEIGHBOURS = 5
_SVM_C = 0.5
_TREES = 200
_JOBS = 2
_HIDDEN = 100
_MLP_DECAY = 1e-2
_MLP_ROUNDS = 300
_TREE_LEAF = 5
"""Vectors in a leaf of the tree, which else learns each of them by heart."""


@dataclass(frozen=True, slots=True)
class LabelProbe:
    """Tells one class of a vector."""

    model: Any
    """A fitted classifier of scikit-learn."""

    def predict(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Labels (n,) of vectors (n, d)."""
        return np.asarray(self.model.predict(_plain(vectors)), np.int64)


@dataclass(frozen=True, slots=True)
class ShareProbe:
    """Tells the shares of all classes."""

    model: Any
    """A fitted regressor of scikit-learn."""
    usual: NDArray[np.float64]
    """(classes,): the mean shares of the vectors it was fitted on; for what it sees nothing in."""

    def predict(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Shares (n, classes) of vectors (n, d): at least 0, each row sums to 1."""
        found = np.asarray(self.model.predict(_plain(vectors)), np.float64).reshape(len(vectors), len(self.usual))
        found = np.maximum(found, 0)
        found = np.where(found.sum(axis=1, keepdims=True) > 0, found, self.usual)
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def fit_probe(name: str, vectors: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]], seed: int) -> LabelProbe:
    """Fit a classifier on vectors (n, d) and labels (n,); the same seed gives the same.

    svc and mlp see standardised vectors, the others see them as they are. Raises OptionError for a probe nobody knows,
    EmptyError where all vectors are of one class.
    """
    _check(name, vectors, labels)
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise EmptyError(f"the {name} probe has tiles of one class only to learn from; give it tiles of two or more")
    return LabelProbe(_fit(_classifier(name, len(vectors), seed), vectors, labels))


def fit_share_probe(
    name: str, vectors: NDArray[np.floating[Any]], shares: NDArray[np.floating[Any]], seed: int
) -> ShareProbe:
    """Fit a regressor on vectors (n, d) and shares (n, classes), 0 or more and all known; the same seed gives the same.

    svc has a regressor for each class, the others one for all. Raises OptionError for a probe nobody knows, EmptyError
    where there is no tile, or none has a share of any class.
    """
    _check(name, vectors, shares)
    if not shares.sum() > 0:
        raise EmptyError(f"the {name} probe has no tile with a share of any class to learn from; look at the labels")
    # scikit-learn wants one class as a column of its own, without a warning
    target = shares.astype(np.float64) if shares.shape[1] > 1 else shares[:, 0].astype(np.float64)
    model = _fit(_regressor(name, len(vectors), shares.shape[1], seed), vectors, target)
    return ShareProbe(model, shares.mean(axis=0, dtype=np.float64))


def _classifier(name: str, count: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    match name:
        case "knn":
            return KNeighborsClassifier(min(_NEIGHBOURS, count))
        case "svc":
            return _standardised(SVC(C=_SVM_C))
        case "rfc":
            return RandomForestClassifier(_TREES, n_jobs=_JOBS, random_state=seed)
        case "mlp":
            return _standardised(MLPClassifier((_HIDDEN,), alpha=_MLP_DECAY, max_iter=_MLP_ROUNDS, random_state=seed))
        case _:
            return DecisionTreeClassifier(min_samples_leaf=_TREE_LEAF, random_state=seed)


def _regressor(name: str, count: int, classes: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import SVR
    from sklearn.tree import DecisionTreeRegressor

    match name:
        case "knn":
            return KNeighborsRegressor(min(_NEIGHBOURS, count))
        case "svc":
            return _standardised(MultiOutputRegressor(SVR(C=_SVM_C)) if classes > 1 else SVR(C=_SVM_C))
        case "rfc":
            return RandomForestRegressor(_TREES, max_features="sqrt", n_jobs=_JOBS, random_state=seed)
        case "mlp":
            return _standardised(
                MLPRegressor(hidden_layer_sizes=(_HIDDEN,), alpha=_MLP_DECAY, max_iter=_MLP_ROUNDS, random_state=seed)
            )
        case _:
            return DecisionTreeRegressor(min_samples_leaf=_TREE_LEAF, random_state=seed)


def _standardised(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def _check(name: str, vectors: NDArray[Any], targets: NDArray[Any]) -> None:
    if name not in PROBES:
        raise OptionError(f"{name!r} is no probe; there are {listed(PROBES)}")
    if len(vectors) != len(targets):
        raise ValueError(f"{len(vectors)} vectors, but {len(targets)} rows of targets")
    if not len(vectors):
        raise EmptyError(f"no tiles to fit the {name} probe on; look at the split and the labels")


def _fit(model: Any, vectors: NDArray[np.floating[Any]], targets: NDArray[Any]) -> Any:
    """Fit, without a word about rounds that were not enough: the last state is as good as any to stop at."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_plain(vectors), targets)
    # a forest's threads add up what its trees say in any order, and the sum is another in its last digit
    return model.set_params(n_jobs=1) if "n_jobs" in model.get_params(deep=False) else model


def _plain(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """In float32: vectors are kept in float16, of which products overflow."""
    return np.ascontiguousarray(vectors, np.float32)
