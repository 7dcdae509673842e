"""Pictures of each alert before and after: the same frame, its outline drawn on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine

from geolabel.grid import Grid
from geolabel.raster.reduced import open_reduced
from geolabel.steps.quicklook import Look, look_of, placed_on, units_per_m

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from geolabel.raster import RasterInfo
    from geolabel.vector import Layer

BEFORE, AFTER = "before", "after"
_CONTEXT = 3.0
"""A frame is so many times as wide as its polygon …"""
_LEAST_PX = 32
"""… and at least so many pixels of its image."""
_YELLOW, _SHADE = "#ffe500", "#000000"
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class _Chip:
    """A picture to be made."""

    name: str
    grid: Grid
    """Of the picture's pixels."""
    outline: Any
    """The polygon, in the grid's CRS."""


def write_chips(
    folder: Path,
    layer: Layer,
    ids: Sequence[str],
    before: Sequence[str],
    after: Sequence[str],
    *,
    images: Mapping[str, RasterInfo],
    side_px: int = 192,
) -> int:
    """Write `<id>-before.jpg` and `<id>-after.jpg` of each row into a folder that exists; returns how many files.

    `before` and `after` name an image for each row; where `images` has none of that name, no picture is made. Both
    pictures of a row have the frame of the later one. Images are opened one after the other and read from the top
    down: memory is that of a few pictures. Raises InputError (truncated), CRSError (no place).
    """
    if not len(ids) == len(before) == len(after) == len(layer.geometries):
        raise ValueError(f"{len(ids)} ids, {len(before)} before, {len(after)} after, {len(layer.geometries)} rows")
    if len(set(ids)) != len(ids) or any("/" in name or "\\" in name for name in ids):
        raise ValueError("ids of chips must be different, and names of files")
    todo = _planned(layer, ids, before, after, images, side_px)
    for image, chips in todo.items():
        look = look_of(images[image])
        with open_reduced(look.info) as reader:
            for chip in sorted(chips, key=lambda chip: (-chip.grid.transform.f, chip.grid.transform.c, chip.name)):
                pixels, valid = reader.read(chip.grid)
                path = folder / f"{chip.name}.jpg"
                _drawn(look, pixels, valid, chip).save(path, "JPEG", quality=_QUALITY, optimize=True)
    return sum(map(len, todo.values()))


def _planned(
    layer: Layer,
    ids: Sequence[str],
    before: Sequence[str],
    after: Sequence[str],
    images: Mapping[str, RasterInfo],
    side_px: int,
) -> dict[str, list[_Chip]]:
    """The pictures to be made of each image."""
    todo: dict[str, list[_Chip]] = {}
    framing = np.array([new if new in images else old for old, new in zip(before, after, strict=True)], dtype=object)
    for name in sorted(set(framing.tolist()) & set(images)):
        rows = np.flatnonzero(framing == name)
        image = images[name].place
        placed = placed_on(image, _part(layer, rows))
        for row, outline in zip(rows.tolist(), placed, strict=True):
            grid = _frame(image, outline, side_px)
            for when, source in ((BEFORE, before[row]), (AFTER, after[row])):
                if source in images:
                    todo.setdefault(source, []).append(_Chip(f"{ids[row]}-{when}", grid, outline))
    return todo


def _part(layer: Layer, rows: NDArray[np.int64]) -> Layer:
    return replace(layer, geometries=layer.geometries[rows], columns={})


def _frame(image: Grid, outline: Any, side_px: int) -> Grid:
    """A square on the ground around a polygon, with room around it."""
    per_x, per_y = units_per_m(image)
    west, south, east, north = shapely.bounds(outline)
    wide_m, high_m = (east - west) / per_x, (north - south) / per_y
    side_m = max(_CONTEXT * wide_m, _CONTEXT * high_m, _LEAST_PX * max(image.gsd_m))
    left, top = (west + east - side_m * per_x) / 2, (south + north + side_m * per_y) / 2
    step_m = side_m / side_px
    return Grid(image.crs, Affine(step_m * per_x, 0, left, 0, -step_m * per_y, top), side_px, side_px)


def _drawn(look: Look, pixels: NDArray[np.float32], valid: NDArray[np.bool_], chip: _Chip) -> Image:
    """The picture with the outline on it; grey where nothing was seen."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.where(valid[..., None], look.paint(pixels), np.uint8(128)))
    draw = ImageDraw.Draw(picture)
    rings, owner = shapely.get_coordinates(
        shapely.get_rings(np.atleast_1d(shapely.get_parts(chip.outline))), return_index=True
    )
    cols, rows = chip.grid.col_row(rings[:, 0], rings[:, 1])
    lines = np.split(np.column_stack([cols, rows]), np.flatnonzero(np.diff(owner)) + 1)
    for color, width in ((_SHADE, 4), (_YELLOW, 2)):  # dark beside bright: seen on any ground
        for line in lines:
            draw.line([tuple(point) for point in line.tolist()], fill=color, width=width, joint="curve")
    return picture
