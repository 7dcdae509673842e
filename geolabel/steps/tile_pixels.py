"""Pixels of some tiles of an index, in the order of the files, a few at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.errors import TileIndexError
from geolabel.grid import Window
from geolabel.tiling.sources import describe_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import Source, TileIndex

_STRIP_BYTES = 64 << 20
_GAP_PX = 512
"""Tiles farther apart than a block of a usual file are read one by one."""
_CHIPS, _THREADS = 256, 4


@dataclass(frozen=True, slots=True)
class Pixels:
    """Tiles of one size that were read together."""

    row: NDArray[np.int64]
    """(n,): rows of the index."""
    values: NDArray[Any]
    """(n, bands, height, width): as stored, or in the band's unit where it has a scale or an offset."""
    valid: NDArray[np.bool_]
    """(n, height, width)."""
    bands: tuple[str, ...]


def read_tiles(index: TileIndex, rows: NDArray[np.int64], base: Path) -> Iterator[Pixels]:
    """Read the tiles `rows` (n,) of an index that lies in `base`, not mirrored where the raster's edge cuts them.

    Raises InputError, BandError, TileIndexError (a raster is no longer what was tiled).
    """
    paths = index.column("source")[rows].astype(str)
    windows = np.column_stack([index.column(name)[rows] for name in ("col_off", "row_off", "width", "height")])
    chips: list[tuple[Path, Source, int]] = []
    names, which, count = np.unique(paths, return_inverse=True, return_counts=True)
    by_path = np.split(np.argsort(which, kind="stable"), np.cumsum(count)[:-1])
    for path, here in zip(names.tolist(), by_path, strict=True):
        source = index.source_of(path)
        if source.kind == "chips":
            chips += [(base / path, source, int(rows[at])) for at in here]
        else:
            yield from _of_raster(source, base, rows[here], windows[here])
    width, height = index.size_px if chips else (0, 0)
    yield from _of_chips(chips, width, height)


def _of_raster(source: Source, base: Path, rows: NDArray[np.int64], windows: NDArray[Any]) -> Iterator[Pixels]:
    """Neighbours in a row of tiles are read as one strip."""
    info = describe_source(source, base)
    if (windows[:, :2] + windows[:, 2:] > (info.width, info.height)).any():
        raise TileIndexError(f"{info.path}: is smaller than when it was tiled; tile it again")
    order = np.lexsort((windows[:, 0], windows[:, 2], windows[:, 3], windows[:, 1]))
    rows, windows = rows[order], windows[order].astype(np.int64)
    widest = max(1, _STRIP_BYTES // (len(source.bands) * np.dtype(source.dtype).itemsize))
    with raster.open_raster(info) as reader:
        for begin, end in _runs(windows, widest):
            left, top, width, height = windows[begin].tolist()
            right = int(windows[begin:end, 0].max()) + width
            strip, valid = reader.read(Window(left, top, right - left, height))
            starts = windows[begin:end, 0] - left
            values = np.lib.stride_tricks.sliding_window_view(strip, width, axis=2)[:, :, starts]
            seen = np.lib.stride_tricks.sliding_window_view(valid, width, axis=1)[:, starts]
            yield Pixels(
                rows[begin:end],
                _scaled(values.transpose(2, 0, 1, 3), source),
                seen.transpose(1, 0, 2),
                source.bands,
            )


def _runs(windows: NDArray[np.int64], widest: int) -> Iterator[tuple[int, int]]:
    """From … to of ordered windows (n, 4) that are read together: alike, near each other, `widest` pixels at most."""
    begin = 0
    for at in range(1, len(windows) + 1):
        if at < len(windows):
            first, last, here = windows[begin], windows[at - 1], windows[at]
            alike = (first[1:] == here[1:]).all()
            near = here[0] - (last[0] + last[2]) <= _GAP_PX
            if alike and near and (here[0] + here[2] - first[0]) * here[3] <= widest:
                continue
        yield begin, at
        begin = at


def _of_chips(chips: list[tuple[Path, Source, int]], width: int, height: int) -> Iterator[Pixels]:
    """Files, decoded by several threads; those of one size are passed on together."""

    def load(chip: tuple[Path, Source, int]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        path, source, _ = chip
        info = raster.describe(path, source.bands)
        with raster.open_raster(info) as reader:
            return reader.read(Window(0, 0, min(info.width, width), min(info.height, height)))

    with ThreadPoolExecutor(_THREADS) as pool:
        for begin in range(0, len(chips), _CHIPS):
            some = chips[begin : begin + _CHIPS]
            read = list(pool.map(load, some))
            by_size: dict[tuple[str, tuple[int, ...]], list[int]] = {}
            for at, (values, _) in enumerate(read):
                by_size.setdefault((some[at][1].path, values.shape), []).append(at)
            for members in by_size.values():
                source = some[members[0]][1]
                yield Pixels(
                    np.array([some[at][2] for at in members], dtype=np.int64),
                    _scaled(np.stack([read[at][0] for at in members]), source),
                    np.stack([read[at][1] for at in members]),
                    source.bands,
                )


def _scaled(values: NDArray[Any], source: Source) -> NDArray[Any]:
    if set(source.scale) == {1.0} and set(source.offset) == {0.0}:
        return values
    scale, offset = (np.array(numbers, np.float32)[None, :, None, None] for numbers in (source.scale, source.offset))
    return values.astype(np.float32) * scale + offset
