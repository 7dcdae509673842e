"""Windows of one size on several rasters, as arrays: what sampling gives and reading takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Places:
    """Where n windows of one size begin."""

    source: NDArray[np.int64]
    """(n,): which raster."""
    col: NDArray[np.int64]
    """(n,): first column, pixels."""
    row: NDArray[np.int64]
    """(n,): first row, pixels."""

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: NDArray[Any]) -> Places:
        """Some of them: by their numbers, or by a mask (n,)."""
        return Places(self.source[rows], self.col[rows], self.row[rows])

    @staticmethod
    def concat(parts: Sequence[Places]) -> Places:
        """Several, one after another; none where there are no parts."""
        if not parts:
            nothing = np.zeros(0, np.int64)
            return Places(nothing, nothing, nothing)
        return Places(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("source", "col", "row")))
