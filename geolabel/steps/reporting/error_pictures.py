"""Pictures of the tiles on which a model is surest and wrong, for a page."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.errors import InputError
from geolabel.steps.tile_pixels import read_tiles
from geolabel.views.error_grids import ClassErrors, ErrorsShown, TileShown
from geolabel.views.thumbnails import COLOURS, SIDE_PX, seen_bands, thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.steps.reporting.errors import Errors

_SHOWN, _COMPARED = 24, 8
"""Tiles of a kind with a picture: errors, and right detections."""
_PICTURES = 1_600
"""On a page, at the most: of many classes fewer are shown of each."""
Tile = tuple[int, "NDArray[Any]", "NDArray[np.bool_]"]
"""Its number among those that are scored, its pixels (bands, height, width), and which are valid (height, width)."""


def pictured(errors: Errors) -> NDArray[np.int64]:
    """Numbers of the tiles with a picture, each once, in order."""
    return np.unique(np.concatenate([part for parts in _chosen(errors) for part in parts]))


def _chosen(errors: Errors) -> list[tuple[NDArray[np.int64], ...]]:
    """Numbers of the tiles with a picture: false alarms, misses and hits of each class."""
    most = min(_SHOWN, max(2, (_PICTURES // len(errors.classes) - _COMPARED) // 2))
    return [(one.false_alarms[:most], one.misses[:most], one.hits[:_COMPARED]) for one in errors.classes]


def read_pictured(errors: Errors, base: Path) -> Iterator[Tile]:
    """Tiles with a picture, read from where they were cut; `base` is the folder of the index. Raises InputError."""
    numbers = pictured(errors)
    number_of = dict(zip(errors.rows[numbers].tolist(), numbers.tolist(), strict=True))
    for pixels in read_tiles(errors.index, np.sort(errors.rows[numbers]), base):
        for row, values, valid in zip(pixels.row.tolist(), pixels.values, pixels.valid, strict=True):
            yield number_of[row], values, valid


def show_errors(errors: Errors, tiles: Iterable[Tile], part: str) -> ErrorsShown:
    """What the page shows of them; `tiles` has those of `pictured`, in any order. Those of `part` are told to be so.

    Where tiles cannot be read, they are shown without pictures, and why is said.
    """
    numbers, seen = [], []
    notes: tuple[str, ...] = ()
    bands = errors.index.sources[0].bands
    try:
        for number, values, valid in tiles:
            numbers.append(number)
            seen.append(_small(values, valid, bands))
    except InputError as error:
        notes = (f"Some tiles have no picture. {error}",)
    pictures = dict(zip(numbers, thumbnails(seen, COLOURS, "WEBP"), strict=True))
    told = dict.fromkeys(pictured(errors).tolist()) | pictures
    place = errors.lonlat()
    tile, source = (errors.index.column(name)[errors.rows] for name in ("tile", "source"))

    def shown(at: int, chosen: NDArray[np.int64]) -> tuple[TileShown, ...]:
        return tuple(
            TileShown(
                tile=int(tile[number]),
                source=PurePosixPath(str(source[number])).name,
                probability=float(errors.probabilities[number, at]),
                labels=errors.labels(number),
                share=float(errors.shares[number, at]) if np.isfinite(errors.shares[number, at]) else None,
                place="{:.5f},{:.5f}".format(*place[number]) if np.isfinite(place[number]).all() else "",
                picture=told[number],
            )
            for number in chosen.tolist()
        )

    cuts = errors.thresholds
    classes = tuple(
        ClassErrors(
            name=one.name,
            threshold=cuts[at],
            false_alarms=shown(at, false_alarms),
            all_false_alarms=len(one.false_alarms),
            misses=shown(at, misses),
            all_misses=len(one.misses),
            hits=shown(at, hits),
        )
        for at, (one, (false_alarms, misses, hits)) in enumerate(zip(errors.classes, _chosen(errors), strict=True))
    )
    return ErrorsShown(part, classes, errors.confusions, notes)


def _small(
    values: NDArray[Any], valid: NDArray[np.bool_], bands: Sequence[str]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Red, green and blue of a tile, not much larger than its picture; of two dates side by side."""
    dates = raster.pair_bands(bands)
    chosen = seen_bands(dates or bands)
    rgb = values[chosen]
    if dates:
        rgb = np.concatenate([rgb, values[len(dates) :][chosen]], axis=2)
        valid = np.concatenate([valid, valid], axis=1)
    step = max(1, min(valid.shape) // SIDE_PX)
    height, width = (size // step * step for size in valid.shape)
    blocks = valid[:height, :width].reshape(height // step, step, width // step, step)
    count = blocks.sum(axis=(1, 3))
    cells = np.where(valid[:height, :width], rgb[:, :height, :width], 0).astype(np.float32)
    total = cells.reshape(3, height // step, step, width // step, step).sum(axis=(2, 4))
    return total / np.maximum(count, 1), count > 0
