"""Tiles drawn from a ground, as rows of an index: what `tile --sampling` and `embed train` write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.steps.tile_rows import check_alike, index_of, raster_source
from geolabel.tiling.ground import Ground

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.tiling.described import Source
    from geolabel.tiling.index import TileIndex
    from geolabel.tiling.places import Places


def ground_of(
    infos: Iterable[RasterInfo], output: Path, size: int, *, min_valid: float, aoi: Path | None
) -> tuple[list[Source], Ground]:
    """The rasters as an index at `output` names them, and where tiles may lie on them.

    Raises OptionError, BandError (rasters that differ), CRSError, InputError, EmptyError (no tile fits).
    """
    described: list[RasterInfo] = []
    sources: list[Source] = []
    for info in infos:
        check_alike(info, sources)
        described.append(info)
        sources.append(raster_source(info, output))
    return sources, Ground.of(described, size, min_valid=min_valid, aoi=aoi)


def index_of_places(
    places: Places,
    ground: Ground,
    sources: Sequence[Source],
    valid: NDArray[np.float32],
    tiling: Mapping[str, Any],
) -> TileIndex:
    """The index of n places, sorted by raster, with their `valid` shares (n,); rasters without a tile are left out."""
    present = np.unique(places.source).tolist()
    sides = np.full(len(places), ground.size, np.int32)
    columns: dict[str, NDArray[Any]] = {
        "col_off": places.col,
        "row_off": places.row,
        "width": sides,
        "height": sides,
        "valid": valid,
    }
    geometries = []
    for number in present:
        part = places.take(places.source == number)
        geometries.append(ground.infos[number].place.boxes(part.col, part.row, sides[: len(part)], sides[: len(part)]))
    names = [sources[number].path for number in places.source.tolist()]
    return index_of(names, columns, [sources[number] for number in present], geometries, tiling)
