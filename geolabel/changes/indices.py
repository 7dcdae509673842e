"""Spectral indices: greenness, burnt or bare ground, water."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INDICES = {
    "ndvi": (("nir",), ("red",)),
    "nbr": (("nir",), ("swir2", "swir22", "swir1", "swir16")),
    "ndwi": (("green",), ("nir",)),
}
"""Index → bands a and b of (a − b) / (a + b), each by the first of its names that is there.

NDVI: Rouse et al. 1974. NBR: Key and Benson 2006, with SWIR 1 where SWIR 2 is missing (then the NDMI of Gao 1996).
NDWI: McFeeters 1996.
"""


def available(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Indices that bands of these names allow, with the places of their two bands."""
    found = {}
    for index, sides in INDICES.items():
        places = [next((names.index(name) for name in side if name in names), None) for side in sides]
        if None not in places:
            found[index] = (places[0], places[1])
    return found  # type: ignore[return-value]


def ratio(pixels: NDArray[np.generic], places: tuple[int, int]) -> NDArray[np.float32]:
    """(a − b) / (a + b) of bands (bands, …); 0 where both are 0."""
    a, b = (pixels[place].astype(np.float32) for place in places)
    total = a + b
    found: NDArray[np.float32] = np.divide(a - b, total, out=np.zeros_like(total), where=total != 0)
    return found
