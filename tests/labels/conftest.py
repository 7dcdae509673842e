"""What the tests of label sources share: hectares and shares of a source laid over a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel.labels.shares import Shares, measure
from geolabel.tiling import grid_windows

if TYPE_CHECKING:
    from geolabel.grid import Grid
    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import LabelSource


@dataclass(frozen=True)
class Measured:
    """Shares of the tiles of a grid, which are a partition of it."""

    shares: Shares
    area_ha: np.ndarray
    """(n,): of the tiles, as the grid's ground sample distance has it."""
    names: tuple[str, ...]

    @property
    def share(self) -> np.ndarray:
        """(classes, n)."""
        return self.shares.merged.share

    @property
    def known_ha(self) -> float:
        return float(self.shares.merged.known.astype(float) @ self.area_ha)

    @property
    def hectares(self) -> dict[str, float]:
        """Sum over the tiles, by class."""
        sums = np.nansum(self.share.astype(float) * self.area_ha, axis=1)
        return dict(zip(self.names, sums.tolist(), strict=True))


Measure = Callable[..., Measured]
"""How a test asks for it; the parameters are those of `of` in the fixture below."""


@pytest.fixture
def measured() -> Measure:
    """Lay a source over a grid and measure it in square tiles; findings are the source's own."""

    def of(
        source: LabelSource, scheme: Scheme, grid: Grid, size: int = 64, *, min_known: float = 0, exact: bool = False
    ) -> Measured:
        windows = grid_windows(grid.width, grid.height, size, size)
        tiles = windows.col_off, windows.row_off, windows.width, windows.height
        with source.lay(grid, scheme, 0) as laid:
            shares = measure(
                [laid],
                source.names(scheme)[None],
                tiles,
                list(scheme.groups().values()),
                min_known=min_known,
                exact=exact,
                track=lambda items, total: items,
            )
        pixel_ha = grid.gsd_m[0] * grid.gsd_m[1] / 10_000
        return Measured(shares, windows.width * windows.height * pixel_ha, scheme.names)

    return of
