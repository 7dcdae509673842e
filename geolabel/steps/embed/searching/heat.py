"""The heat map of a search: how likely each tile is what the examples show, one cell a stride."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import maps, raster
from geolabel.steps.embed.lattice_raster import write_lattice

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.embeddings.lattice import Placed

NODATA, LEVELS = 255, 250
"""Probabilities are 0–250 in a byte, as those of `predict` are."""
_BAND = "probability"


def write_heat(path: Path, placed: Placed, levels: NDArray[np.uint8]) -> None:
    """Write the tiles of one raster as a COG: scale .004, 255 where there is no tile. Raises OutputError."""
    write_lattice(path, placed, levels, raster.BandStyle((_BAND,), nodata=NODATA, scale=1 / LEVELS))


def heat_style() -> str:
    """Its style in QGIS."""
    return maps.probability_qml(_BAND)
