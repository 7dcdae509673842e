"""Which tiles look most like each one: exact neighbours with their distances, the ground of most that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.scoring.nearest import nearest as nearest_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VALUES_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Of each of n tiles the k most alike, itself left out."""

    rows: NDArray[np.int64]
    """(n, k): nearest first; equally near ones in their own order."""
    distances: NDArray[np.float32]
    """(n, k): euclidean; 0 for a copy."""


def nearest(vectors: NDArray[Any], k: int) -> Neighbours:
    """The k nearest of vectors (n, f), n − 1 where there are not so many, with a block of distances in memory.

    Raises OptionError for a k below 1, InputError for vectors that are not finite.
    """
    rows = nearest_rows(vectors, k)
    distances = _distances(vectors, rows)
    # those of the search are rounded by what |x|² is: copies would not be at 0
    order = np.lexsort((rows, distances), axis=1)
    return Neighbours(np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1))


def _distances(vectors: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    found = np.zeros(rows.shape, np.float32)
    step = max(1, _VALUES_AT_ONCE // max(1, rows.shape[1] * vectors.shape[1]))
    for begin in range(0, len(rows), step):
        part = slice(begin, begin + step)
        away = vectors[rows[part]].astype(np.float32) - vectors[part, None].astype(np.float32)
        found[part] = np.sqrt(np.einsum("nkf,nkf->nk", away, away))
    return found
