"""Which vector files GDAL may open: those whose content is a format that holds its features itself.

GDAL chooses a driver by what a file begins with, not by its name. Some of its formats are no data but directions:
virtual layers (OGR VRT), pipelines (GDALG) and descriptions of services (WFS) lead to other files, databases and
addresses. A file from a stranger must not: it is looked at here first, and given to GDAL only where it is known to be
none of these. An XML file that defines entities is refused, too: they can be made to fill the memory.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.parsers import expat

from geolabel import files
from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD_BYTES = 1 << 20
"""How much is looked at: more than GDAL looks at before it chooses a driver."""
_PART_BYTES = 1 << 12
_PARQUET = b"PAR1"
_MAGIC = (b"SQLite format 3\0", b"fgb\x03fgb", b"\0\0\x27\x0a", _PARQUET)
"""How a GeoPackage, a FlatGeobuf and a Shapefile begin, and a Parquet file."""
_ZIP = b"PK\x03\x04"
_MOST_MEMBERS, _MOST_UNPACKED, _MOST_RATIO = 1_000, 1 << 30, 100
"""Of an archive: files, and bytes unpacked where these are so many times its own."""
_OSM_HEADER = b"OSMHeader"
_OSM_WITHIN = 32
"""Bytes from the start within which an OSM extract names its first blob."""
_ROOTS = {"kml", "gpx", "osm", "rss", "feed", "jcsdatafile"}
"""Root elements of KML, GPX, OSM, GeoRSS and JML, in small letters. GDAL writes beside a GML that it reads."""
_TABLES = {".csv", ".tsv", ".dxf", ".mif", ".geojsonl", ".geojsons"}
"""Endings of formats that are text without a sign of their own."""
_JSON = (b"{", b"[", b"\x1e")
_DIRECTIONS = re.compile(rb"<ogrvrtdatasource|<ogrwfsdatasource|<ogrcswdatasource|gdal_streamed_alg|_capabilities\b")
"""Words by which GDAL knows what is no data but says where data are."""
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks."""
_MISREAD = re.compile(r"[!\x00-\x1f\x7f]|;[^/]*$|^/vsi|^[A-Za-z][\w+.-]*:")
"""Parts of names that GDAL, or the library in front of it, takes for directions: a driver, an archive, parameters."""


def check(path: Path) -> None:
    """Refuse a file that is not there, or that GDAL must not be given. Raises InputError."""
    files.check_readable(path, "a vector file")
    if _is_misread(path):
        raise InputError(f"{path}: a ':', a '!', a ';' or a line break in its name would mislead GDAL; rename it")
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    _check_directions(path, head)
    _check_log(path)
    text = _text(head)
    if head.startswith(_ZIP):
        _check_archive(path)
    elif head.startswith(_MAGIC) or _OSM_HEADER in head[:_OSM_WITHIN] or text.startswith(_JSON):
        return
    elif text.startswith(b"<"):
        root = _root(path, head)
        if root.rpartition(":")[2].lower() not in _ROOTS:
            raise _no_features(path, f" (its root element is {root!r})" if root else "")
    elif path.suffix.lower() not in _TABLES:
        raise _no_features(path)


def _is_misread(path: Path) -> bool:
    return bool(_MISREAD.search(str(path)) or _MISREAD.search(str(path.absolute())))


@contextmanager
def plainly_named(path: Path) -> Iterator[Path]:
    """The path under which GDAL writes a file: itself, or a link to it where its name would be misread."""
    if not _is_misread(path):
        yield path
        return
    with files.scratch() as work:
        link = work / f"layer{path.suffix}"
        link.symlink_to(path.absolute())
        yield link


def is_parquet(path: Path) -> bool:
    """Whether a file that is there is one of Parquet, whatever it is called."""
    with path.open("rb") as stream:
        return stream.read(len(_PARQUET)) == _PARQUET


def _check_directions(path: Path, head: bytes) -> None:
    # GDAL, too, takes a file's beginning for text up to the first zero
    if _DIRECTIONS.search(head.partition(b"\0")[0].lower()):
        raise _refused(path, "says where other data are (a virtual layer, a pipeline or a service)")


def _check_log(path: Path) -> None:
    """Refuse a database whose newest rows stand in a log beside it: to read these, GDAL would write into it."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise InputError(
            f"{path}: is at work in another program, or was when that was killed ({log.name} lies beside it); close it "
            f"there, or make a copy: ogr2ogr copy.gpkg {path}"
        )


def _text(head: bytes) -> bytes:
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.lstrip(b"\0 \t\r\n")


def _check_archive(path: Path) -> None:
    """Refuse an archive of which a member leads elsewhere, or that would unpack to far more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > _MOST_MEMBERS or size > max(_MOST_UNPACKED, _MOST_RATIO * path.stat().st_size):
                raise InputError(
                    f"{path}: unpacks to {len(members):,} files of {size:,} bytes and is not opened; unpack it yourself"
                )
            for member in members:
                with archive.open(member) as stream:
                    head = stream.read(_HEAD_BYTES)
                _check_directions(path, head)
                if _text(head).startswith(b"<"):
                    _root(path, head)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: is an archive that cannot be unpacked ({error}); get it again") from error


def _root(path: Path, head: bytes) -> str:
    """Name of the root element of XML, empty where there is none. Raises InputError where it defines entities."""
    roots: list[str] = []
    entities: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: roots.append(name)
    parser.EntityDeclHandler = lambda name, *_: entities.append(name)
    parts = (head[at : at + _PART_BYTES] for at in range(0, len(head), _PART_BYTES))
    try:
        while not roots and not entities and (part := next(parts, b"")):
            parser.Parse(part)
    except expat.ExpatError as error:
        if not roots and not entities:
            raise InputError(f"{path}: is not XML ({error}), or is damaged; get it again") from error
    if entities:
        raise entities_refused(path)
    return roots[0] if roots else ""


def entities_refused(path: Path) -> InputError:
    """What is said of XML that defines entities: they can fill the memory, or name other files."""
    return _refused(path, "defines XML entities, which no file of features needs,")


def _no_features(path: Path, why: str = "") -> InputError:
    return InputError(
        f"{path}: is not a vector file that geolabel reads (GeoPackage, Shapefile, GeoJSON, FlatGeobuf, KML, OSM …)"
        f"{why}, or it is truncated; check it with ogrinfo, convert it with ogr2ogr out.gpkg {path}"
    )


def _refused(path: Path, why: str) -> InputError:
    return InputError(f"{path}: {why} and is not opened; if you trust it, make a plain file: ogr2ogr out.gpkg {path}")
