"""Scenes become one raster: the grid of most of them, later ones over earlier ones, valid where any is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import BandError, CRSError
from geolabel.progress import log
from geolabel.raster.region import lattice, vrt
from geolabel.raster.region.laid import masked, warp
from geolabel.raster.region.scene import Scene, shared_overviews
from geolabel.raster.region.vrt import Box, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.grid import Grid, Window
    from geolabel.raster.describe import Band
    from geolabel.raster.region.vrt import Piece


@dataclass(frozen=True, slots=True)
class _Placed:
    """A scene and where it lies on the region's grid."""

    scene: Scene
    window: Window
    free: tuple[Window, ...]
    """Its parts, on the region's grid, that lie on no earlier scene."""
    covered: tuple[Window, ...]
    """Its parts that do."""


def mosaic(scenes: Sequence[Scene], path: Path) -> None:
    """Write scenes as one VRT at `path`, with the bands of the first. Raises BandError, CRSError, InputError."""
    alike = _alike(scenes)
    anchor = lattice.choose([scene.info.place for scene in alike])
    log.info("region: %d rasters in %s, %.2f × %.2f m a pixel", len(alike), geodesy.name(anchor.crs), *anchor.gsd_m)
    laid = [
        scene
        if lattice.offset(scene.info.place, anchor) is not None
        else warp(scene, anchor, path.with_name(f"{path.stem}.warped{number}.vrt"))
        for number, scene in enumerate(alike, start=1)
    ]
    grid, placed = _place(laid, anchor)
    first = laid[0].info
    scaled = any(
        (band.scale, band.offset) != (of_first.scale, of_first.offset)
        for scene in laid
        for band, of_first in zip(scene.info.bands, first.bands, strict=True)
    )
    full = sum(part.width * part.height for each in placed for part in each.free) == grid.width * grid.height
    one_value = {repr(each.info.nodata) if each.info.mask == "nodata" else "" for each in laid}
    by_value = len(one_value) == 1 and first.mask == "nodata" and not scaled
    all_valid = full and all(scene.info.mask == "none" for scene in laid)
    # where scenes lie over each other, a pixel is taken whole: all of its bands from one scene
    over = [_whole(each, path.with_name(f"{path.stem}.valid{n}.vrt")) for n, each in enumerate(placed, start=1)]
    vrt.write(
        path,
        vrt.Mosaic(
            grid,
            first.dtype,
            tuple(
                Layout(
                    band.name,
                    tuple(p for each, top in zip(placed, over, strict=True) for p in _pieces(each, top, at, band)),
                    band.scale,
                    band.offset,
                )
                for at, band in enumerate(first.bands)
            ),
            nodata=first.nodata if by_value else None,
            mask=None if by_value or all_valid else tuple(p for each in placed for p in _valid(each)),
            block=next(scene.info.block for scene in laid if scene.info.place.crs == anchor.crs),
            overviews=shared_overviews(laid),
            palette=first.palette,
        ),
    )


def _alike(scenes: Sequence[Scene]) -> list[Scene]:
    """The scenes with the bands of the first, in its order. Raises BandError, CRSError (no place)."""
    first = scenes[0]
    names = first.info.band_names
    chosen = []
    for scene in scenes:
        missing = [name for name in names if name not in scene.info.band_names]
        if missing:
            raise BandError(
                f"{scene.name}: lacks the band {', '.join(missing)}, which {first.name} has; it has "
                f"{', '.join(scene.info.band_names)}. Name those that all have with --bands"
            )
        if scene.info.dtype != first.info.dtype or scene.info.palette != first.info.palette:
            raise BandError(
                f"{scene.name}: {_kind(scene)} pixels, {first.name} has {_kind(first)}; "
                "convert one of them (gdal_translate -ot, -expand), or name it in a run of its own"
            )
        if scene.info.grid is None:
            raise CRSError(f"{scene.name}: has no coordinate reference system, so that it has no place beside others")
        chosen.append(replace(scene, info=scene.info.choose(names)))
    return chosen


def _kind(scene: Scene) -> str:
    return f"{scene.info.dtype}{' palette' if scene.info.palette else ''}"


def _place(scenes: Sequence[Scene], anchor: Grid) -> tuple[Grid, list[_Placed]]:
    grids = [scene.info.place for scene in scenes]
    offsets = [at for grid in grids for at in [lattice.offset(grid, anchor)] if at is not None]
    region, windows = lattice.union(anchor, offsets, grids)
    placed = []
    for number, (scene, window) in enumerate(zip(scenes, windows, strict=True)):
        free, covered = lattice.cut(window, windows[:number])
        placed.append(_Placed(scene, window, tuple(free), tuple(covered)))
    return region, placed


def _whole(placed: _Placed, path: Path) -> Scene:
    """The scene as it is laid over others: with one mask for all bands, written at `path` where it has none yet."""
    scene, info = placed.scene, placed.scene.info
    if not placed.covered or info.mask in ("none", "mask") or (info.mask == "nodata" and len(info.bands) == 1):
        return scene
    return masked(scene, path)


def _pieces(placed: _Placed, top: Scene, at: int, of_first: Band) -> list[Piece]:
    """A band of a scene, for all of its place: plain where nothing is below it, with its holes where something is."""
    info = placed.scene.info
    band = info.bands[at]
    how: dict[str, Any] = {
        "ratio": band.scale / of_first.scale,
        "offset": (band.offset - of_first.offset) / of_first.scale,
    }
    if info.mask == "none" and np.dtype(info.dtype).kind != "f":
        return [placed.scene.piece(band, *_boxes(placed, placed.window), **how)]
    pieces = [placed.scene.piece(band, *_boxes(placed, part), **how) for part in placed.free]
    if top.info.mask == "none":
        how["nodata"] = np.nan
    elif top.info.mask == "nodata":
        how["nodata"] = top.info.nodata
    else:
        how["masked"] = True
    return pieces + [top.piece(top.info.bands[at], *_boxes(placed, part), **how) for part in placed.covered]


def _valid(placed: _Placed) -> tuple[Piece, ...]:
    return placed.scene.valid_pieces(*_boxes(placed, placed.window))


def _boxes(placed: _Placed, part: Window) -> tuple[Box, Box]:
    """A part of the region's grid in pixels of the scene, and as it is."""
    col, row = part.col_off - placed.window.col_off, part.row_off - placed.window.row_off
    return Box(col, row, part.width, part.height), Box(part.col_off, part.row_off, part.width, part.height)
