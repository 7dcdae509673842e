"""Some tiles of an index beside each other, and pictures as PNG with their legend."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from geolabel import files
from geolabel.labels.scheme import Scheme
from geolabel.steps.tile_pixels import read_tiles
from geolabel.tiling.index import read_index
from geolabel.views.thumbnails import thumbnails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

_ACROSS, _DOWN = 8, 3
_TILE_PX, _FRAME_PX, _GAP_PX = 96, 4, 6
_GREY = "#8a938f"
_LINE_PX, _FONT_PX = 26, 15


@dataclass(frozen=True, slots=True)
class Look:
    """A picture, and what it shows."""

    pixels: NDArray[np.uint8]
    """(height, width, 3): red, green, blue."""
    caption: str
    legend: tuple[tuple[str, str], ...]
    """Title and #rrggbb of what is coloured."""


def contact_sheet(path: Path) -> Look | None:
    """Twenty-four tiles of an index, by class, each framed in the colour of its class; None where there are no tiles.

    Raises InputError where their rasters are missing or not what was tiled.
    """
    index = read_index(path)
    rows, names = chosen(index, _ACROSS * _DOWN)
    if not len(rows):
        return None
    colors = _colors(index)
    pictures = _pictures(index, rows, path.parent)
    side, step = _TILE_PX + 2 * _FRAME_PX, _TILE_PX + 2 * _FRAME_PX + _GAP_PX
    down = -(-len(rows) // _ACROSS)
    sheet = Image.new("RGB", (min(len(rows), _ACROSS) * step - _GAP_PX, down * step - _GAP_PX), "white")
    draw = ImageDraw.Draw(sheet)
    for at, (row, name) in enumerate(zip(rows.tolist(), names, strict=True)):
        left, top = at % _ACROSS * step, at // _ACROSS * step
        draw.rectangle((left, top, left + side - 1, top + side - 1), fill=colors.get(name, _GREY))
        sheet.paste(pictures[row], (left + _FRAME_PX, top + _FRAME_PX))
    shown = list(dict.fromkeys(name for name in names if name))
    caption = f"{len(rows)} of {len(index):,} tiles" + (", of each class those with most of it" if shown else "")
    return Look(np.asarray(sheet), caption, tuple((name, colors.get(name, _GREY)) for name in shown))


def chosen(index: TileIndex, count: int) -> tuple[NDArray[np.int64], list[str]]:
    """Rows (n,) of `count` tiles at the most, and the class that each stands for.

    Classes take turns, each with the tile that has most of it of those left; without labels, tiles spread evenly.
    """
    shares, names = index.shares, index.class_names
    there = np.nan_to_num(shares) > 0
    if not there.any():
        spread = np.arange(min(count, len(index))) * len(index) // max(1, min(count, len(index)))
        return spread, [""] * len(spread)
    ranked = [
        np.argsort(-np.nan_to_num(column), kind="stable")[: had.sum()]
        for column, had in zip(shares.T, there.T, strict=True)
    ]
    taken: dict[int, str] = {}
    turns = max(len(order) for order in ranked)
    for turn in range(turns):
        for name, order in zip(names, ranked, strict=True):
            if turn < len(order) and len(taken) < count:
                taken.setdefault(int(order[turn]), name)
        if len(taken) >= count:
            break
    ordered = sorted(taken, key=lambda row: names.index(taken[row]))
    return np.array(ordered, dtype=np.int64), [taken[row] for row in ordered]


def _colors(index: TileIndex) -> dict[str, str]:
    if index.scheme is None:
        return {}
    return {entry.name: entry.color for entry in Scheme.from_json(index.scheme).subset(index.class_names).classes}


def _pictures(index: TileIndex, rows: NDArray[np.int64], base: Path) -> dict[int, Image.Image]:
    """Row → picture, all in one stretch."""
    read: list[tuple[int, NDArray[Any], NDArray[np.bool_]]] = []
    bands: Sequence[str] = ()
    for part in read_tiles(index, rows, base):
        bands = part.bands
        read += zip(part.row.tolist(), part.values, part.valid, strict=True)
    encoded = thumbnails([(values, valid) for _, values, valid in read], bands)
    return {
        row: Image.open(io.BytesIO(data)).convert("RGB").resize((_TILE_PX, _TILE_PX), Image.Resampling.NEAREST)
        for (row, _, _), data in zip(read, encoded, strict=True)
    }


def write_picture(path: Path, look: Look, *, overwrite: bool) -> None:
    """Write a look as PNG, over its caption and legend. Raises OutputError."""
    font = ImageFont.load_default(size=_FONT_PX)
    height, width = look.pixels.shape[:2]
    entries = [(look.caption, None), *look.legend]
    places, bottom = _laid_out(entries, width, font)
    image = Image.new("RGB", (width, height + bottom), "white")
    image.paste(Image.fromarray(look.pixels), (0, 0))
    draw = ImageDraw.Draw(image)
    for (title, color), (left, top) in zip(entries, places, strict=True):
        at = left
        if color:
            draw.rectangle((left, height + top + 6, left + 12, height + top + 18), fill=color)
            at += 18
        draw.text((at, height + top + 4), title, fill="#222222", font=font)
    with files.new_file(path, overwrite=overwrite) as draft:
        image.save(draft, "PNG")


def _laid_out(entries: Sequence[tuple[str, str | None]], width: int, font: Any) -> tuple[list[tuple[int, int]], int]:
    """Where words stand below a picture, in lines that are no longer than it; and how high they are together."""
    places, left, top = [], 6, 0
    for title, color in entries:
        long = int(font.getlength(title)) + (18 if color else 0)
        if left > 6 and (left + long > width or (color and top == 0)):  # noqa: PLR2004 - where a line begins
            left, top = 6, top + _LINE_PX
        places.append((left, top))
        left += long + 16
    return places, top + _LINE_PX + 4
