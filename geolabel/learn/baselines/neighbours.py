"""The k nearest neighbours: chips of the training set that look alike vote.

Cover & Hart, Nearest neighbor pattern classification, IEEE Transactions on Information Theory 13 (1967).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.baselines.arrays import damaged, take, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.baselines.parts import Part

_NEIGHBOURS = 15
_DISTANCES_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The training chips themselves."""

    points: NDArray[np.float32]
    """(m, features)."""
    label: NDArray[np.int16]
    """(m, parts): the answer to each question; −1 unknown."""
    weight: NDArray[np.float32]
    """(m,): what a vote weighs; more than 0."""

    def probabilities(self, features: NDArray[np.float32], widths: Sequence[int]) -> NDArray[np.float32]:
        """(n, outputs): shares of the votes of the nearest 15 whose label is known."""
        found = np.empty((len(features), sum(widths)), np.float32)
        first = np.cumsum([0, *widths])
        known = self.label >= 0
        patterns, pattern = np.unique(known, axis=1, return_inverse=True)
        for at, members in enumerate(patterns.T):  # questions whose labels are known of the same chips
            rows = np.flatnonzero(members)
            asked = np.flatnonzero(pattern.ravel() == at).tolist()
            for span, nearest in _nearest(features, self.points[rows]):
                vote = self.weight[rows[nearest]]
                vote = vote / vote.sum(axis=1, keepdims=True)
                for part in asked:
                    label = self.label[rows[nearest], part]
                    for output in range(widths[part]):
                        wanted = 1 if widths[part] == 1 else output
                        found[span, first[part] + output] = (vote * (label == wanted)).sum(axis=1)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        return {"points": self.points, "label": self.label, "weight": self.weight}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], features: int, widths: Sequence[int]) -> Neighbours:
        """Raises ModelError where a question has no neighbours."""
        points = take(arrays, "points", np.float32, None, features)
        label = take(arrays, "label", np.int16, len(points), len(widths))
        weight = take(arrays, "weight", np.float32, len(points))
        within(weight, float(np.finfo(np.float32).tiny), np.inf, "weight")
        if (label < -1).any() or (label >= np.maximum(widths, 2)).any() or not (label >= 0).any(axis=0).all():
            raise damaged("label names classes that are not there")
        return cls(points, label, weight)


def fit_neighbours(features: NDArray[np.float32], parts: Sequence[Part], weights: NDArray[np.float64]) -> Neighbours:
    """Keep the chips of which anything is known."""
    label = np.stack([part.label for part in parts], axis=1)
    rows = np.flatnonzero((label >= 0).any(axis=1))
    return Neighbours(features[rows], label[rows].astype(np.int16), weights[rows].astype(np.float32))


def _nearest(features: NDArray[np.float32], points: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Slices of the rows of `features`, and which of the points are nearest to them: (rows, k)."""
    count = min(_NEIGHBOURS, len(points))
    norm = np.einsum("mf,mf->m", points, points)
    step = max(1, _DISTANCES_AT_ONCE // len(points))
    for at in range(0, len(features), step):
        span = slice(at, at + step)
        distance = norm - 2 * (features[span] @ points.T)  # squared, less a constant of the row
        yield span, np.argpartition(distance, count - 1, axis=1)[:, :count]
