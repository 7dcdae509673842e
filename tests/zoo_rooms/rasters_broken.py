"""Rasters of the zoo that are none, or are damaged."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Any

import rasterio

from tests.zoo_rooms.made_rasters import X, meets, pixels, tiff, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.zoo_rooms.animal import Animal, Den

_PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>No such scene.</body></html>\n"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 132735\n"


def _bytes(content: bytes, name: str = X) -> Callable[[Den], object]:
    return lambda den: (den.folder / name).write_bytes(content)


def _cut(share: float, dtype: str = "uint16") -> Callable[[Den], object]:
    def make(den: Den) -> None:
        path = write(den, pixels(256, 256, bands=4, dtype=dtype), name=X)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return make


def _spoiled(**profile: Any) -> Callable[[Den], object]:
    """What its first block begins with is other than it was."""

    def make(den: Den) -> None:
        path = write(den, pixels(256, 256, dtype="uint8"), **profile)
        with rasterio.open(path) as dataset:
            first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
        _overwrite(path, first)

    return make


def _overwrite(path: Path, start: int, count: int = 200) -> None:
    data = bytearray(path.read_bytes())
    data[start : start + count] = bytes(byte ^ 0xA5 for byte in data[start : start + count])
    path.write_bytes(bytes(data))


def _jpeg(den: Den) -> None:
    """The middle of a JPEG stream is other than it was; its decoder warns, and goes on."""
    path = write(den, pixels(256, 256, dtype="uint8"), compress="jpeg", photometric="YCBCR", interleave="pixel")
    _overwrite(path, path.stat().st_size // 2)


def _spoiled_overview(den: Den) -> None:
    """The overview, at the end of the file, is other than it was; the pixels are as they were."""
    path = write(den, pixels(512, 512), tiled=True, blockxsize=128, blockysize=128, compress="deflate", nodata=0)
    whole = path.stat().st_size
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.nearest)
    with rasterio.open(path) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=1))
    assert first >= whole
    _overwrite(path, first)


def _no_mode(den: Den) -> None:
    path = write(den, pixels())
    path.chmod(0)
    own = os.access
    den.patch(os, "access", lambda where, mode: str(where) != X and own(where, mode))  # root may read everything


def _png(width: int, height: int, *, interlaced: bool = False) -> bytes:
    """A PNG of zeros that says it is of some size, and holds the first kilobyte at most."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, int(interlaced))
    rows = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


_LOST = "x.tif: cannot be read at …: the file is truncated or damaged; copy or download it again"

