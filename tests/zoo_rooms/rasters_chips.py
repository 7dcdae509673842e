"""Folders of chips in which one is odd."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _chips(den: Den) -> None:
    """Three good chips with tags."""
    (den.folder / "chips").mkdir()
    for name in "abc":
        picture = np.random.default_rng(ord(name)).integers(0, 255, (16, 16, 3)).astype("uint8")
        Image.fromarray(picture).save(den.folder / "chips" / f"{name}.png")
    (den.folder / "tags.csv").write_text("image_name,tags\na,water\nb,forest\nc,water forest\n")


def _with(add: Callable[[Den], object], *words: str) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        _chips(den)
        add(den)
        return ("tile", "--images", "chips", "-o", "tiles.parquet", *words)

    return bring


def _bytes(name: str, content: bytes) -> Callable[[Den], object]:
    return lambda den: (den.folder / "chips" / name).write_bytes(content)


def _picture(name: str, size: tuple[int, int], mode: str = "RGB") -> Callable[[Den], object]:
    return lambda den: Image.new(mode, size).save(den.folder / "chips" / name)


def _giant(den: Den) -> None:
    """A PNG that says it has 100,000 × 100,000 px."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    _bytes("d.png", b"\x89PNG\r\n\x1a\n" + data)(den)


def _one_dead(den: Den) -> Sequence[object]:
    """A chip whose pixels do not decode, met where they are first read."""
    _chips(den)
    chip = den.folder / "chips" / "b.png"
    chip.write_bytes(chip.read_bytes()[:120])
    return ("tile", "--images", "chips", "--haze", "-o", "tiles.parquet")


def _chip(name: str, then: str, bring: Callable[[Den], Sequence[object]], *makes: str) -> Animal:
    return Animal("Chips", name, bring, then, makes, command="tile --images")


ANIMALS: tuple[Animal, ...] = (
    _chip(
        "a folder without a picture",
        "chips: no pictures in it; .png, .jpg, .tif … were expected",
        lambda den: ((den.folder / "chips").mkdir(), ("tile", "--images", "chips", "-o", "tiles.parquet"))[1],
    ),
    _chip(
        "no such folder of chips",
        "chips: no such folder; --images wants a folder of chips",
        lambda den: ("tile", "--images", "chips", "-o", "tiles.parquet"),
    ),
    _chip(
        "an empty chip",
        "chips/d.png: the file is empty; a raster was expected, copy or download it again",
        _with(_bytes("d.png", b"")),
    ),
    _chip(
        "a chip that is a page",
        "chips/d.png: is a page (HTML), as servers send it to say what went wrong or to ask "
        "whether one may sign in; open it in a browser, and download the file again",
        _with(_bytes("d.png", b"<!DOCTYPE html><html></html>")),
    ),
    _chip(
        "a chip that is a pointer of Git LFS",
        "chips/d.png: is a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
        _with(_bytes("d.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")),
    ),
    _chip(
        "a chip that is truncated",
        "chips/b.png: cannot be read at rows 0–16: the file is truncated or damaged; copy or download it again",
        _one_dead,
    ),
    _chip(
        "a chip in grey among coloured ones",
        "chips/d.png: uint8 bands band_1, but a.png has uint8 red, green, blue; keep chips of one kind in a folder",
        _with(_picture("d.png", (16, 16), "L")),
    ),
    _chip(
        "a chip with a palette",
        "chips/0.png: its pixels are numbers of a palette, not colours; convert the chips: gdal_translate -expand rgb",
        _with(_picture("0.png", (16, 16), "P")),
    ),
    _chip(
        "a chip with alpha among those without",
        "its alpha is its mask",
        _with(_picture("d.png", (16, 16), "RGBA")),
        "tiles.parquet",
    ),
    _chip(
        "a chip of 16 bit among bytes",
        "chips/d.png: uint16 bands band_1, but a.png has uint8 red, green, blue; keep chips of one kind in a folder",
        _with(_picture("d.png", (16, 16), "I;16")),
    ),
    _chip(
        "chips of different sizes",
        "larger ones are cut, smaller ones mirrored; a warning says so",
        _with(_picture("d.png", (20, 9))),
        "tiles.parquet",
    ),
    _chip(
        "a chip that says it has 100,000 × 100,000 px",
        "chips/d.png: of 100000 × 100000 px is too large for a chip; tile it as a raster",
        _with(_giant),
    ),
    _chip(
        "a link out of the folder of chips",
        "the chip that it leads to",
        _with(lambda den: (den.folder / "chips" / "d.png").symlink_to(den.folder / "chips" / "a.png")),
        "tiles.parquet",
    ),
    _chip(
        "a dangling link among chips",
        "chips/d.png: no such file; a raster was expected",
        _with(lambda den: (den.folder / "chips" / "d.png").symlink_to("nowhere.png")),
    ),
    _chip(
        "a folder that is called like a chip",
        "chips/d.png: is a folder; a raster was expected",
        _with(lambda den: (den.folder / "chips" / "d.png").mkdir()),
    ),
    _chip(
        "a link in a circle among chips",
        "each chip once",
        _with(lambda den: (den.folder / "chips" / "more").symlink_to(den.folder / "chips")),
        "tiles.parquet",
    ),
)
