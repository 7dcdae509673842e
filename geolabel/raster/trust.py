"""What a raster from a stranger may lead to: itself, its sidecars, and what lies in its folder.

GDAL chooses a driver by what a file says, not by its name, and some of its formats are no pixels but directions: to
other files, to servers. So a file is opened by drivers that hold their pixels themselves, and a VRT is looked through
before GDAL is given it. `allow_remote` lifts all of that.

VRTs that this process wrote are made of what was looked at before. A tile index names its rasters, in the open: what
it names may lie anywhere, on a disk or at an address, and be nothing but rasters still.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel.errors import InputError
from geolabel.raster import archived, beside, imagine, remote
from geolabel.raster.cited import cited
from geolabel.raster.state import State, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVERS = (
    *("GTiff", "JP2OpenJPEG", "PNG", "JPEG", "WEBP", "GIF", "BIGGIF", "BMP", "ENVI", "EHdr", "NITF"),
    *("GPKG", "MBTiles", "SRTMHGT", "AAIGrid", "DTED", "GRIB", "USGSDEM", "XYZ", "PNM", "SAGA"),
    *("JP2ECW", "JP2KAK", "JP2MrSID", "LERC", "COG"),
)
"""Of GDAL, those whose files hold their pixels themselves, or in a file of the same name beside them."""
_LOCAL = ("VRT", "netCDF", "HFA")
"""Those whose files are looked into before GDAL is given them, which takes a file on this machine."""
_VIRTUAL = b"<VRTDataset"
_HDF5 = b"\x89HDF\r\n\x1a\n"
"""Its data sets may lie in any other file (external storage, virtual data sets); netCDF-4 is HDF5, too."""
_ALLOWED, _YES = "GEOLABEL_ALLOW_REMOTE", "1"
_PLAIN = (
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\x89PNG", b"\xff\xd8\xff"),
    *(b"NITF", b"NSIF", b"CDF\1", b"CDF\2", b"CDF\5", b"SQLite format 3\0", b"RIFF"),
    *(b"GIF8", b"BM", b"GRIB", b"ncols", b"NCOLS", b"UHL1", b"P5", b"P6"),
)
"""How files of such formats begin. What begins otherwise, GDAL could take for anything."""
_DIRECTIONS = re.compile(
    rb"<GDAL_W|<WCS_GDAL|<GDALTileIndex|gdal_streamed_alg|_Capabilities\b|<MRF_META|\"stac_version\"|<KMZ|<kml\b",
    re.IGNORECASE,
)
"""By what GDAL knows files that say where rasters are."""
_INDEX = re.compile(r"\.gti(?:\.\w+)?$", re.IGNORECASE)
"""By which names it takes a table for an index of tiles."""
_PDF = b"%PDF"
_INSIDE = re.compile(
    r'GTIFF_DIR:\d+:(?P<page>[^":]+)|GPKG:(?P<quote>"?)(?P<base>[^":]+)(?P=quote):[A-Za-z_][\w.-]*', re.IGNORECASE
)
"""A part of a file, as GDAL names it. No colon in the file's name: GDAL might part it elsewhere."""
_ARCHIVE = re.compile(r"/vsi(?:zip|tar|gzip)/(?P<file>[^{}]*?\.(?:zip|tar|tgz|tar\.gz|gz|kmz))(?:/.*)?", re.IGNORECASE)
_ZIPPED = re.compile(r"/vsizip/(?P<file>[^{}]*?\.zip)/.+", re.IGNORECASE)
"""The only archives that a VRT may name: geolabel's own name products so."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_+.-]+:")
_REMEDY = "give --allow-remote if you trust it"

_written: set[State] = set()
_named: set[State] = set()
_turn = threading.Lock()
_allowing = 0
"""How many callers allow it at this moment, in all threads: what a raster needs is read by several."""
_told = False
"""Whether the environment says so because of them."""


def is_allowed() -> bool:
    """Whether rasters may lead to networks, and out of their folders."""
    return _allowing > 0 or os.environ.get(_ALLOWED) == _YES


@contextmanager
def allow_remote() -> Iterator[None]:
    """Let rasters lead to networks and out of their folders meanwhile, in this process and those that it starts."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(more: int) -> None:
    """One caller more or less; what is started meanwhile is told by the environment, unless the user did so."""
    global _allowing, _told  # noqa: PLW0603 - threads that read do not share a context
    with _turn:
        if _allowing == 0 and _ALLOWED not in os.environ:
            os.environ[_ALLOWED] = _YES
            _told = True
        _allowing += more
        if _allowing == 0 and _told:
            os.environ.pop(_ALLOWED, None)
            _told = False


def wrote(path: Path) -> None:
    """Take note that a VRT is of this process's making: of what was looked at one by one."""
    _written.add(state_of(path))


def named(path: Path) -> None:
    """Take note that a tile index names this raster: what it is made of may lie elsewhere, too."""
    _named.add(state_of(path))


def drivers(path: Path | str) -> list[str] | None:
    """The drivers that may open a raster; None for any."""
    if is_allowed():
        return None
    return [*DRIVERS, *_LOCAL] if isinstance(path, Path) else list(DRIVERS)


def check(path: Path) -> bool:
    """Refuse a raster on this machine that leads elsewhere; give back whether it takes anything from a network.

    Raises InputError.
    """
    state = state_of(path)
    real = state[0]
    if is_allowed() or state in _written:
        return True
    walk = _Walk(path, real.parent, free=state in _named)
    walk.file(path, ())
    return bool(walk.addresses)


