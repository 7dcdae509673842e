"""How the answers of several models become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import ModelError
from geolabel.learn.baselines.arrays import damaged, take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CombinationKind = Literal["mean", "best", "ridge", "chain"]
COMBINATIONS: tuple[CombinationKind, ...] = get_args(CombinationKind)
_LEAST = 1e-4
"""Nearer to 0 or 1 a probability is not believed."""
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Combination:
    """Weights of the answers of m members on c classes."""

    kind: CombinationKind
    exclusive: tuple[slice, ...]
    """Columns of the classes that exclude each other: their probabilities sum to 1."""
    weight: NDArray[np.float32]
    """mean, best: (c, m), of each member's answer on the class itself. ridge: (c, m × c), of all answers of all
    members. chain: (c, m × c + c), of all their log-odds, then of the chain's own on the classes before."""
    intercept: NDArray[np.float32]
    """(c,)."""
    order: NDArray[np.int32]
    """(c,): the order in which a chain tells the classes."""

    def apply(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """(n, c) of the members' answers (m, n, c), NaN where a member does not know the class.

        Raises ModelError where none does.
        """
        known = filled(probabilities)
        match self.kind:
            case "mean" | "best":
                found = np.einsum("mnc,cm->nc", known, self.weight)
            case "ridge":
                found = inputs(known) @ self.weight.T + self.intercept
            case "chain":
                found = self._chain(inputs(log_odds(known)))
        return shared_out(found.clip(0, 1), known.mean(axis=0), self.exclusive).astype(np.float32)

    def _chain(self, answers: NDArray[np.float64]) -> NDArray[np.float64]:
        own = np.zeros((len(answers), len(self.order)))
        for label in self.order:
            # those that come later are still 0
            own[:, label] = np.hstack([answers, own]) @ self.weight[label] + self.intercept[label]
            own[:, label] = bounded(own[:, label])
        return probability(own)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        return {"weight": self.weight, "intercept": self.intercept, "order": self.order}


def from_arrays(
    kind: str, arrays: Mapping[str, NDArray[Any]], exclusive: Sequence[slice], members: int, classes: int
) -> Combination:
    """A combination from a model file. Raises ModelError where its arrays do not fit members and classes."""
    if kind not in COMBINATIONS:
        raise ModelError(f"the combination {kind!r} is none of {', '.join(COMBINATIONS)}")
    weight = take(arrays, "weight", np.float32, classes, width(kind, members, classes))
    order = take(arrays, "order", np.int32, classes)
    if (np.sort(order) != np.arange(classes)).any():
        raise damaged("order does not name each class once")
    return Combination(kind, tuple(exclusive), weight, take(arrays, "intercept", np.float32, classes), order)


def width(kind: CombinationKind, members: int, classes: int) -> int:
    """Weights a class."""
    return {"mean": members, "best": members, "ridge": members * classes, "chain": (members + 1) * classes}[kind]


def filled(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The answers (m, n, c), and where a member has none, the mean of those that have one. Raises ModelError."""
    known = np.isfinite(probabilities)
    number = known.sum(axis=0)
    if not number.all():
        raise ModelError("a class is known to none of the ensemble's members; combine models that know each class")
    mean = np.where(known, probabilities, 0).sum(axis=0, dtype=np.float64) / number
    return np.where(known, probabilities, mean)


def inputs(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, n, c) → (n, m × c), member by member."""
    members, tiles, classes = answers.shape
    return answers.transpose(1, 0, 2).reshape(tiles, members * classes)


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of probabilities, none of them quite certain."""
    held = probabilities.clip(_LEAST, 1 - _LEAST)
    found: NDArray[np.float64] = np.log(held / (1 - held))
    return found


def bounded(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds, none of them quite certain."""
    far = np.log((1 - _LEAST) / _LEAST)
    return odds.clip(-far, far)


def probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of log-odds."""
    found: NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * odds))
    return found


def shared_out(
    found: NDArray[np.float64], spare: NDArray[np.float64], exclusive: Sequence[slice]
) -> NDArray[np.float64]:
    """Probabilities (n, c) whose exclusive classes sum to 1; where all are 0, in the proportions of `spare` (n, c)."""
    for span in exclusive:
        part = found[:, span]
        part = np.where(part.sum(axis=1, keepdims=True) > _NOTHING, part, spare[:, span] + _NOTHING)
        found[:, span] = part / part.sum(axis=1, keepdims=True)
    return found