ANIMALS: tuple[Animal, ...] = (
    meets("tile", "no file at all", lambda den: None, "x.tif: no such file; a raster was expected"),
    meets("tile", "empty file", _bytes(b""), "x.tif: the file is empty; …"),
    meets("tile", "a folder in place of a raster", lambda den: (den.folder / X).mkdir(), "x.tif: is a folder; …"),
    meets(
        "predict",
        "a folder without a raster",
        lambda den: (den.folder / X).mkdir(),
        "x.tif: the folder holds no raster (.img, .jp2, .tif, .tiff, .vrt); name those of "
        "another kind by a glob in quotes",
    ),
    meets("tile", "a pipe", lambda den: os.mkfifo(den.folder / X), "x.tif: is a device or a pipe; …"),
    meets("dehaze", "a pipe, to dehaze", lambda den: os.mkfifo(den.folder / X), "…x.tif: is a device or a pipe; …"),
    meets("tile", "may not be read", _no_mode, "x.tif: may not be read; check its permissions"),
    meets("tile", "text", _bytes(b"hello, I am text\n" * 20), "x.tif: is plain text, not a raster; look into it"),
    meets(
        "tile",
        "page of an error, saved as a raster",
        _bytes(_PAGE),
        "x.tif: is a page (HTML), as servers send it to say what went wrong or to ask whether "
        "one may sign in; open it in a browser, and download the file again",
    ),
    meets(
        "dehaze",
        "page of an error, saved as a raster, to dehaze",
        _bytes(_PAGE),
        "x.tif: is a page (HTML), as servers send it to say what went wrong or to ask whether "
        "one may sign in; open it in a browser, and download the file again",
    ),
    meets(
        "inspect",
        "page of an error, saved as a raster, to look at",
        _bytes(_PAGE),
        "x.tif: is a page (HTML), as servers send it to say what went wrong or to ask whether "
        "one may sign in; open it in a browser, and download the file again",
    ),
    meets(
        "predict",
        "answer of a server in JSON",
        _bytes(b'{"error": {"code": 403, "message": "no"}}'),
        "x.tif: is JSON, as servers answer where they refuse; read it, and download the file again",
    ),
    meets(
        "predict",
        "answer of a server in XML",
        _bytes(b'<?xml version="1.0"?><Error>Denied</Error>'),
        "x.tif: is XML, as servers answer where they refuse; read it, and download the file again",
    ),
    meets(
        "tile",
        "pointer of git-lfs",
        _bytes(_POINTER),
        "x.tif: is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
    ),
    meets(
        "polygons",
        "pointer of git-lfs, to outline",
        _bytes(_POINTER),
        "x.tif: is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
    ),
    meets(
        "label",
        "pointer of git-lfs, to label by",
        _bytes(_POINTER),
        "x.tif: is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
    ),
    meets(
        "inspect",
        "pointer of git-lfs, to look at",
        _bytes(_POINTER),
        "x.tif: is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
    ),
    meets(
        "tile",
        "ZIP archive named .tif",
        _bytes(b"PK\x03\x04" + bytes(100)),
        "x.tif: is a ZIP archive; unpack it, and name what is in it",
    ),
    meets(
        "tile",
        "compressed once more with gzip",
        _bytes(b"\x1f\x8b\x08\0" + bytes(100)),
        "x.tif: is compressed (gzip); unpack it first: gunzip",
    ),
    meets(
        "tile",
        "magic of a TIFF, then noise",
        _bytes(b"II*\0" + bytes(range(256)) * 4),
        "x.tif: is not a raster that GDAL can read, or it is truncated (x.tif: "
        "TIFFReadDirectory:Failed to read directory at offset 50462976); check it with gdalinfo, "
        "or copy it again",
    ),
    meets(
        "tile",
        "header of a TIFF and nothing else",
        _bytes(b"II*\0\x08\0\0\0"),
        "x.tif: is not a raster that GDAL can read, or it is truncated (x.tif: "
        "TIFFReadDirectory:Failed to read directory at offset 8); check it with gdalinfo, or "
        "copy it again",
    ),
    meets(
        "tile",
        "wrong magic",
        _bytes(b"XX*\0" + bytes(range(256)) * 4),
        "x.tif: is not a raster that GDAL can read, or it is truncated ('x.tif' not recognized "
        "as being in a supported file format); check it with gdalinfo, or copy it again",
    ),
    meets(
        "tile",
        "0 × 0 px",
        lambda den: tiff(den, {256: [0], 257: [0], 258: [8], 262: [1], 273: [8], 277: [1], 278: [1], 279: [1]}, b"\0"),
        "x.tif: is not a raster that GDAL can read, or it is truncated (x.tif: "
        "TIFFReadDirectory:Cannot handle zero number of strips); check it with gdalinfo, or copy "
        "it again",
    ),
    meets("dehaze", "cut in the middle", _cut(0.5), _LOST),
    meets(
        "predict",
        "cut within its last row",
        _cut(0.999),
        "x.tif: cannot be read at a reduced view: the file is truncated or damaged; copy or download it again",
    ),
    meets(
        "tile",
        "cut, and of float, so that tile must look",
        _cut(0.5, "float32"),
        "x.tif: cannot be read at rows 0–256: the file is truncated or damaged; copy or download it again",
    ),
    meets("inspect", "cut in the middle, to look at", _cut(0.5), _LOST),
    meets(
        "embed encode",
        "cut in the middle, to encode",
        _cut(0.5),
        "x.tif: cannot be read at a reduced view: the file is truncated or damaged; copy or download it again",
    ),
    meets(
        "dehaze",
        "JPEG in a TIFF, damaged",
        _jpeg,
        "what its decoder makes of it: such a stream has no check sums, and GDAL tells nothing",
        "clear.tif",
    ),
    meets("dehaze", "deflate, damaged", _spoiled(compress="deflate"), _LOST),
    meets(
        "dehaze",
        "LZW, damaged",
        _spoiled(compress="lzw"),
        "x.tif: cannot be read at rows 0–256: the file is truncated or damaged; copy or download it again",
    ),
    meets("dehaze", "ZSTD, damaged", _spoiled(compress="zstd"), _LOST),
    meets(
        "tile",
        "a damaged overview",
        _spoiled_overview,
        "x.tif: cannot be read at an overview: the file is truncated or damaged; copy or download it again",
    ),
    meets(
        "inspect", "a damaged overview, to look at", _spoiled_overview, "the pixels, which are as they were", "look.png"
    ),
    meets(
        "inspect",
        "PNG of a million × a million px in a kilobyte",
        _bytes(_png(1_000_000, 1_000_000)),
        "x.tif: cannot be read at rows 7812–7813: the file is truncated or damaged; copy or download it again",
    ),
    meets(
        "inspect",
        "interlaced PNG of that size",
        _bytes(_png(1_000_000, 1_000_000, interlaced=True)),
        "x.tif: cannot be read at rows 7812–7813: the file is truncated or damaged; copy or download it again",
    ),
    meets(
        "inspect",
        "interlaced PNG of 100,000 × 100,000 px",
        _bytes(_png(100_000, 100_000, interlaced=True)),
        "x.tif: cannot be read at rows 781–782: the file is truncated or damaged; copy or download it again",
    ),
)
