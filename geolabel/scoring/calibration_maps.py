"""The two ways of making the probabilities of one class, or one exclusive group, true: temperature and isotonic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, log_softmax, logit, softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEAST = 1e-30
"""Lowest probability there is; the highest is the last 32-bit number below 1. Both have a logarithm."""
MOST = float(np.nextafter(np.float32(1), np.float32(0)))
_RANGE = (0.5, 20.0)
"""Of temperatures. Validation tiles without an error ask for ever lower ones: answers never become surer than twice."""
_KEPT = 1e-3
"""Of the given probability, mixed into an isotonic one: tiles on one of its steps keep their order."""


@dataclass(frozen=True, slots=True)
class Temperature:
    """Logits (of a group: log-probabilities) divided by one number; above 1 answers become less sure.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """

    temperature: float

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"a temperature is above 0, got {self.temperature}")

    def apply(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities of one class; any shape."""
        return np.asarray(expit(logit(inside(probability)) / self.temperature))

    def apply_group(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities (n, classes) of an exclusive group; they sum to 1."""
        return np.asarray(softmax(np.log(inside(probabilities)) / self.temperature, axis=1))

    @classmethod
    def fit(cls, present: NDArray[np.bool_], probability: NDArray[np.float64]) -> Temperature:
        """The temperature with the lowest negative log-likelihood of one class: two arrays (m,)."""
        answer = logit(inside(probability)) * np.where(present, 1, -1)
        return cls(_lowest(lambda factor: np.logaddexp(0, -answer * factor)))

    @classmethod
    def fit_group(cls, truth: NDArray[np.intp], probabilities: NDArray[np.float64]) -> Temperature:
        """The same of an exclusive group: `truth` (m,), the number of the class; `probabilities` (m, classes)."""
        logs, rows = np.log(inside(probabilities)), np.arange(len(truth))
        return cls(_lowest(lambda factor: -log_softmax(logs * factor, axis=1)[rows, truth]))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising line through knots: the share of tiles in which the class is present, by the given probability."""

    given: tuple[float, ...]
    """Rising, 0 to 1."""
    calibrated: tuple[float, ...]
    """Rising, inside 0 to 1."""

    def __post_init__(self) -> None:
        given, calibrated = np.array(self.given, dtype=np.float64), np.array(self.calibrated, dtype=np.float64)
        if given.ndim != 1 or given.shape != calibrated.shape or len(given) < 2:  # noqa: PLR2004 - ends of a line
            raise ValueError("an isotonic calibration has two knots or more, each with a value")
        if not ((np.diff(given) > 0).all() and (np.diff(calibrated) >= 0).all()):
            raise ValueError("the knots of an isotonic calibration must rise")
        if not (given[0] == 0 and given[-1] == 1 and calibrated[0] > 0 and calibrated[-1] < 1):
            raise ValueError("the knots of an isotonic calibration go from 0 to 1, their values stay inside")

    def apply(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities; any shape."""
        return np.asarray(np.interp(probability, self.given, self.calibrated))

    @classmethod
    def fit(cls, present: NDArray[np.bool_], probability: NDArray[np.float64]) -> Isotonic:
        """Fit one class: two arrays (m,). Answers stay 1 / (m + 2) from 0 and from 1: m tiles tell no more."""
        from sklearn.isotonic import IsotonicRegression

        surest = 1 / (len(present) + 2)
        found = IsotonicRegression(y_min=surest, y_max=1 - surest).fit(probability, present)
        given, calibrated = found.X_thresholds_, found.y_thresholds_
        given, calibrated = np.append(0.0, np.append(given, 1.0)), np.pad(calibrated, 1, mode="edge")
        distinct = np.append(True, np.diff(given) > 0)  # a knot may lie at 0 or 1 already
        given, calibrated = given[distinct], calibrated[distinct]
        mixed = (1 - _KEPT) * calibrated + _KEPT * given
        return cls(tuple(given.tolist()), tuple(mixed.tolist()))


def inside(probability: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Probabilities that have a logarithm, as their complements do."""
    return np.clip(probability.astype(np.float64), LEAST, MOST)


def _lowest(loss: Callable[[float], NDArray[np.float64]]) -> float:
    """The temperature T with the lowest mean loss(1 / T), which is convex in 1 / T; 1 where none is better."""
    from scipy.optimize import minimize_scalar

    low, high = _RANGE
    found = minimize_scalar(
        lambda log_t: float(loss(np.exp(-log_t)).mean()), bounds=(np.log(low), np.log(high)), method="bounded"
    )
    return float(np.exp(found.x)) if found.fun < float(loss(1.0).mean()) else 1.0
