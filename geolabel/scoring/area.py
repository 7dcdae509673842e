"""Accuracy of a class map, and area of its classes, from a stratified random sample that a person has looked at.

Every measure is a ratio R = Y / X of two totals over the map: for the area of a class, Y counts what is of it on the
ground and X everything; for user's accuracy, X counts what the map shows as the class and Y what of this is right; for
producer's accuracy, X counts what is of the class on the ground. Strata may be, or not be, the classes of the map.

Sources: Olofsson et al. 2014, Good practices for estimating area and assessing accuracy of land change, Remote Sensing
of Environment 148, 42–57, equations 1–11; for strata that are not the classes, Stehman 2014, Estimating area and map
accuracy for stratified random sampling when the strata are different from the map classes, International Journal of
Remote Sensing 35, 4923–4939, equations 24–28, whose results are the former's where strata and classes are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Z_95 = 1.96
"""Standard errors to either side of an estimate between which 95 % of a normal distribution lie."""
UNDECIDED = -1
"""What the map shows where it decides for no class."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the map from which points were drawn."""

    area: float
    """In any unit: estimates of areas are in the same."""
    pixels: int = 0
    """How many could have been drawn; 0: as good as endless, without finite population correction."""

    def __post_init__(self) -> None:
        if not self.area > 0 or self.pixels < 0:
            raise ValueError(f"a stratum has an area above 0 and no negative pixels, got {self.area}, {self.pixels}")


@dataclass(frozen=True, slots=True)
class Points:
    """What is known of n sampled points."""

    stratum: NDArray[np.int64]
    """(n,) number of the stratum each was drawn from."""
    mapped: NDArray[np.int64]
    """(n,) class that the map shows, or UNDECIDED."""
    reference: NDArray[np.int64]
    """(n,) class that the person saw."""
    pixel_area: NDArray[np.float64]
    """(n,) area that each stands for, in any unit: pixels differ where the raster is in degrees."""

    def __post_init__(self) -> None:
        if len({len(self.stratum), len(self.mapped), len(self.reference), len(self.pixel_area)}) > 1:
            raise ValueError("columns of different lengths")

    def take(self, chosen: NDArray[np.bool_]) -> Points:
        """Those that are True in `chosen`: (n,)."""
        return Points(self.stratum[chosen], self.mapped[chosen], self.reference[chosen], self.pixel_area[chosen])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty."""

    value: float
    """NaN, as all else, where there is nothing to judge by: what the map nowhere shows has no user's accuracy."""
    standard_error: float
    low: float
    """Lower end of the 95 % interval, within what is possible."""
    high: float

    @classmethod
    def of(cls, value: float, standard_error: float, most: float) -> Estimate:
        """With the interval of a normal distribution, within 0 and `most`."""
        half = Z_95 * standard_error
        low, high = np.clip([value - half, value + half], 0, most).tolist()
        return cls(value, standard_error, low, high)

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval, as in "± 220 ha"."""
        return Z_95 * self.standard_error


@dataclass(frozen=True, slots=True)
class ClassEstimates:
    """What is known of one class."""

    mapped: float
    """Area on which the map shows it, in the unit of the strata's areas."""
    area: Estimate
    """Error-adjusted area, in the same unit."""
    users_accuracy: Estimate
    """Share, by area, of what the map shows as the class that is of the class."""
    producers_accuracy: Estimate
    """Share, by area, of what is of the class that the map shows as the class."""


@dataclass(frozen=True, slots=True)
class AreaEstimates:
    """All that a sample says of a map."""

    classes: tuple[ClassEstimates, ...]
    overall_accuracy: Estimate
    """Share, by area, of what the map decides that is right."""
    counts: NDArray[np.int64]
    """(classes + 1, classes) points: rows as mapped, the last for UNDECIDED, columns as seen."""
    proportions: NDArray[np.float64]
    """(classes + 1, classes) the same as shares of the whole area, 0–1: the error matrix (equation 4)."""


