"""The frame of OSM's PBF files, made byte by byte, and a real one broken in every way."""

from __future__ import annotations

import re
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import vector
from geolabel.errors import InputError
from geolabel.vector.pbf import pbf_date

DAY = 1_620_246_103
"""2021-05-05T20:21:43Z, seconds since 1970."""


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def blob(kind: bytes, content: bytes, *, packed: bool = True) -> bytes:
    """Length of its header, the header, the blob."""
    body = number(2, len(content)) + text(3, zlib.compress(content)) if packed else text(1, content)
    header = text(1, kind) + number(3, len(body))
    return len(header).to_bytes(4, "big") + header + body


def header(seconds: int | None = DAY) -> bytes:
    """A HeaderBlock: what a reader must know, who wrote it, and when the data were taken."""
    date = b"" if seconds is None else number(32, seconds)
    return text(4, b"OsmSchema-V0.6") + text(4, b"DenseNodes") + text(16, b"a test") + date + number(33, 7)


def date_of(tmp_path: Path, *blobs: bytes) -> str | None:
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(b"".join(blobs))
    return pbf_date(path)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("seconds", "date"),
    [(DAY, "2021-05-05"), (86_399, "1970-01-01"), (86_400, "1970-01-02"), (1_709_251_199, "2024-02-29"), (None, None)],
)
def test_the_date_in_the_header(tmp_path: Path, seconds: int | None, date: str | None, packed: bool) -> None:
    blobs = blob(b"OSMHeader", header(seconds), packed=packed), blob(b"OSMData", b"\x0a\x00" * 99)
    assert date_of(tmp_path, *blobs) == date
    assert date_of(tmp_path, blobs[0]) == date


@given(st.dates())
def test_every_day_comes_back(tmp_path_factory: pytest.TempPathFactory, day) -> None:
    seconds = (day.toordinal() - 719_163) * 86_400
    found = date_of(
        tmp_path_factory.mktemp("pbf"), blob(b"OSMHeader", header(seconds + 43_200 if seconds >= 0 else None))
    )
    assert found == (day.isoformat() if seconds >= 0 else None)


@pytest.mark.parametrize("seconds", [2**40, 2**62])
def test_a_date_that_is_none_is_not_told(tmp_path: Path, seconds: int) -> None:
    assert date_of(tmp_path, blob(b"OSMHeader", header(seconds))) in (None, "36812-02-20")


def test_a_header_that_is_none_says_no_date(tmp_path: Path) -> None:
    assert date_of(tmp_path, blob(b"OSMHeader", b"\xff\xff\xff")) is None
    assert date_of(tmp_path, blob(b"OSMHeader", text(4, b"x") + number(32, DAY)[:-1])) is None


WHOLE = b"".join(
    [
        blob(b"OSMHeader", header()),
        *(blob(b"OSMData", bytes([at]) * 500) for at in range(5)),
        blob(b"OSMData", b"z" * 9),
    ]
)


def ends() -> set[int]:
    """Where a blob ends: a file cut there is one that is shorter."""
    sizes = [len(blob(b"OSMHeader", header())), *(len(blob(b"OSMData", bytes([at]) * 500)) for at in range(5))]
    return set(np.cumsum(sizes).tolist())


def test_a_file_that_breaks_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.osm.pbf"
    for size in range(1, len(WHOLE)):
        path.write_bytes(WHOLE[:size])
        if size in ends():
            assert pbf_date(path) == "2021-05-05"
            continue
        with pytest.raises(InputError) as caught:
            pbf_date(path)
        last = max((end for end in ends() if end < size), default=0)
        assert str(caught.value) == f"{path}: breaks off, or is damaged, at byte {last} of {size}; get it again"


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=12))
def test_damage_is_refused_or_does_no_harm(tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes) -> None:
    path = tmp_path_factory.mktemp("pbf") / "a.osm.pbf"
    path.write_bytes(WHOLE[:at] + damage + WHOLE[at + len(damage) :])
    said: list[str] = []
    try:
        said.append(pbf_date(path) or "no date")
    except InputError as error:
        said.append(str(error).removeprefix(f"{path}: "))
    assert re.fullmatch(
        r"\d{4,}-\d\d-\d\d|no date|breaks off, or is damaged, at byte [\d,]+ of [\d,]+; get it again", said[0]
    )


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_end_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("pbf") / "a.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"breaks off, or is damaged, at byte 0 of {len(content)}; get it again"):
        pbf_date(path)


def test_a_blob_that_swells_is_refused(tmp_path: Path) -> None:
    """Forty kilobytes that would become forty megabytes."""
    with pytest.raises(InputError, match="damaged, at byte 0"):
        date_of(tmp_path, blob(b"OSMHeader", bytes(40 << 20)))


def test_a_web_page_in_the_place_of_a_download(tmp_path: Path) -> None:
    (tmp_path / "a.osm.pbf").write_text("<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>\n" * 9)
    with pytest.raises(InputError, match=r"a\.osm\.pbf: breaks off, or is damaged, at byte 0 of 630; get it again"):
        vector.osm_date(tmp_path / "a.osm.pbf")


def test_a_real_extract(shared_data: Path) -> None:
    """As its own header says, read by another program."""
    path = shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"
    assert pbf_date(path) == "2021-05-05"
    osmium = pytest.importorskip("osmium")
    with osmium.io.Reader(str(path)) as reader:
        assert str(reader.header().get("osmosis_replication_timestamp")).startswith("2021-05-05")


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ('<osm version="0.6" timestamp="2020-02-03T04:05:06Z">', "2020-02-03"),
        ('<osm version="0.6"><meta osm_base="2023-10-11T00:00:00Z"/>', "2023-10-11"),
        ('<osm version="0.6"><bounds minlat="1" minlon="2" maxlat="3" maxlon="4"/>', None),
        ('<osm version="0.6">', None),
    ],
)
def test_the_date_of_an_xml_extract(tmp_path: Path, head: str, date: str | None) -> None:
    """Its head's, as Overpass and Osmosis write it, not a node's."""
    path = tmp_path / "a.osm"
    path.write_text(
        f'<?xml version="1.0"?>\n{head}\n<node id="1" timestamp="2019-01-01T00:00:00Z" lat="0" lon="0"/></osm>'
    )
    assert vector.osm_date(path) == date


def test_gdal_reads_what_is_taken_for_whole(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"
    every = lambda table: np.ones(table.num_rows, bool)  # noqa: E731 - all may stay
    with vector.open_osm(path, ["landuse"], ["landuse"], every) as (layer,):
        found = layer.read((-180, -90, 180, 90), "EPSG:4326")
    ogrinfo = [
        "ogrinfo",
        "-q",
        "-dialect",
        "sqlite",
        "-sql",
        "select count(*) from multipolygons where landuse is not null",
    ]
    try:
        done = subprocess.run([*ogrinfo, str(path)], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("ogrinfo is not here")
    assert f"= {found.table.num_rows}" in done.stdout
