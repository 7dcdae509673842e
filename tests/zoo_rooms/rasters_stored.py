"""Rasters of the zoo that are stored in odd ways: shapes, blocks, compression, bombs, several in one."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import rasterio

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.made_rasters import UTM, X, meets, pixels, tiff, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_DEFLATE, _NONE = 8, 1


def _of(height: int, width: int, **profile: Any) -> Callable[[Den], object]:
    return lambda den: write(den, pixels(height, width), **profile)


def _sparse(side: int, block: int, **profile: Any) -> Callable[[Den], object]:
    """A GeoTIFF of which no pixel is stored."""

    def make(den: Den) -> None:
        whole = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "nodata": 0}
        whole |= {"tiled": True, "blockxsize": block, "blockysize": block, "sparse_ok": True, "bigtiff": True}
        with rasterio.open(den.folder / X, "w", **whole, crs="EPSG:32719", transform=UTM, **profile):
            pass

    return make


def _header(side: int, rows: int, body: bytes = bytes(900)) -> Callable[[Den], object]:
    """A TIFF written by hand that says it has `side` × `side` px, in strips of `rows`, and holds `body` only."""
    strips = -(-side // rows)

    def make(den: Den) -> None:
        tags = {256: [side], 257: [side], 258: [8], 259: [_NONE], 262: [1], 277: [1], 278: [rows]}
        tags |= {273: [8] * min(strips, 4), 279: [len(body)] * min(strips, 4)}
        tiff(den, tags, body)
        place = "<SRS>EPSG:32719</SRS><GeoTransform>4e5, 10, 0, 8.6e6, 0, -10</GeoTransform>"
        (den.folder / f"{X}.aux.xml").write_text(f"<PAMDataset>{place}</PAMDataset>")

    return make


@lru_cache(maxsize=1)
def _zeros() -> bytes:
    """A gigabyte of zeros, compressed."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()


def _bomb(den: Den) -> None:
    """A block of 32,768 × 32,768 px, all zero, in some megabytes."""
    side = 1 << 15
    tags = {256: [side], 257: [side], 258: [8], 259: [_DEFLATE], 262: [1], 277: [1]}
    tiff(den, {**tags, 322: [side], 323: [side], 324: [8], 325: [len(_zeros())]}, _zeros())


def _subdatasets(driver: str, name: str) -> Callable[[Den], object]:
    """A container of two rasters, of which none is chosen."""

    def make(den: Den) -> None:
        path = den.folder / name
        if driver == "GTiff":
            for more in ({}, {"APPEND_SUBDATASET": "YES"}):
                write(den, pixels(), **more)
        else:
            for table in ("one", "two"):
                more = {"RASTER_TABLE": table, "APPEND_SUBDATASET": "YES" if table == "two" else "NO"}
                whole = {"driver": "GPKG", "width": 64, "height": 64, "count": 3, "dtype": "uint8"}
                with rasterio.open(path, "w", **whole, crs="EPSG:32719", transform=UTM, **more) as dataset:
                    dataset.write(pixels(dtype="uint8"))

    return make


def _two_blocks(den: Den) -> Sequence[object]:
    """Two neighbours: one in strips of a row, one in tiles of 16 px."""
    write(den, pixels(64, 64), name="a.tif", blockysize=1)
    moved = UTM @ type(UTM).translation(64, 0)
    write(den, pixels(64, 64, seed=9), name="b.tif", tiled=True, blockxsize=16, blockysize=16, transform=moved)
    return ("tile", "a.tif", "b.tif", "--size", 16, "-o", "tiles.parquet")


def _tiles_larger(den: Den) -> Sequence[object]:
    write(den, pixels(20, 30))
    return ("tile", X, "--size", 4096, "-o", "tiles.parquet")


def _tiles_of_one_px(den: Den) -> Sequence[object]:
    _sparse(4096, 512)(den)
    return ("tile", X, "--size", 1, "--min-valid", 0, "-o", "tiles.parquet")


def _part_of_a_giant(den: Den) -> Sequence[object]:
    """A million × a million px, of which some hundred are asked for."""
    _sparse(1_000_000, 4096)(den)
    west, north = -69.9, -12.7
    return (
        "tile",
        X,
        "--size",
        64,
        "--min-valid",
        0,
        "--aoi",
        f"{west},{north - 0.01},{west + 0.01},{north}",
        "-o",
        "tiles.parquet",
    )


def _shape(height: int, width: int) -> Callable[[Path], bool]:
    def shows(folder: Path) -> bool:
        with rasterio.open(folder / "clear.tif") as dataset:
            return (dataset.height, dataset.width) == (height, width)

    return shows


