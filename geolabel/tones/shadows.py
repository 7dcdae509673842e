"""Dark areas lifted, by how bright their surroundings are: what is dark in itself stays darker than what is around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST, _STEEP = 2.0, 4
"""How much is added to black's gain, and how fast that falls off: light tones are left alone."""


def gain(light: NDArray[np.floating], strength: float) -> NDArray[np.floating]:
    """By what to multiply where the illumination is `light` (h, w), 0–1: 1 + 2·strength·(1 − light)⁴.

    Light times gain grows with the light for all strengths 0–1: no order of tones is turned round.
    """
    return np.asarray(1 + _MOST * strength * (1 - np.clip(light, 0, 1)) ** _STEEP)
