"""Numbers of tiles as a raster: one cell a stride."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.embeddings.lattice import Placed

_ROWS = 512


def write_lattice(path: Path, placed: Placed, values: NDArray[Any], style: raster.BandStyle) -> None:
    """Write the tiles of one raster as a COG, the nodata value of the style where no tile is.

    `values` (tiles,) or (tiles, bands) are of all tiles of the index, whatever their raster. Raises OutputError.
    """
    assert style.nodata is not None, "cells without a tile need a value of their own"
    laid = placed.lattice.laid(values[placed.members], style.nodata)
    bands = laid[None] if laid.ndim == 2 else np.moveaxis(laid, 2, 0)  # noqa: PLR2004 - rows and columns
    with raster.write_cog(path, placed.lattice.grid, style) as writer:
        for top in range(0, len(laid), _ROWS):
            writer.write(top, bands[:, top : top + _ROWS])


def numbered(path: Path, count: int) -> tuple[Path, ...]:
    """Names of so many rasters of one kind: the name itself for one, else with 1, 2, … before its ending."""
    return (path,) if count == 1 else tuple(path.with_suffix(f".{number}.tif") for number in range(1, count + 1))


def sidecar(path: Path) -> Path:
    """Where GDAL keeps what a raster itself has no room for."""
    return path.with_name(f"{path.name}.aux.xml")
