"""A region's values stretched from its dark end to its bright one: one stretch for all bands, so that tints stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TAILS = (0.02, 0.98)
"""Shares of the values that become black, and stay below white."""
_BINS = 1 << 16


@dataclass(frozen=True, slots=True)
class Counts:
    """How often values occur in a region: all its visible bands together."""

    low: float
    high: float
    """Ends of the bins; what lies beyond counts as these."""
    counts: NDArray[np.int64]

    @classmethod
    def none(cls, low: float, high: float) -> Counts:
        """Nothing counted yet, between two values."""
        return cls(low, high if high > low else low + 1.0, np.zeros(_BINS, np.int64))

    def add(self, values: NDArray[np.floating]) -> None:
        """Count values (n,)."""
        inside = np.clip(values, self.low, self.high)
        place = (inside - self.low) * (_BINS / (self.high - self.low))
        self.counts[:] += np.bincount(np.clip(place, 0, _BINS - 1).astype(np.int64).ravel(), minlength=_BINS)

    def quantile(self, share: float) -> float:
        """The value below which a share of all lies, linear within a bin; `low` where nothing was counted."""
        reached = np.cumsum(self.counts)
        wanted = share * reached[-1]
        at = int(np.searchsorted(reached, wanted))
        if not reached[-1] or at >= _BINS:
            return self.low if not reached[-1] else self.high
        within = (wanted - (reached[at] - self.counts[at])) / max(int(self.counts[at]), 1)
        return float(self.low + (at + within) * (self.high - self.low) / _BINS)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which values become black and white."""

    low: float
    high: float

    @classmethod
    def of(cls, counts: Counts) -> Stretch:
        """Between the 2nd and the 98th percentile of a region."""
        low, high = (counts.quantile(share) for share in _TAILS)
        return cls(low, high if high > low else low + (counts.high - counts.low))

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values as 0 (black) to 1 (white), cut there."""
        return np.asarray(np.clip((values - self.low) / (self.high - self.low), 0, 1))
