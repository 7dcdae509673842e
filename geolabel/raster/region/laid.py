"""A scene laid anew, as a view of it: on the lattice of another, or with one mask for all of its bands."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files, geodesy
from geolabel.errors import CRSError
from geolabel.progress import log
from geolabel.raster import door, trust
from geolabel.raster.read import warped
from geolabel.raster.region import lattice, vrt
from geolabel.raster.region.parts import opened
from geolabel.raster.region.vrt import Box, Layout

if TYPE_CHECKING:
    from geolabel.grid import Grid
    from geolabel.raster.describe import RasterInfo
    from geolabel.raster.read import Resampling
    from geolabel.raster.region.scene import Scene

_FAR_GSD = 1.2
"""Beyond that, a scene holds visibly more or less detail than its neighbours."""
_WARP_BLOCK_PX = 512


def warp(scene: Scene, anchor: Grid, path: Path, *, movable: bool = False) -> Scene:
    """Write a view of a scene on the anchor's lattice; where it has no pixel, an alpha band says so.

    Where it is to be `movable` together with the scene, it names that by a path from its own folder.
    """
    info = scene.info
    try:
        grid = lattice.around(info.place, anchor)
    except CRSError as error:
        raise CRSError(f"{scene.name}: {error}") from error
    log.info("%s: resampled from %s, %.2f × %.2f m", scene.name, geodesy.name(info.place.crs), *info.place.gsd_m)
    ratios = [one / other for one, other in zip(info.place.gsd_m, anchor.gsd_m, strict=True)]
    if max(*ratios, *(1 / ratio for ratio in ratios)) > _FAR_GSD:
        log.warning("%s: %.2f m pixels in a region of %.2f m", scene.name, info.place.gsd_m[0], anchor.gsd_m[0])
    if scene.one_thread:  # which a warped VRT cannot say
        scene = masked(scene, path.with_name(f"{path.stem}.whole.vrt"))
        info = scene.info
    alpha = _write_warped(scene.source, info, grid, "nearest" if info.palette else "bilinear", path, movable=movable)
    seen = replace(
        info,
        grid=grid,
        width=grid.width,
        height=grid.height,
        mask="alpha",
        nodata=None,
        block=(min(_WARP_BLOCK_PX, grid.width), min(_WARP_BLOCK_PX, grid.height)),
    )
    return replace(scene, source=str(path.resolve()), info=seen, alpha=alpha)


def write_view(info: RasterInfo, grid: Grid, resampling: Resampling, path: Path) -> None:
    """Write a raster as `open_raster` sees it on another grid, with all of its bands, as a VRT that can be moved along.

    Raises OutputError.
    """
    _write_warped(str(info.path), info, grid, resampling, path, movable=True)


def _write_warped(
    source: str, info: RasterInfo, grid: Grid, resampling: Resampling, path: Path, *, movable: bool
) -> int:
    """Write a view of a raster, and give back which of its bands, from 1, says what is valid: the last."""
    from rasterio.shutil import copy

    with (
        opened(source) as dataset,
        warped(dataset, info, grid, resampling) as view,
        files.new_file(path, overwrite=True) as draft,
        door.writing(path),
    ):
        copy(view, draft, driver="VRT")
        text = _reblocked(draft.read_text(encoding="utf-8"))
        draft.write_text(_relative(text, source, path) if movable else text, encoding="utf-8")
        count = int(view.count)
    trust.wrote(path)
    return count


def _reblocked(text: str) -> str:
    """A warped VRT in square blocks: its own are broad and flat, and warp most of a scene's rows twice."""
    return re.sub(r"(<Block[XY]Size>)\d+(</)", rf"\g<1>{_WARP_BLOCK_PX}\g<2>", text)


def _relative(text: str, source: str, path: Path) -> str:
    """A warped VRT at `path` that names its source from there on; one that is no file stays as it is."""
    if source.startswith("/vsi"):
        return text
    name = html.escape(files.relative_to(Path(source), path), quote=False)
    return re.sub(r"<SourceDataset[^>]*>[^<]*<", lambda _: f'<SourceDataset relativeToVRT="1">{name}<', text)


def masked(scene: Scene, path: Path) -> Scene:
    """A scene as it is, but for one mask for all of its bands, written at `path`."""
    info = scene.info
    box = Box(0, 0, info.width, info.height)
    layouts = tuple(Layout(band.name, (scene.piece(band, box, box),)) for band in info.bands)
    mask = scene.valid_pieces(box, box)
    vrt.write(
        path,
        vrt.Mosaic(info.place, info.dtype, layouts, mask=mask, block=info.block, overviews=scene.overviews),
    )
    bands = tuple(replace(band, index=number) for number, band in enumerate(info.bands, start=1))
    seen = replace(info, mask="mask", nodata=None, bands=bands)
    return replace(scene, source=str(path.resolve()), info=seen, alpha=None, one_thread=False)
