"""Calibration: probabilities that mean what they say, fitted on validation tiles and kept in the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from operator import index
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.scoring.calibration_maps import LEAST, MOST, Isotonic, Temperature, inside
from geolabel.scoring.counts import PRESENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST_TILES = 10
"""With the class, and without it, that a fit takes; fewer say too little, and the class stays as it is."""
CalibrationMethod = Literal["temperature", "isotonic"]
Map = Temperature | Isotonic


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the probabilities of each class are made true. Raises ValueError where it contradicts itself."""

    method: CalibrationMethod
    maps: tuple[Map | None, ...]
    """By class; None for one that stays as it is. The classes of an exclusive group share one temperature."""
    exclusive: tuple[tuple[int, int], ...] = ()
    """First column of each exclusive group, and the one after its last; their probabilities sum to 1 again."""

    def __post_init__(self) -> None:
        if self.method not in get_args(CalibrationMethod):
            raise ValueError(f"{self.method!r} is no way of calibrating; there are temperature and isotonic")
        kind = Temperature if self.method == "temperature" else Isotonic
        if not all(one is None or isinstance(one, kind) for one in self.maps):
            raise ValueError(f"a class of a {self.method} calibration is calibrated in another way")
        end = 0
        for first, after in sorted(self.exclusive):
            if not end <= first < after <= len(self.maps):
                raise ValueError(f"columns {first} to {after} are no group of {len(self.maps)} classes")
            if self.method == "temperature" and len(set(self.maps[first:after])) > 1:
                raise ValueError(f"the classes of the group {first} to {after} have several temperatures")
            end = after

    @classmethod
    def fit(
        cls,
        targets: NDArray[np.floating[Any]],
        probabilities: NDArray[np.floating[Any]],
        exclusive: Sequence[slice] = (),
        method: CalibrationMethod = "temperature",
    ) -> Calibration:
        """Fit on tiles: `targets` (n, classes; 1 present, 0 absent, NaN unknown), `probabilities` (n, classes).

        A class with fewer than 10 tiles that have it, or that do not, stays as it is; so does a group in which the
        commonest class, or all others together, have fewer. So does whatever a fit would make less likely.
        """
        maps: list[Map | None] = [None] * targets.shape[1]
        groups = tuple(columns.indices(targets.shape[1])[:2] for columns in exclusive)
        grouped = {column for first, after in groups for column in range(first, after)}
        for first, after in groups:
            maps[first:after] = _fit_group(targets[:, first:after], inside(probabilities[:, first:after]), method)
        for column in sorted(set(range(targets.shape[1])) - grouped):
            maps[column] = _fit_class(targets[:, column], inside(probabilities[:, column]), method)
        return cls(method, tuple(maps), groups)

    def apply(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Calibrated probabilities (n, classes), inside 0 to 1. Raises ValueError where the classes are not as many."""
        if probabilities.ndim != 2 or probabilities.shape[1] != len(self.maps):  # noqa: PLR2004 - tiles × classes
            raise ValueError(f"{len(self.maps)} classes are calibrated, got an array {probabilities.shape}")
        done = probabilities.astype(np.float64)
        grouped: set[int] = set()
        for first, after in self.exclusive:
            done[:, first:after] = _apply_group(self.maps[first:after], done[:, first:after])
            grouped.update(range(first, after))
        for column, one in enumerate(self.maps):
            if one is not None and column not in grouped:
                done[:, column] = one.apply(done[:, column])
        return np.clip(done, LEAST, MOST).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes the same calibration."""
        return {
            "method": self.method,
            "maps": [None if one is None else asdict(one) for one in self.maps],
            "exclusive": [list(columns) for columns in self.exclusive],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote. Raises ValueError, KeyError or TypeError where it is damaged."""
        maps = tuple(None if one is None else _map(value["method"], one) for one in value["maps"])
        groups = tuple((index(first), index(after)) for first, after in value["exclusive"])
        return cls(value["method"], maps, groups)


def _map(method: str, value: Mapping[str, Any]) -> Map:
    if method == "temperature":
        return Temperature(float(value["temperature"]))
    return Isotonic(tuple(map(float, value["given"])), tuple(map(float, value["calibrated"])))


def _fit_class(
    target: NDArray[np.floating[Any]], probability: NDArray[np.float64], method: CalibrationMethod
) -> Map | None:
    known = np.isfinite(target)
    present, probability = target[known] > PRESENT, probability[known]
    if min(present.sum(), (~present).sum()) < LEAST_TILES:
        return None
    found = (Temperature if method == "temperature" else Isotonic).fit(present, probability)
    return found if _loss(present, found.apply(probability)) <= _loss(present, probability) else None


def _fit_group(
    targets: NDArray[np.floating[Any]], probabilities: NDArray[np.float64], method: CalibrationMethod
) -> list[Map | None]:
    present, size = targets > PRESENT, targets.shape[1]
    usable = np.isfinite(targets).all(axis=1) & (present.sum(axis=1) == 1)
    truth, probabilities = present[usable].argmax(axis=1), probabilities[usable]
    commonest = int(np.bincount(truth, minlength=size).max())
    if min(commonest, len(truth) - commonest) < LEAST_TILES:
        return [None] * size
    if method == "temperature":
        maps: list[Map | None] = [Temperature.fit_group(truth, probabilities)] * size
    else:
        maps = [
            _fit_class(column, given, method) for column, given in zip(targets[usable].T, probabilities.T, strict=True)
        ]
    rows = np.arange(len(truth))
    before = -np.log(probabilities[rows, truth]).mean()
    after = -np.log(inside(_apply_group(maps, probabilities))[rows, truth]).mean()
    return maps if after <= before else [None] * size


def _apply_group(maps: Sequence[Map | None], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Calibrated probabilities (n, classes) of an exclusive group."""
    if isinstance(maps[0], Temperature):
        return maps[0].apply_group(probabilities)
    if all(one is None for one in maps):
        return probabilities
    parts = [given if one is None else one.apply(given) for one, given in zip(maps, probabilities.T, strict=True)]
    done = np.stack(parts, axis=1)
    return np.asarray(done / done.sum(axis=1, keepdims=True))


def _loss(present: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood."""
    return float(-np.log(np.where(present, inside(probability), 1 - inside(probability))).mean())
