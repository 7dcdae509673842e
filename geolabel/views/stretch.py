"""How values become a picture for people: which bands are its colours, and what is black and what white in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TRUE, _FALSE = ("red", "green", "blue"), ("nir", "red", "green")
_DARK, _BRIGHT = 1.0, 98.0
"""Percentiles that become black and white."""
_GAMMA = 0.7
"""Below 1 it shows what is dark: forest, most of all."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is black and what white in each band."""

    low: NDArray[np.float32]
    """(bands,): value that is shown black."""
    high: NDArray[np.float32]
    """(bands,): value that is shown white."""
    gamma: float

    def brightness(self, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Values (…, bands, h, w) as 0 (black) to 1 (white)."""
        low, high = self.low[:, None, None], self.high[:, None, None]
        return np.asarray(np.clip((values - low) / np.maximum(high - low, 1e-9), 0, 1) ** self.gamma)


def shown_bands(names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The bands that are red, green and blue, or one for grey; and what people call that.

    True colour where bands are named so, else nir, red, green, else the first three, else one in grey.
    """
    if set(_TRUE) <= set(names):
        return _TRUE, "true colour"
    if set(_FALSE) <= set(names):
        return _FALSE, "false colour: near infrared, red, green"
    if len(names) >= len(_TRUE):
        first = tuple(names[: len(_TRUE)])
        return first, f"bands {', '.join(first)} as colours"
    return (names[0],), f"{names[0]}, in grey"


_LARGEST = float(np.finfo(np.float32).max)


def stretch_of(values: Sequence[NDArray[Any]], bands: Sequence[str], dtype: str) -> Stretch:
    """The stretch by some values (m,) of each of `bands`, stored as `dtype`; from 0 to 1 where there are none.

    True colour has one stretch for its three bands, so that colours keep their tint; others have one each. Bytes are
    taken for a picture that was made to be looked at: it is made brighter at the most.
    """
    ends = [np.percentile(each, (_DARK, _BRIGHT)) if each.size else (0, 1) for each in values]
    low, high = np.clip(np.array(ends, dtype=np.float64), -_LARGEST, _LARGEST).astype(np.float32).T
    if tuple(bands) == _TRUE or dtype == "uint8":
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    if dtype == "uint8":
        return Stretch(np.zeros_like(low), high, 1.0)
    return Stretch(low, high, _GAMMA)
