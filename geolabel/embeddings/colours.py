"""Vectors as colours: the three directions in which they differ most, as red, green and blue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings.sampling import every, step_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.embeddings.sampling import Read

SAMPLE = 100_000
"""Vectors, at the most, that the directions are found by: every n-th of all."""
STRETCH = (2.0, 98.0)
"""Percentiles that are shown as the darkest and the brightest."""
NODATA = 0
"""Of a picture; what is seen has values from 1 on."""
_CHANNELS = 3
_STEPS = 254
_ROUNDING = 1e-12
"""Of a variance, beside the square of the mean."""


@dataclass(frozen=True, slots=True)
class Colours:
    """How vectors (size numbers each) become colours: principal components, stretched."""

    mean: NDArray[np.float64]
    """(size,)."""
    components: NDArray[np.float64]
    """(3, size), of length 1; zeros where vectors have fewer directions. The largest number of each is positive: a
    component has no sign of its own."""
    low: NDArray[np.float64]
    """(3,): where along a component the colour is darkest."""
    high: NDArray[np.float64]
    """(3,)."""
    explained: tuple[float, float, float]
    """Share of the variance along each component, 0–1."""

    @classmethod
    def fit(cls, read: Read, count: int, size: int, sample: int = SAMPLE) -> Colours:
        """Of the `count` vectors that `read` gives in blocks (first row, vectors (n, size)); it is called twice."""
        step = step_for(count, sample)
        total, squares, seen = np.zeros(size), np.zeros((size, size)), 0
        for part in _doubles(read, step):
            total += part.sum(axis=0)
            squares += part.T @ part
            seen += len(part)
        mean = total / max(seen, 1)
        values, vectors = np.linalg.eigh(squares / max(seen, 1) - np.outer(mean, mean))
        values, found = np.maximum(values[::-1][:_CHANNELS], 0), vectors.T[::-1][:_CHANNELS]
        found = found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
        components = np.zeros((_CHANNELS, size))
        components[: len(found)] = found
        shares = np.zeros(_CHANNELS)
        whole = np.trace(squares) / max(seen, 1) - mean @ mean
        shares[: len(found)] = values / whole if whole > _ROUNDING * (mean @ mean) else 0.0
        along = np.concatenate([(part - mean) @ components.T for part in _doubles(read, step)] or [np.zeros((1, 3))])
        low, high = np.percentile(along, STRETCH, axis=0)
        return cls(mean, components, low, high, (float(shares[0]), float(shares[1]), float(shares[2])))

    def rgb(self, vectors: NDArray[Any]) -> NDArray[np.uint8]:
        """Colours (n, 3) of vectors (n, size), 1 to 255."""
        along = (vectors.astype(np.float64) - self.mean) @ self.components.T
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        return (1 + np.rint(np.clip((along - self.low) / span, 0, 1) * _STEPS)).astype(np.uint8)


def _doubles(read: Read, step: int) -> Iterator[NDArray[np.float64]]:
    return (part.astype(np.float64) for part in every(read, step))
