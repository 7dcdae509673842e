"""Whether probabilities mean what they say: predicted against observed shares in bins of tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.scoring.counts import PRESENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Of the expected calibration error, equally wide, as in Guo et al. 2017 (https://arxiv.org/abs/1706.04599)."""
Equal = Literal["width", "mass"]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Tiles of a class in bins of their probability, lowest first; bins without tiles are left out."""

    probability: tuple[float, ...]
    """Mean probability in each bin."""
    share: tuple[float, ...]
    """Share of the bin's tiles in which the class is present."""
    tiles: tuple[int, ...]

    @property
    def error(self) -> float:
        """Expected calibration error: mean over the tiles of |probability − share| of their bins; NaN without tiles."""
        if not self.tiles:
            return float("nan")
        gap = np.abs(np.array(self.probability) - np.array(self.share))
        return float(np.average(gap, weights=self.tiles))


def reliability(
    target: NDArray[np.floating[Any]], probability: NDArray[np.floating[Any]], equal: Equal = "width", bins: int = BINS
) -> Reliability:
    """Bin the known tiles of a class; `target` (n,): 1 present, 0 absent, NaN unknown; `probability` (n,).

    Bins are equally wide ([0, 1/15), … , [14/15, 1]), or hold about equally many tiles (tiles of one probability
    stay together).
    """
    known = np.isfinite(target)
    value, present = probability[known].astype(np.float64), target[known] > PRESENT
    if equal == "width":
        which = np.minimum((value * bins).astype(np.intp), bins - 1)
    else:
        rank = np.searchsorted(np.sort(value), value)  # tiles below: the same for tiles of one probability
        which = rank * bins // max(len(value), 1)
    tiles = np.bincount(which, minlength=bins)
    some = tiles > 0
    return Reliability(
        tuple((np.bincount(which, value, bins)[some] / tiles[some]).tolist()),
        tuple((np.bincount(which, present, bins)[some] / tiles[some]).tolist()),
        tuple(tiles[some].tolist()),
    )
