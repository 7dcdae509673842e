"""Which tiles of an index tell the same story: groups that intervals draw whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.tiling.split import spatial_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex


def places(index: TileIndex, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Number of the block, or of the column's value, by which the tiles `rows` (n,) were split: (n,); None if by none.

    A split at random keeps nothing together, so its tiles count one by one.
    """
    split = index.split or {}
    if split.get("method") == "column" and split.get("by") in index.table.column_names:
        return np.unique(index.column(str(split["by"]))[rows].astype(str), return_inverse=True)[1].astype(np.int64)
    if split.get("method") == "blocks" and split.get("block_m"):
        centres = index.centres_m()
        if np.isfinite(centres).all():
            return spatial_blocks(centres, float(split["block_m"]))[rows]
    return None
