"""The k nearest of many vectors, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError
from geolabel.scoring.distances import distance_blocks, keyed, row_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray


def nearest(queries: NDArray[Any], k: int, references: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """Which of references (m, d) are nearest to queries (n, d), nearest first, by euclidean distance: (n, k).

    Without `references`, among the other queries: a query is not its own neighbour. Fewer than k where there are not so
    many. Equally near ones come in their own order; distances as `distance_blocks` has them. Raises OptionError for a k
    below 1, InputError for vectors that are not finite.
    """
    if k < 1:
        raise OptionError(f"the nearest {k} are none; ask for 1 or more")
    most = len(queries) - 1 if references is None else len(references)
    found = np.zeros((len(queries), max(0, min(k, most))), np.int64)
    if not found.size:
        return found
    with row_threads() as run:
        for block in distance_blocks(queries, references):
            run(_select, block.squared, block.own, found[block.rows])
    return found


def _select(squared: NDArray[np.float32], own: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    count = found.shape[1]
    keys = keyed(squared, np.arange(squared.shape[1], dtype=np.uint32), own)
    keys.partition(count - 1, axis=1)
    found[:] = np.sort(keys[:, :count], axis=1).astype(np.uint32)  # the lower half of a key is the place