def is_looked_into(path: Path) -> bool:
    """Whether a file is of a kind that may be refused for what it leads to."""
    head = beside.head(path)
    return _VIRTUAL in head or _HDF5 in head or head.startswith(imagine.BEGINS)


def check_overviews(path: Path, dataset: Any) -> None:
    """Refuse an open raster that says by a tag, in it or beside it, that its overviews lie elsewhere."""
    name = dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE", "")
    if not name or is_allowed():
        return
    where = Path(f"{path}{name.removeprefix(':::BASE:::')}") if name.startswith(":::BASE:::") else path.parent / name
    inside = where.resolve().parent in (path.resolve().parent, path.parent.resolve())
    if "/" in name or "\\" in name or not inside or not beside.head(where).startswith(beside.OVERVIEWS):
        raise InputError(f"{path}: takes its overviews from {remote.shown(name)}; {_REMEDY}, or remove that tag")


def check_name(name: str) -> None:
    """Refuse a name of GDAL's own, `/vsi…`, but for those of files in archives and of addresses. Raises InputError."""
    if is_allowed():
        return
    if name.startswith("/vsi") and not _ARCHIVE.fullmatch(name) and not remote.is_web(name):
        raise InputError(
            f"{remote.shown(name)}: is no file and no address (https://, s3://, gs://, az://, or /vsizip/ of a file); "
            f"{_REMEDY}, or name the file itself"
        )
    if _ZIPPED.fullmatch(name):
        archived.check(name)


@dataclass(slots=True)
class _Walk:
    """What one raster is made of, file by file."""

    shown: Path
    root: Path
    """Folder in which all has to lie, links followed."""
    free: bool
    """Whether it may lie anywhere, and at an address."""
    addresses: int = 0

    def file(self, given: Path, above: tuple[Path, ...]) -> None:
        """Check a file, its sidecars, and what it is made of; `above` are the VRTs through which it came."""
        path = given.resolve()
        if path in above:
            raise InputError(f"{self.shown}: is made of itself, by way of {path.name}; write it anew: gdalbuildvrt")
        if above and path.is_dir():
            raise InputError(f"{self.shown}: reads {path}, which is a folder; {_REMEDY}, or name its files")
        if above and not path.is_file():
            what = "which is a device or a pipe" if path.exists() else "which is not there"
            raise InputError(f"{self.shown}: reads {path}, {what}; copy it there again, or make the VRT anew")
        for each in dict.fromkeys((given, path)):  # GDAL looks where the link lies
            roots = () if self.free else (self.root, given.parent.resolve())
            beside.check(each, each if above else self.shown, roots)
        head = beside.head(path)
        if _VIRTUAL in head:
            for source in cited(path, path if above else self.shown):
                self._part(source.name, path.parent if source.beside else Path(), (*above, path))
        elif _says_where(head) or any(_INDEX.search(each.name) for each in (given, path)):
            raise InputError(
                f"{self.shown}: {_by(path, above)}says where a raster is (a service, a pipeline, an index of tiles), "
                f"and holds none; {_REMEDY}, or name the rasters themselves"
            )
        elif elsewhere := _elsewhere(path, head):
            raise InputError(
                f"{self.shown}: {_by(path, above)}is {elsewhere}; {_REMEDY}, or make a GeoTIFF of it: gdal_translate"
            )
        elif above and not head.startswith((*_PLAIN, imagine.BEGINS)):
            self._refuse_kind(path)

    def _part(self, name: str, base: Path, above: tuple[Path, ...]) -> None:
        if remote.is_web(name):
            self.addresses += 1
            if not self.free:
                raise InputError(f"{self.shown}: takes {remote.shown(name)} from a network; {_REMEDY}")
            return
        zipped = _ZIPPED.fullmatch(name)
        found = _INSIDE.fullmatch(name)
        if not (zipped or found) and (not name or name.startswith(("/vsi", "<", "{")) or _is_directions(name)):
            raise InputError(
                f"{self.shown}: reads {remote.shown(name)}, which is neither a file nor an address that geolabel "
                f"follows; {_REMEDY}"
            )
        given = Path(zipped["file"]) if zipped else base / ((found["page"] or found["base"]) if found else name)
        real = given.resolve()
        if not self.free and not real.is_relative_to(self.root):
            raise InputError(
                f"{self.shown}: reads {real}, outside its folder; {_REMEDY}, or put the rasters into one folder"
            )
        if zipped is None:
            self.file(given, above)
        elif not real.is_file() or not archived.head(name).startswith(_PLAIN):
            self._refuse_kind(name)
        else:
            archived.check(name)

    def _refuse_kind(self, name: Path | str) -> None:
        raise InputError(
            f"{self.shown}: reads {name}, of a kind that geolabel does not follow; {_REMEDY}, or make a GeoTIFF of it: "
            "gdal_translate"
        )


def _elsewhere(path: Path, head: bytes) -> str:
    """What a file is whose pixels are another's, or may be; empty where they are its own."""
    if _HDF5 in head:
        return "HDF5, whose pixels may be any other file's"
    if head.startswith(imagine.BEGINS) and imagine.leads_elsewhere(path):
        return "Erdas Imagine with pixels or overviews in another file"
    return ""


def _is_directions(name: str) -> bool:
    """Whether GDAL may take a name for something else, even where a file has that name."""
    return "://" in name or _WORD.match(name) is not None


def _says_where(head: bytes) -> bool:
    """Whether GDAL could take a file for one that says where rasters are; four letters stand in pixels by chance."""
    return _DIRECTIONS.search(head) is not None or (_PDF in head and not head.startswith(_PLAIN))


def _by(path: Path, above: tuple[Path, ...]) -> str:
    return f"by way of {path.name} it " if above else ""
