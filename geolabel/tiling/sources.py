"""The rasters behind an index, as they are now: refused where they are no longer what was tiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.errors import TileIndexError
from geolabel.progress import log

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.raster import RasterInfo
    from geolabel.tiling.described import Source


def describe_source(source: Source, base: Path) -> RasterInfo:
    """Describe the raster of a source of an index that lies in `base`.

    Raises InputError (gone), BandError, and TileIndexError where its place changed; warns where its content did.
    """
    raster.named(base / source.path)  # in the open: what it is made of may lie elsewhere
    info = raster.describe(base / source.path, source.bands)
    grid = info.place
    if source.transform is None or tuple(grid.transform)[:6] != source.transform or grid.crs != source.crs:
        raise TileIndexError(f"{info.path}: lies elsewhere than when it was tiled; tile it again")
    if raster.fingerprint(info.path) != source.fingerprint:
        log.warning("%s: has changed since it was tiled; tile and label again if its pixels did", info.path)
    return info
