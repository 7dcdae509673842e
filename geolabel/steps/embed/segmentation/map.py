"""The class raster that a probe draws, block by block, with its palette and style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel import maps, raster
from geolabel.errors import EmptyError
from geolabel.maps import ClassStyle
from geolabel.steps.embed.segmentation.blocks import cores, seen_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.pixelwise import Probe, TileMaps, TrunkMaps
    from geolabel.raster import Reader

NODATA = 255
_BLOCK_PX = 512


def write_classes(
    folder: Path,
    reader: Reader,
    way: TrunkMaps | TileMaps,
    probe: Probe,
    styles: Sequence[ClassStyle],
    attribution: tuple[str, ...],
) -> NDArray[np.int64]:
    """Write classes.tif (COG) and classes.qml; pixels of each class (classes,). Raises EmptyError, OutputError.

    `styles` are those of the probe's classes, in its order.
    """
    shown = list(styles)
    if all(style.value for style in styles):
        shown.insert(0, none_style())
    style = raster.BandStyle(
        ("class",),
        nodata=NODATA,
        palette={one.value: one.rgb for one in shown},
        categories={one.value: one.title for one in shown},
        overviews="mode",
        attribution=attribution,
    )
    values = np.array([one.value for one in styles], np.uint8)
    info, pixels = reader.info, np.zeros(256, np.int64)
    with raster.write_cog(folder / "classes.tif", info.place, style, _BLOCK_PX) as writer:
        for top, rows in _rows(reader, way, probe, values):
            writer.write(top, rows[None])
            pixels += np.bincount(rows.ravel(), minlength=len(pixels))
        if pixels[NODATA] == info.width * info.height:
            raise EmptyError(f"{info.path}: no valid pixel; check its nodata value (gdalinfo)")
    (folder / "classes.qml").write_text(maps.raster_qml(shown), encoding="utf-8")
    found: NDArray[np.int64] = pixels[values]
    return found


def _rows(
    reader: Reader, way: TrunkMaps | TileMaps, probe: Probe, values: NDArray[np.uint8]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """All rows of the raster from the top down, those of a row of blocks together."""
    width, height = reader.info.width, reader.info.height
    blocks = cores(width, height, way.step)
    side = blocks[0].height
    top, rows = 0, _empty(width, height, 0, side)
    for block in seen_blocks(reader, way, blocks, what="map"):
        core = block.core
        while top < core.row_off:
            yield top, rows
            top += side
            rows = _empty(width, height, top, side)
        drawn = values[probe.draw(block.maps)[: core.height, : core.width]]
        rows[: core.height, core.col_off : core.col_off + core.width] = np.where(block.valid, drawn, NODATA)
    while top < height:
        yield top, rows
        top += side
        rows = _empty(width, height, top, side)


def _empty(width: int, height: int, top: int, side: int) -> NDArray[np.uint8]:
    return np.full((max(min(side, height - top), 0), width), NODATA, np.uint8)


def none_style() -> ClassStyle:
    """What is seen, but of none of the classes."""
    return ClassStyle(0, "none", "none", "#f0f0f0")
