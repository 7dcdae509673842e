"""How fast a predictor is: tiles a second over a sample, on a machine that may be busy with other things."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Tiles in stored values."""

    pixels: NDArray[Any]
    """(n, bands, h, w)."""
    valid: NDArray[np.bool_]
    """(n, h, w)."""

    def times(self, tiles: int) -> Sample:
        """As many tiles, these over and over."""
        rows = np.arange(tiles) % len(self.pixels)
        return Sample(self.pixels[rows], self.valid[rows])

    def answers(self, predictor: Predictor) -> NDArray[np.float32]:
        """Probabilities (n, classes)."""
        return predictor(self.pixels, self.valid)


def rate(predictor: Predictor, sample: Sample, seconds: float, *, rival: float = 0.0, prepares: bool = False) -> float:
    """Tiles a second: the median of several passes over the sample, or of as many as `seconds` allow, one at least.

    A pass that alone takes as long as all of them at the rate `rival` is the last one. The first pass, which finds
    memory and orders weights, does not count where there is another; where it `prepares` (compiles), it may be slow.
    """
    patience = (1 + _REPEATS) * len(sample.pixels) / rival if rival else float("inf")
    first = _pass(predictor, sample)
    if first > patience and not prepares:
        return len(sample.pixels) / first
    found: list[float] = []
    while not found or (len(found) < _REPEATS and sum(found) < seconds and found[-1] < patience):
        found.append(_pass(predictor, sample))
    return len(sample.pixels) / median(found)


def _pass(predictor: Predictor, sample: Sample) -> float:
    began = time.perf_counter()
    sample.answers(predictor)
    return time.perf_counter() - began