def estimate(strata: Sequence[Stratum], points: Points, classes: int) -> AreaEstimates:
    """Accuracy and areas of so many classes. Raises ValueError where a stratum has too few points (see `too_few`)."""
    short = too_few(strata, points)
    if short:
        raise ValueError(f"too few points in the strata {short}")
    expanded = _expanded(strata, points)
    total = float(expanded.sum())
    numbers = np.arange(classes)
    mapped, seen = points.mapped[:, None] == numbers, points.reference[:, None] == numbers
    right = mapped & seen
    everything = np.ones_like(seen)
    decided = (points.mapped != UNDECIDED)[:, None]

    area = _ratios(strata, points, seen, everything)
    users = _ratios(strata, points, right, mapped)
    producers = _ratios(strata, points, right, seen)
    overall = _ratios(strata, points, right.any(axis=1, keepdims=True), decided)
    shown = (expanded @ mapped).tolist()
    row = np.where(points.mapped == UNDECIDED, classes, points.mapped)
    shape = (classes + 1, classes)
    counts, proportions = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    np.add.at(counts, (row, points.reference), 1)
    np.add.at(proportions, (row, points.reference), expanded / total)
    return AreaEstimates(
        classes=tuple(
            ClassEstimates(
                mapped=shown[at],
                area=Estimate.of(area[0][at] * total, area[1][at] * total, total),
                users_accuracy=Estimate.of(users[0][at], users[1][at], 1),
                producers_accuracy=Estimate.of(producers[0][at], producers[1][at], 1),
            )
            for at in range(classes)
        ),
        overall_accuracy=Estimate.of(overall[0][0], overall[1][0], 1),
        counts=counts,
        proportions=proportions,
    )


def too_few(strata: Sequence[Stratum], points: Points) -> list[int]:
    """Numbers of the strata that have fewer than two points, and pixels beside those."""
    found = np.bincount(points.stratum, minlength=len(strata)).tolist()
    return [at for at, (one, count) in enumerate(zip(strata, found, strict=True)) if count < min(2, one.pixels or 2)]


def _expanded(strata: Sequence[Stratum], points: Points) -> NDArray[np.float64]:
    """Area of the map that each point stands for (n,): those of a stratum add up to its area."""
    area = np.array([one.area for one in strata])
    drawn = np.bincount(points.stratum, points.pixel_area, minlength=len(strata))
    return points.pixel_area * (area / drawn)[points.stratum]


def _ratios(
    strata: Sequence[Stratum], points: Points, y: NDArray[np.bool_], x: NDArray[np.bool_]
) -> tuple[list[float], list[float]]:
    """Ratios of the totals of the columns of y and x (n, k), and their standard errors; NaN where X is 0.

    Stehman 2014, equations 27 and 28: the variance of the residuals y - R x within strata. Where pixels differ in
    area, residuals are weighted by it (the separate ratio estimator, Cochran 1977, equation 6.50).
    """
    expanded = _expanded(strata, points)
    below = expanded @ x
    with np.errstate(invalid="ignore"):
        ratio = (expanded @ y) / below
    residual = y - ratio * x
    _, first, number = np.unique(points.stratum, return_index=True, return_inverse=True)
    # from the first of the stratum: where all are alike, what is left is 0, not a rounding error
    residual = residual - residual[first[number]]
    member = points.stratum[:, None] == np.arange(len(strata))
    weight = np.where(member, expanded[:, None], 0.0)
    mean = (weight / weight.sum(axis=0)).T @ residual
    squares = (expanded[:, None] * (residual - mean[points.stratum])) ** 2
    drawn = member.sum(axis=0)
    pixels = np.array([one.pixels for one in strata])
    left = 1 - np.divide(drawn, pixels, out=np.zeros(len(strata)), where=pixels > 0)
    factor = left * drawn / np.maximum(drawn - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(factor @ (member.T.astype(float) @ squares)) / below
    return ratio.tolist(), error.tolist()
