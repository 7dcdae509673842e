"""A digest that stands in the file it is of, in every format; and what a file says of itself, read from its bytes."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel import files, provenance, raster
from geolabel.grid import Grid
from geolabel.provenance import Input, Made, png
from geolabel.provenance.mark import MARK

_PIXEL = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    for kind, body in (
        (b"IHDR", struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\x7f")),
        (b"IEND", b""),
    )
)
"""One grey pixel, by the book."""


def _made(tmp_path: Path, **options: object) -> Made:
    source = tmp_path / "ein & aus" / "größe.tif"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(b"pixels")
    return Made("test it", options, 7, (Input("raster", source),), {"geolabel": "9.8"}, files.fingerprint)


def _write(path: Path) -> None:
    """A file of the format that its name says, by the writers that commands use."""
    if path.suffix == ".tif":
        grid = Grid("EPSG:32719", Affine(10, 0, 400_000, 0, -10, 8_600_000), 64, 32)
        with raster.write_cog(path, grid, raster.BandStyle(("a",))) as writer:
            writer.write(0, np.full((1, 32, 64), 5, np.uint8))
    elif path.suffix == ".html":
        path.write_text('<!DOCTYPE html>\n<html><head><meta charset="utf-8">\n<title>a</title></head></html>')
    elif path.suffix == ".svg":
        path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="1"><g/></svg>')
    else:
        path.write_bytes(_PIXEL)


@pytest.mark.parametrize("name", ["a.tif", "a.html", "a.svg", "a.png"])
def test_a_file_says_what_made_it_and_knows_when_it_is_changed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir()
    with provenance.making(_made(tmp_path, threshold=0.5, words='<"&\\>')), files.new_file(path) as draft:
        _write(draft)
    told = provenance.read_made(path)
    assert told is not None
    assert (told["command"], told["seed"], told["version"]) == ("test it", 7, "9.8")
    assert told["options"] == {"threshold": 0.5, "words": '<"&\\>'}
    assert told["inputs"] == {
        "raster": [
            {"path": "../ein & aus/größe.tif", "fingerprint": files.fingerprint(tmp_path / "ein & aus/größe.tif")}
        ]
    }
    digests = provenance.sealed(path)
    assert digests is not None
    assert digests[0] == digests[1]
    content = bytearray(path.read_bytes())
    for place in (len(content) - 3, len(content) - 20):
        spoilt = content.copy()
        spoilt[place] ^= 1
        path.write_bytes(spoilt)
        digests = provenance.sealed(path)
        assert digests is None or digests[0] != digests[1]


def test_a_tiff_stays_a_cog_that_names_its_program(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with provenance.making(_made(tmp_path)), files.new_file(path) as draft:
        _write(draft)
    with rasterio.open(path) as dataset:
        assert dataset.tags()["TIFFTAG_SOFTWARE"] == "geolabel 9.8"
        assert json.loads(dataset.tags()["GEOLABEL"])["command"] == "test it"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (dataset.read() == 5).all()


def test_a_png_is_the_picture_it_was() -> None:
    signed = png.with_text(_PIXEL, "geolabel 9.8", "{}")
    assert png.bare(signed) == _PIXEL
    assert png.text_of(signed) == "{}"
    assert png.text_of(_PIXEL) == ""


@given(st.binary(max_size=300), st.binary(max_size=300), st.data())
def test_any_one_bit_counts(tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes, data: st.DataObject):
    """Wherever the mark stands, and but for the digest itself, which then is another."""
    path = tmp_path_factory.mktemp("any") / "a.json"
    path.write_bytes(before + f'"content": "{MARK}"'.encode() + after)
    with provenance.making(_made(path.parent)):
        provenance.finish(path)
    digests = provenance.sealed(path)
    assert digests is not None
    assert digests[0] == digests[1]
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    digests = provenance.sealed(path)
    assert digests is None or digests[0] != digests[1]


def test_a_database_that_is_only_looked_at_is_the_same(tmp_path: Path) -> None:
    """Its bytes change when a journal is used; its rows do not."""
    path = tmp_path / "a.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE layer (id INTEGER PRIMARY KEY, name TEXT)")
        database.executemany("INSERT INTO layer (name) VALUES (?)", [("mine",), (None,)])
    bytes_before, before = path.read_bytes(), provenance.content_digest(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA user_version=3")
    database.commit()
    database.execute("PRAGMA journal_mode=DELETE")
    database.close()
    assert path.read_bytes() != bytes_before
    assert provenance.content_digest(path) == before
    with sqlite3.connect(path) as database:
        database.execute("UPDATE layer SET name = 'mina' WHERE name = 'mine'")
    database.close()
    assert provenance.content_digest(path) != before


def test_without_a_command_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    with files.new_file(path) as draft:
        _write(draft)
    _write(tmp_path / "b.html")
    assert path.read_bytes() == (tmp_path / "b.html").read_bytes()
    assert provenance.read_made(path) is None


def test_what_is_read_and_written_over_is_no_input(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    _write(path)
    made = Made("label", {}, None, (Input("tiles", path),), {}, files.fingerprint)
    with provenance.making(made), files.new_file(path, overwrite=True) as draft:
        _write(draft)
    told = provenance.read_made(path)
    assert told is not None
    assert told["inputs"] == {}


def test_a_text_that_looks_like_a_mark_is_none(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text(f'{{"title": "geolabel-content-{"ab" * 16}", "content": "{MARK}"}}', encoding="utf-8")
    with provenance.making(_made(tmp_path)):
        provenance.finish(path)
    digests = provenance.sealed(path)
    assert digests is not None
    assert digests[0] == digests[1]


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"\0" * 16 + struct.pack("<2Q", 127, 1 << 60) + b"\0" * 90])
def test_tiles_that_are_none_say_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pmtiles").write_bytes(b"PMTiles\x03" + content)
    assert provenance.read_made(tmp_path / "a.pmtiles") is None


def test_metadata_that_swells_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"geolabel": {"a": "' + b" " * (64 << 20) + b'"}}')
    head = b"PMTiles\x03".ljust(24, b"\0") + struct.pack("<2Q", 127, len(packed))
    (tmp_path / "a.pmtiles").write_bytes(head.ljust(127, b"\0") + packed)
    tracemalloc.start()
    try:
        assert provenance.read_made(tmp_path / "a.pmtiles") is None
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "more",
    [
        "CREATE VIEW other AS SELECT 1",
        "CREATE TRIGGER other AFTER INSERT ON a BEGIN SELECT 1; END",
        "CREATE TABLE rtree_x AS SELECT 1",
    ],
)
def test_what_a_database_does_by_itself_counts_as_well(tmp_path: Path, more: str) -> None:
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("CREATE TABLE a (b INTEGER)")
    before = provenance.content_digest(tmp_path / "a.gpkg")
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute(more)
    assert provenance.content_digest(tmp_path / "a.gpkg") != before


def test_a_value_that_swells_is_not_made(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("CREATE TABLE a (b INTEGER, c BLOB GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL)")
        database.execute("INSERT INTO a (b) VALUES (1)")
    with pytest.raises(OSError, match="damaged"):
        provenance.content_digest(tmp_path / "a.gpkg")
