"""Chips: the pixels of tiles, each decoded once, in the order of the file, into one array."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster
from geolabel.errors import BandError, InputError, OutputError, TileIndexError
from geolabel.grid import Window
from geolabel.progress import track
from geolabel.tiling.sources import describe_source

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import Source, TileIndex

_IN_MEMORY_BYTES = 2 << 30
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Chips:
    """Pixels of n tiles, in the stored type."""

    pixels: NDArray[Any]
    """(n, bands, height, width); on disk (a memory map) where they are more than 2 GiB."""
    valid: NDArray[np.bool_]
    """(n, height, width): False where nodata."""

    def __len__(self) -> int:
        return len(self.pixels)


def cached_chips(index: TileIndex, rows: NDArray[np.int64], base: Path, cache: Path) -> Chips:
    """The same as `load_chips`, kept in the folder `cache`: the next run on the same tiles decodes nothing.

    Named by the files as they are now, and by the windows. Raises InputError, BandError, OutputError.
    """
    folder = cache / _fingerprint(index, rows, base)
    if not folder.exists():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with (
                files.scratch(cache) as scratch,
                files.new_directory(folder, "cache", wait=True) as draft,
            ):
                chips = load_chips(index, rows, base, scratch)
                np.save(draft / "pixels.npy", chips.pixels)
                np.save(draft / "valid.npy", chips.valid)
        except OutputError:
            if not folder.exists():  # where it does, another process has done it meanwhile
                raise
    try:
        pixels, valid = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("pixels", "valid"))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder}: the cache is damaged ({error}); remove that folder") from error
    return Chips(pixels, valid)


def _fingerprint(index: TileIndex, rows: NDArray[np.int64], base: Path) -> str:
    """Of the pixels of some tiles: of their files, and where in them they lie."""
    digest = hashlib.blake2b(digest_size=12)
    paths = index.column("source")[rows].astype(str)
    for path in np.unique(paths).tolist():
        source = index.source_of(path)
        if source.kind == "raster":
            describe_source(source, base)
            digest.update(f"{path}:{raster.fingerprint(base / path)}:{source.bands};".encode())
        elif (base / path).exists():
            found = (base / path).stat()
            digest.update(f"{path}:{found.st_size}:{found.st_mtime_ns}:{source.bands};".encode())
    digest.update(f"{index.tiling['size']}{''.join(paths.tolist())}".encode())
    for name in ("col_off", "row_off", "width", "height"):
        digest.update(np.ascontiguousarray(index.column(name)[rows]).tobytes())
    return digest.hexdigest()


def load_chips(index: TileIndex, rows: NDArray[np.int64], base: Path, scratch: Path) -> Chips:
    """Decode the tiles `rows` (n,) of an index that lies in `base`; what memory cannot hold goes into `scratch`.

    Tiles that the raster's edge cuts are mirrored to full size. Raises InputError, BandError.
    """
    paths = index.column("source")[rows]
    first = index.source_of(str(paths[0]))
    width, height = index.size_px
    shape = (len(rows), len(first.bands), height, width)
    chips = Chips(
        _array(shape, np.dtype(first.dtype), scratch / "pixels.bin"),
        _array((len(rows), height, width), np.dtype(bool), scratch / "valid.bin"),
    )
    windows = np.column_stack([index.column(name)[rows] for name in ("col_off", "row_off", "width", "height")])
    unique, source_of = np.unique(paths.astype(str), return_inverse=True)
    described = [index.source_of(path) for path in unique]
    for path, source in zip(unique, described, strict=True):
        if (source.scale, source.offset) != (first.scale, first.offset):
            raise BandError(
                f"{path}: scale {source.scale} and offset {source.offset}, but {paths[0]} has {first.scale} and "
                f"{first.offset}: their values mean different things; bring both to one scale (gdal_calc.py)"
            )
        if source.bands != first.bands or source.dtype != first.dtype:
            raise BandError(
                f"{path}: has {source.dtype} bands {', '.join(source.bands)}, but {paths[0]} has {first.dtype} "
                f"{', '.join(first.bands)}; choose common ones with geolabel tile --bands"
            )
    jobs = [
        (source, base, np.flatnonzero(source_of == number))
        for number, (path, source) in enumerate(zip(unique, described, strict=True))
        if source.kind == "raster"
    ]
    for job in jobs:
        _load_raster(*job, windows, chips)
    files = [
        (base / path, source_of == number) for number, path in enumerate(unique) if described[number].kind == "chips"
    ]
    if files:
        _load_files(files, first, chips)
    return chips


def _array(shape: tuple[int, ...], dtype: np.dtype[Any], path: Path) -> NDArray[Any]:
    if int(np.prod(shape)) * dtype.itemsize <= _IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    return np.memmap(path, dtype, "w+", shape=shape)


def _load_raster(source: Source, base: Path, tiles: NDArray[Any], windows: NDArray[Any], chips: Chips) -> None:
    """Read one strip per row of tiles; the tiles are views into it."""
    size_h, size_w = chips.valid.shape[1:]
    info = describe_source(source, base)
    if int((windows[tiles, 0] + windows[tiles, 2]).max()) > info.width or (
        int((windows[tiles, 1] + windows[tiles, 3]).max()) > info.height
    ):
        raise TileIndexError(f"{info.path}: is smaller than when it was tiled; tile it again")
    rows = np.unique(windows[tiles][:, [1, 3]], axis=0)
    with raster.open_raster(info) as reader:
        for row_off, height in track(rows, what="reading tiles", unit="rows"):
            inside = tiles[(windows[tiles, 1] == row_off) & (windows[tiles, 3] == height)]
            left = int(windows[inside, 0].min())
            right = int((windows[inside, 0] + windows[inside, 2]).max())
            pixels, valid = reader.read(Window(left, int(row_off), right - left, int(height)))
            needed = int((windows[inside, 0]).max()) + size_w - right
            pixels = raster.mirror(pixels, size_h, pixels.shape[2] + max(0, needed))
            valid = raster.mirror(valid[None], size_h, valid.shape[1] + max(0, needed))
            starts = windows[inside, 0] - left
            chips.pixels[inside] = cut(pixels, starts, size_w)
            chips.valid[inside] = cut(valid, starts, size_w)[:, 0]


def _load_files(files: list[tuple[Path, NDArray[Any]]], source: Source, chips: Chips) -> None:
    height, width = chips.valid.shape[1:]

    def load(job: tuple[Path, NDArray[Any]]) -> None:
        path, rows = job
        info = raster.describe(path, source.bands)
        with raster.open_raster(info) as reader:
            pixels, valid = reader.read(Window(0, 0, min(info.width, width), min(info.height, height)))
        chips.pixels[rows] = raster.mirror(pixels, height, width)
        chips.valid[rows] = raster.mirror(valid[None], height, width)[0]

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in track(pool.map(load, files), total=len(files), what="reading chips", unit="chips"):
            pass


def cut(strip: NDArray[Any], starts: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Chips (n, bands, height, width) that begin at the columns `starts` (n,) of a strip (bands, height, columns)."""
    views = np.lib.stride_tricks.sliding_window_view(strip, width, axis=2)
    return np.asarray(views[:, :, starts].transpose(2, 0, 1, 3))
