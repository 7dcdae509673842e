"""The classes that vectors are to tell apart: those of the labels, and what is known to be none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex

NONE = "none"
"""The class of what is known to be none of the others."""
_ROUNDING = 1e-3
"""Of shares that should sum to what is known of a tile."""


def shares_with_none(index: TileIndex) -> NDArray[np.float32]:
    """Shares (n, classes + 1): the last is what is known to be none; NaN where one of the classes is unknown."""
    shares = index.shares
    rest = index.column("known").astype(np.float32) - shares.sum(axis=1)
    none = np.where(rest > _ROUNDING, rest, 0 * rest)
    return np.column_stack([shares, none]).astype(np.float32)