ANIMALS: tuple[Animal, ...] = (
    meets("tile", "one column of pixels", _of(200, 1), "tiles of one column", "tiles.parquet"),
    meets(
        "dehaze", "one column, to dehaze", _of(200, 1), "the same column, clearer", "clear.tif", shows=_shape(200, 1)
    ),
    meets("tile", "one row of pixels", _of(1, 200), "tiles of one row", "tiles.parquet"),
    meets("dehaze", "one row, to dehaze", _of(1, 200), "the same row, clearer", "clear.tif", shows=_shape(1, 200)),
    meets("inspect", "one row, to look at", _of(1, 20_000), "described, and drawn", "look.png"),
    meets("dehaze", "one pixel", _of(1, 1), "the same pixel", "clear.tif", shows=_shape(1, 1)),
    meets(
        "predict",
        "one pixel, to predict",
        lambda den: write(den, pixels(1, 1, bands=4)),
        "a map of one pixel",
        "out.geolabel",
    ),
    meets(
        "embed encode",
        "one pixel, to encode",
        lambda den: write(den, pixels(1, 1, bands=4)),
        "one vector",
        "vectors.parquet",
        "vectors.colours.tif",
    ),
    Animal(
        "Rasters", "tiles larger than the raster", _tiles_larger, "one tile, as large as the raster", ("tiles.parquet",)
    ),
    Animal(
        "Rasters",
        "tiles of one pixel, 16 million of them",
        _tiles_of_one_px,
        "16,777,216 tiles of 1 px are more than one index holds (4,194,304); give a larger "
        "--size, or name a part of the raster with --aoi",
    ),
    Animal("Rasters", "sources that are stored in different blocks", _two_blocks, "tiles of both", ("tiles.parquet",)),
    meets("dehaze", "LERC, lossy", _of(64, 64, compress="LERC", max_z_error=0.5), "read and dehazed", "clear.tif"),
    meets(
        "dehaze",
        "WebP",
        lambda den: write(den, pixels(dtype="uint8"), compress="webp", interleave="pixel", webp_lossless=True),
        "read and dehazed",
        "clear.tif",
    ),
    meets("dehaze", "BigTIFF", _of(64, 64, bigtiff=True), "read and dehazed", "clear.tif"),
    meets("dehaze", "big-endian", _of(64, 64, endianness="BIG"), "read and dehazed", "clear.tif"),
    meets(
        "tile",
        "sparse: no pixel is stored",
        _sparse(4096, 512),
        "no tile is left of 1 rasters: 65536 lack valid pixels (lower --min-valid), 0 lie "
        "outside the area of interest (check --aoi)",
    ),
    meets(
        "tile",
        "two rasters in a TIFF, and none chosen",
        _subdatasets("GTiff", X),
        "the first is tiled",
        "tiles.parquet",
    ),
    meets(
        "tile",
        "two rasters in a GeoPackage, and none chosen",
        _subdatasets("GPKG", X),
        "x.tif: is a container of 2 rasters; take one out: gdal_translate GPKG:x.tif:one one.tif",
    ),
    meets(
        "predict",
        "two rasters in a GeoPackage, to predict",
        _subdatasets("GPKG", X),
        "x.tif: is a container of 2 rasters; take one out: gdal_translate GPKG:x.tif:one one.tif",
    ),
    meets(
        "inspect",
        "two rasters in a GeoPackage, to look at",
        _subdatasets("GPKG", X),
        "x.tif: is a container of 2 rasters; take one out: gdal_translate GPKG:x.tif:one one.tif",
    ),
    meets(
        "dehaze",
        "a block of a gigabyte in 5 MB (decompression bomb)",
        _bomb,
        "x.tif: is stored in blocks of 32768 × 32768 px, of which each takes 1.1 GB; store it in "
        "smaller ones: gdal_translate -of COG in.tif out.tif",
    ),
    meets(
        "tile",
        "a block of a gigabyte in 5 MB, to tile",
        _bomb,
        "x.tif: is stored in blocks of 32768 × 32768 px, of which each takes 1.1 GB; store it in "
        "smaller ones: gdal_translate -of COG in.tif out.tif",
    ),
    meets(
        "inspect",
        "a block of a gigabyte in 5 MB, to look at",
        _bomb,
        "x.tif: is stored in blocks of 32768 × 32768 px, of which each takes 1.1 GB; store it in "
        "smaller ones: gdal_translate -of COG in.tif out.tif",
    ),
    meets(
        "predict",
        "a block of a gigabyte in 5 MB, to predict",
        _bomb,
        "x.tif: is stored in blocks of 32768 × 32768 px, of which each takes 1.1 GB; store it in "
        "smaller ones: gdal_translate -of COG in.tif out.tif",
    ),
    meets(
        "tile",
        "a million × a million px in a kilobyte",
        _header(1_000_000, 1),
        "3,906,250,000 tiles of 16 px are more than one index holds (4,194,304); give a larger "
        "--size, or name a part of the raster with --aoi",
    ),
    meets(
        "inspect",
        "a million × a million px in a kilobyte, to look at",
        _header(1_000_000, 1),
        "described from some blocks; those that the file lacks count as zeros",
        "look.png",
    ),
    meets(
        "predict",
        "a million × a million px in a kilobyte, to predict",
        _header(1_000_000, 1),
        "x.tif: the model needs the bands red, green, blue, nir; found band_1. Name the file's "
        "bands in their order with --bands",
    ),
    meets(
        "tile",
        "a million × a million px, sparse",
        _sparse(1_000_000, 4096),
        "3,906,250,000 tiles of 16 px are more than one index holds (4,194,304); give a larger "
        "--size, or name a part of the raster with --aoi",
    ),
    meets(
        "inspect",
        "a million × a million px, sparse, to look at",
        _sparse(1_000_000, 4096),
        "described from some blocks, in a moment",
        "look.png",
    ),
    meets(
        "tile",
        "a million × a million px, sparse, in blocks of a gigabyte",
        _sparse(1_000_000, 32768),
        "x.tif: is stored in blocks of 32768 × 32768 px, …",
    ),
    Animal(
        "Rasters",
        "a small part of a million × a million px",
        _part_of_a_giant,
        "the tiles that touch the area, and no others are listed",
        ("tiles.parquet",),
    ),
)
