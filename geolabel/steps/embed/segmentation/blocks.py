"""A raster block by block, with context: flat memory, whatever its width and height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.ahead import ahead
from geolabel.grid import Window
from geolabel.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from geolabel.learn.pixelwise import PixelMaps, TileMaps, TrunkMaps
    from geolabel.raster import Reader
    from geolabel.steps.embed.segmentation.sample import PixelSample

_CORE_PX = 512
_PIECE_PX = 4_096
"""Side of what is looked at together where no network is asked; rows are fewer."""


def pieces(width: int, height: int) -> Iterator[Window]:
    """A raster in parts, from the top down."""
    yield from _windows(width, height, _PIECE_PX, _CORE_PX)


def cores(width: int, height: int, step: int) -> list[Window]:
    """Blocks of pixels that are calculated together; they begin at multiples of `step` pixels."""
    side = max(_CORE_PX // step, 1) * step
    return list(_windows(width, height, side, side))


def _windows(width: int, height: int, across: int, down: int) -> Iterator[Window]:
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield Window(left, top, min(across, width - left), min(down, height - top))


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """A block as a network sees it."""

    core: Window
    maps: PixelMaps
    """Of the core, and of mirrored pixels beyond the raster's right and lower edge."""
    valid: NDArray[np.bool_]
    """(rows, columns) of the core."""


def seen_blocks(
    reader: Reader, way: TrunkMaps | TileMaps, wanted: Iterable[Window], *, what: str
) -> Iterator[SeenBlock]:
    """What a network sees of blocks; the next one is read meanwhile. Blocks without a valid pixel are left out."""
    blocks = list(wanted)
    with ahead(_read(reader, way, blocks)) as parts:
        for core, pixels, valid in track(parts, total=len(blocks), what=what, unit="blocks"):
            own = valid[way.halo :, way.halo :][: core.height, : core.width]
            if own.any():
                yield SeenBlock(core, way(pixels, valid), own)


def _read(
    reader: Reader, way: TrunkMaps | TileMaps, blocks: list[Window]
) -> Iterator[tuple[Window, NDArray[Any], NDArray[np.bool_]]]:
    for core in blocks:
        yield core, *_with_context(reader, core, way.halo, way.step)


def _with_context(reader: Reader, core: Window, halo: int, step: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels (bands, h, w) and validity (h, w) of a core with a halo; the sides are whole steps.

    What lies beyond the raster is its mirror image.
    """
    spans, more = [], []
    for start, length, side in (
        (core.row_off, core.height, reader.info.height),
        (core.col_off, core.width, reader.info.width),
    ):
        first, end = start - halo, start + -(-length // step) * step + halo
        spans.append((max(first, 0), min(end, side)))
        more.append((max(-first, 0), max(end - side, 0)))
    (top, bottom), (left, right) = spans
    pixels, valid = reader.read(Window(left, top, right - left, bottom - top))
    if any(any(pair) for pair in more):
        return np.pad(pixels, ((0, 0), *more), mode="symmetric"), np.pad(valid, more, mode="symmetric")
    return pixels, valid


def features_at(reader: Reader, way: TrunkMaps | TileMaps, sample: PixelSample) -> NDArray[np.float32]:
    """Features (n, f) of the pixels of a sample; only blocks that hold some are read."""
    found = np.zeros((len(sample.row), way.size), np.float32)
    blocks = cores(reader.info.width, reader.info.height, way.step)
    side, across = blocks[0].height, -(-reader.info.width // blocks[0].width)
    number = sample.row // side * across + sample.col // blocks[0].width
    order = np.argsort(number, kind="stable")
    holding, begin = np.unique(number[order], return_index=True)
    members = dict(zip(holding.tolist(), np.split(order, begin[1:]), strict=True))
    wanted = [blocks[at] for at in holding.tolist()]
    for block in seen_blocks(reader, way, wanted, what="features"):
        core = block.core
        own = members[core.row_off // side * across + core.col_off // blocks[0].width]
        found[own] = block.maps.at(sample.row[own] - core.row_off, sample.col[own] - core.col_off)
    return found
