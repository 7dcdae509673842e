"""Tiles of rasters as rows of an index, however they were laid out or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from geolabel import files, geodesy, raster
from geolabel.errors import BandError
from geolabel.progress import log
from geolabel.steps.tile_inputs import check_named
from geolabel.tiling.described import Source
from geolabel.tiling.index import TileIndex, dictionary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def index_of(
    names: Sequence[str],
    columns: Mapping[str, NDArray[Any]],
    sources: Sequence[Source],
    geometries: Sequence[NDArray[Any]],
    tiling: Mapping[str, Any],
) -> TileIndex:
    """The index of n tiles: their sources' `names`, and by name col_off, row_off, width, height and valid, each (n,).

    `geometries` are polygons in the CRS of each source, in the order of the rows.
    """
    crs, shapes = _one_crs(sources, geometries)
    table = pa.table(
        {
            "tile": pa.array(np.arange(len(shapes)), pa.int64()),
            "source": dictionary(names),
            **{name: pa.array(columns[name], pa.int32()) for name in ("col_off", "row_off", "width", "height")},
            "valid": pa.array(columns["valid"], pa.float32()),
            "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
        }
    )
    return TileIndex(table, tuple(sources), crs, tiling, history=("tile",))


def check_alike(info: raster.RasterInfo, others: Sequence[Source]) -> None:
    """Tiles of one index are stacked: their bands, type and scale must be the same."""
    if info.mask == "alpha":
        log.warning(
            "%s: a band marked as alpha is taken for a mask; if it is none: gdal_edit.py -colorinterp_N undefined",
            info.path,
        )
    check_named(info)
    if not others:
        return
    first = others[0]
    found = (info.band_names, info.dtype, tuple(b.scale for b in info.bands), tuple(b.offset for b in info.bands))
    if found != (first.bands, first.dtype, first.scale, first.offset):
        raise BandError(
            f"{info.path}: {info.dtype} bands {', '.join(info.band_names)}, but {first.path} has {first.dtype} "
            f"{', '.join(first.bands)}, or another scale; tile like with like, or choose common bands with --bands"
        )


def _one_crs(sources: Sequence[Source], geometries: Sequence[NDArray[Any]]) -> tuple[str, NDArray[Any]]:
    """GeoParquet wants one CRS a column: the sources' own where they share it, else longitude and latitude."""
    found = {source.crs or "" for source in sources}
    crs = found.pop() if len(found) == 1 else "EPSG:4326"
    moved = [
        geodesy.project_geometries(shapes, source.crs or crs, crs)
        for source, shapes in zip(sources, geometries, strict=True)
    ]
    return crs, np.concatenate(moved)


def raster_source(info: raster.RasterInfo, output: Path) -> Source:
    """A described raster, as the index at `output` keeps it. Raises CRSError where it has no place."""
    grid = info.place
    return Source(
        path=files.relative_to(info.path, output),
        kind="raster",
        bands=info.band_names,
        dtype=info.dtype,
        scale=tuple(band.scale for band in info.bands),
        offset=tuple(band.offset for band in info.bands),
        nodata=info.nodata,
        crs=grid.crs,
        transform=tuple(grid.transform)[:6],
        gsd_m=float(np.sqrt(np.prod(grid.gsd_m))),
        fingerprint=raster.fingerprint(info.path),
    )
