"""One pass over the tiles: each is decoded once, and everything that needs its pixels looks at it then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files
from geolabel.errors import InputError
from geolabel.exploration.artefacts import Artefacts, artefacts, join
from geolabel.exploration.signatures import signatures
from geolabel.learn.chips import Chips, cached_chips, load_chips
from geolabel.steps.exploring.pictures import Painter, painter_of
from geolabel.steps.exploring.tiles import even_sample, subset
from geolabel.steps.predict_tiles import parts
from geolabel.views.atlas import side_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from geolabel.steps.exploring.features import Eyes
    from geolabel.tiling import Source, TileIndex

_SAMPLE = 256
"""Tiles by which pictures are stretched: read beforehand, so that all others are read once."""
_AT_ONCE_BYTES = 32 << 20
_BRIGHTEST = 1e15
"""Beyond lie only numbers that stand for nodata where nobody has declared it; their squares have none."""
_WHITE = 255
"""At which a picture of bytes is full; of other types the tiles tell."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some tiles, which stand for all."""

    chips: Chips
    """In stored values, of one scale."""
    source: Source
    """With that scale."""
    painter: Painter


@dataclass(frozen=True, slots=True)
class Seen:
    """What n tiles look like."""

    pictures: NDArray[np.uint8]
    """(n, side, side, 3)."""
    caption: str
    """Which bands the pictures show."""
    features: NDArray[np.float32] | None
    """(n, f); None where they are in the file."""
    probabilities: NDArray[np.float32] | None
    """(n, classes) of the model; None without a classifier."""
    signatures: NDArray[np.float32]
    """(n, s): what copies have in common."""
    artefacts: Artefacts


def sample_tiles(index: TileIndex, base: Path, seed: int) -> Sample:
    """Read a few tiles of an index that lies in `base`. Raises InputError, BandError, TileIndexError."""
    few = subset(index, even_sample(len(index), _SAMPLE, seed))
    rows, scale, offset = next(parts(few, "looking at tiles"))
    source = few.source_of(str(few.column("source")[rows[0]]))
    with files.scratch() as scratch:
        chips = load_chips(few, rows, base, scratch)
    painter = painter_of(_physical(chips.pixels, scale, offset), chips.valid, source.bands, source.dtype)
    return Sample(chips, source, painter)


def see(index: TileIndex, base: Path, eyes: Eyes, painter: Painter, cache: Path | None) -> Seen:
    """Look at all tiles of an index that lies in `base`, some at a time: memory follows what is kept of them.

    Tiles that the raster's edge cuts are mirrored to full size for everything but their pictures. With `cache`, decoded
    tiles are kept there. Raises InputError, BandError, TileIndexError.
    """
    count, first = len(index), index.sources[0]
    sizes = np.column_stack([index.column(name) for name in ("width", "height")]).astype(np.int64)
    sizes = np.minimum(sizes, index.size_px)  # larger chips are cut to the tiles' size
    side = min(side_for(count), int(sizes.max()))
    pictures = np.zeros((count, side, side, 3), np.uint8)
    kept: dict[str, NDArray[Any]] = {}

    def keep(name: str, rows: NDArray[np.int64], values: NDArray[Any]) -> None:
        if name not in kept:
            kept[name] = np.zeros((count, *values.shape[1:]), values.dtype)
        kept[name][rows] = values

    for rows, scale, offset, chips in _parts(index, base, cache):
        measure, answer = eyes.features(first, scale, offset), eyes.answers(first, scale, offset)
        for span in _spans(chips):
            pixels, valid, here = np.asarray(chips.pixels[span]), np.asarray(chips.valid[span]), rows[span]
            _check(index, here, pixels, valid)
            _paint(pictures, here, _physical(pixels, scale, offset), valid, sizes[here], painter)
            keep("signatures", here, signatures(pixels, valid))
            found = artefacts(pixels, valid, _WHITE if first.dtype == "uint8" else None)
            for name in Artefacts.__dataclass_fields__:
                keep(f"artefacts {name}", here, getattr(found, name))
            if measure is not None:
                keep("features", here, measure(pixels, valid))
            if answer is not None:
                keep("probabilities", here, answer(pixels, valid))
    return Seen(
        pictures,
        painter.caption,
        kept.get("features"),
        kept.get("probabilities"),
        kept["signatures"],
        join([Artefacts(**{name: kept[f"artefacts {name}"] for name in Artefacts.__dataclass_fields__})]),
    )


def _parts(
    index: TileIndex, base: Path, cache: Path | None
) -> Iterator[tuple[NDArray[np.int64], Sequence[float], Sequence[float], Chips]]:
    """Rows with their scale, offset and pixels, as many as memory holds."""
    for rows, scale, offset in parts(index, "looking at tiles"):
        if cache:
            yield rows, scale, offset, cached_chips(index, rows, base, cache)
            continue
        with files.scratch() as scratch:
            yield rows, scale, offset, load_chips(index, rows, base, scratch)


def _spans(chips: Chips) -> list[slice]:
    step = max(1, _AT_ONCE_BYTES // max(1, chips.pixels[:1].nbytes))
    return [slice(at, at + step) for at in range(0, len(chips), step)]


def _check(index: TileIndex, rows: NDArray[np.int64], pixels: NDArray[Any], valid: NDArray[np.bool_]) -> None:
    """Raise InputError where valid pixels (n, bands, h, w) have values that no image has."""
    if pixels.dtype.kind != "f":
        return
    most = np.max(np.abs(pixels), axis=(1, 2, 3), where=valid[:, None], initial=0)
    if (most > _BRIGHTEST).any():
        tile, name = (index.column(of)[rows[np.nanargmax(most)]] for of in ("tile", "source"))
        raise InputError(
            f"{name}: tile {tile} holds ±{most.max():g}, which no image does; if it stands for nodata, say so: "
            "gdal_edit.py -a_nodata, and tile again"
        )


def _paint(
    pictures: NDArray[np.uint8],
    rows: NDArray[np.int64],
    physical: NDArray[Any],
    valid: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    painter: Painter,
) -> None:
    """Pictures of tiles as far as the raster reaches: on a map they lie in their own outline."""
    for width, height in np.unique(sizes, axis=0).tolist():
        of_size = np.flatnonzero((sizes == (width, height)).all(axis=1))
        seen = (of_size, ..., slice(height), slice(width))
        pictures[rows[of_size]] = painter.pictures(physical[seen], valid[seen], pictures.shape[1])


def _physical(pixels: NDArray[Any], scale: Sequence[float], offset: Sequence[float]) -> NDArray[Any]:
    if all(factor == 1 for factor in scale) and not any(offset):
        return pixels
    factor, shift = (np.array(numbers, np.float32)[:, None, None] for numbers in (scale, offset))
    return np.asarray(pixels.astype(np.float32) * factor + shift)
