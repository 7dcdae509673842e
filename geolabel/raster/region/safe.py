"""Sentinel-2 SAFE: where its bands lie, and what its metadata says of their values."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from geolabel.errors import InputError
from geolabel.raster.region.parts import Product
from geolabel.raster.region.sensors import band_file, finest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_METADATA = re.compile(r"MTD_MSIL(?:1C|2A)\.xml")
_QUANTIFICATION = re.compile(r"<(?:BOA_)?QUANTIFICATION_VALUE[^>]*>\s*([\d.]+)\s*<")
_ADD_OFFSET = re.compile(r"<(?:BOA|RADIO)_ADD_OFFSET\s+band_id=\"(\d+)\"\s*>\s*(-?[\d.]+)\s*<")
_BAND_IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""How the metadata counts bands, from 0."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)
"""What reading a zip file raises; the last two where it is encrypted, or packed in a way of its own."""
_MOST_MEMBERS = 10_000
_MOST_PACKED = 100
_LEAST_BOMB_BYTES = 16 << 20
"""JPEG 2000 is compressed already: in a zip file it becomes hardly smaller."""
_MOST_XML_BYTES = 64 << 20
_BAND = re.compile(r"_(B\d[\dA])(?:_\d+m)?\.\w+$")


def is_safe(folder: Path) -> bool:
    """Whether a folder is a Sentinel-2 product."""
    return folder.suffix.upper() == ".SAFE" or any(_METADATA.fullmatch(path.name) for path in folder.glob("MTD_*.xml"))


def from_folder(folder: Path) -> Product:
    """The bands of a SAFE folder. Raises InputError where it is not whole."""
    root = folder.resolve()
    metadata = [path for path in sorted(root.glob("MTD_*.xml")) if _METADATA.fullmatch(path.name)]
    images = sorted(str(path) for path in root.glob("GRANULE/*/IMG_DATA/**/*") if path.is_file())
    if metadata and metadata[0].stat().st_size > _MOST_XML_BYTES:
        raise InputError(f"{metadata[0]}: is more than {_MOST_XML_BYTES >> 20} MiB of metadata; download it again")
    text = metadata[0].read_text(encoding="utf-8", errors="replace") if metadata else ""
    return _product(str(folder), images, text)


def from_zip(path: Path) -> Product:
    """The bands of a SAFE folder in a zip file, read in place. Raises InputError where there is none in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive.infolist())
            names = archive.namelist()
            metadata = [name for name in names if _METADATA.fullmatch(name.rpartition("/")[2])]
            text = archive.read(metadata[0]).decode("utf-8") if metadata else ""
    except _DAMAGED as error:
        raise InputError(f"{path}: is no zip file that can be read ({error}); copy or download it again") from error
    if not metadata:
        raise InputError(f"{path}: holds no Sentinel-2 product; unpack it and name the rasters in it")
    images = sorted(f"/vsizip/{path.resolve()}/{name}" for name in names if "/IMG_DATA/" in name)
    return _product(str(path), images, text)


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse an archive that unpacks to far more than it is, or of which a name leads out of it. Raises InputError."""
    if len(members) > _MOST_MEMBERS:
        raise InputError(f"{path}: holds {len(members):,} files, and a product some hundred; unpack it yourself")
    for member in members:
        if ".." in member.filename.split("/") or member.filename.startswith("/"):
            raise InputError(f"{path}: holds {member.filename[:80]!r}, which leads out of it; download it again")
        bomb = member.file_size > max(_LEAST_BOMB_BYTES, _MOST_PACKED * member.compress_size)
        if bomb or (_METADATA.fullmatch(member.filename.rpartition("/")[2]) and member.file_size > _MOST_XML_BYTES):
            raise InputError(
                f"{path}: {member.filename[-80:]} would unpack from {member.compress_size / 1e6:,.1f} to "
                f"{member.file_size / 1e6:,.0f} MB; download it again"
            )


def _product(name: str, images: Sequence[str], metadata: str) -> Product:
    layers = finest([file for file in map(band_file, images) if file is not None])
    quantification = _QUANTIFICATION.search(metadata)
    if not layers or quantification is None:
        lack = "the files of its bands in GRANULE/…/IMG_DATA" if not layers else "MTD_MSIL2A.xml (or MTD_MSIL1C.xml)"
        raise InputError(f"{name}: the product lacks {lack}; unpack or download it again")
    one = float(quantification[1])
    offsets = {_BAND_IDS[int(number)]: float(offset) for number, offset in _ADD_OFFSET.findall(metadata)}
    return Product(
        name,
        tuple(replace(each, scale=1 / one, offset=offsets.get(_band(each.source), 0.0) / one) for each in layers),
    )


def _band(source: str) -> str:
    found = _BAND.search(source)
    return found[1].upper() if found else ""
