"""Two dates of one place as one raster: the bands of both side by side, named by their date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files
from geolabel.errors import BandError, CRSError, OptionError
from geolabel.grid import Window
from geolabel.raster.describe import describe
from geolabel.raster.region import lattice, vrt
from geolabel.raster.region.laid import masked, warp
from geolabel.raster.region.scene import look, shared_overviews
from geolabel.raster.region.vrt import Box, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.grid import Grid
    from geolabel.raster.describe import RasterInfo
    from geolabel.raster.region.scene import Scene

BEFORE, AFTER = "before.", "after."
"""What stands before the names of bands."""


def pair(before: RasterInfo, after: RasterInfo, folder: Path, name: str = "pair") -> RasterInfo:
    """Both dates as one raster, `<name>.vrt` in `folder`: bands before.red, before.green, …, after.red, after.green, ….

    Its grid and its bands are those of `before`; where `after` lies otherwise, it is resampled by `<name>.after.vrt`.
    A pixel is valid where it is in both. No pixel is read, and paths within are relative. Raises BandError, CRSError
    (no place, or another one), OptionError (the same file twice), OutputError.
    """
    grid = before.place
    later = _alike(before, after)
    path = folder.resolve() / f"{name}.vrt"
    with files.writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        first, second = _scene(before), _scene(later)
        if lattice.offset(later.place, grid) is None:
            second = warp(second, grid, path.with_name(f"{name}.after.vrt"), movable=True)
        overlap = _overlap(second, grid)
        every = Window(0, 0, grid.width, grid.height)
        all_valid = overlap == every and all(_tells_nothing(scene) for scene in (first, second))
        dates = [
            (_of_one_mask(_beside(scene, path), path.with_name(f"{name}.{prefix}valid.vrt")), window, prefix)
            for scene, window, prefix in ((first, every, BEFORE), (second, overlap, AFTER))
        ]
        vrt.write(
            path,
            vrt.Mosaic(
                grid,
                before.dtype,
                tuple(layout for date in dates for layout in _layouts(*date, grid)),
                mask=None
                if all_valid
                else tuple(p for scene, window, _ in dates for p in scene.valid_pieces(*_boxes(scene, window, grid))),
                in_all=True,
                block=before.block,
                overviews=shared_overviews([first, second]),
            ),
        )
    return describe(path)


def pair_bands(names: Sequence[str]) -> tuple[str, ...] | None:
    """The bands that each date has, where these are the bands of two dates as `pair` lays them; else None."""
    half = len(names) // 2
    plain = tuple(name.removeprefix(BEFORE) for name in names[:half])
    wanted = [BEFORE + name for name in plain] + [AFTER + name for name in plain]
    return plain if plain and list(names) == wanted else None


def _alike(before: RasterInfo, after: RasterInfo) -> RasterInfo:
    """The later date with the bands of the earlier one."""
    if before.path.resolve() == after.path.resolve():
        raise OptionError(f"{after.path}: is given for both dates; name the raster before, and the one after")
    missing = [name for name in before.band_names if name not in after.band_names]
    if missing:
        raise BandError(
            f"{after.path}: lacks the band {', '.join(missing)}, which {before.path} has; it has "
            f"{', '.join(after.band_names)}. Name those that both have with --bands"
        )
    if before.dtype != after.dtype:
        raise BandError(
            f"{after.path}: {after.dtype} pixels, {before.path} has {before.dtype}; convert one: gdal_translate -ot"
        )
    after.place  # noqa: B018 - refused here where it has none
    return after.choose(before.band_names)


def _scene(info: RasterInfo) -> Scene:
    path = str(info.path)
    scene = look(path if path.startswith("/vsi") else str(info.path.resolve()), path)
    return replace(scene, info=info)


def _beside(scene: Scene, path: Path) -> Scene:
    """The scene as a VRT at `path` names it, so that both can be moved together."""
    if scene.source.startswith("/vsi"):
        return scene
    return replace(scene, source=files.relative_to(Path(scene.source), path))


def _of_one_mask(scene: Scene, path: Path) -> Scene:
    """The scene with what is valid in one piece: of nodata, each band tells its own part."""
    if scene.info.mask != "nodata" or len(scene.info.bands) == 1:
        return scene
    return _beside(masked(scene, path), path)


def _tells_nothing(scene: Scene) -> bool:
    """Whether all pixels of a scene are valid; what is no number is told by the value itself."""
    return scene.info.mask == "none" or (scene.info.mask == "nodata" and np.isnan(scene.info.nodata or 0.0))


def _overlap(scene: Scene, grid: Grid) -> Window:
    at = lattice.offset(scene.info.place, grid)
    assert at is not None
    window = Window(*at, scene.info.width, scene.info.height)
    _, inside = lattice.cut(window, [Window(0, 0, grid.width, grid.height)])
    if not inside:
        raise CRSError(f"{scene.name}: does not lie where the raster of the date before lies; check both with gdalinfo")
    return inside[0]


def _layouts(scene: Scene, window: Window, prefix: str, grid: Grid) -> list[Layout]:
    boxes = _boxes(scene, window, grid)
    return [
        Layout(prefix + band.name, (scene.piece(band, *boxes),), band.scale, band.offset) for band in scene.info.bands
    ]


def _boxes(scene: Scene, window: Window, grid: Grid) -> tuple[Box, Box]:
    """A part of the grid in pixels of the scene, and as it is."""
    at = lattice.offset(scene.info.place, grid)
    assert at is not None
    size = (window.width, window.height)
    return Box(window.col_off - at[0], window.row_off - at[1], *size), Box(window.col_off, window.row_off, *size)
