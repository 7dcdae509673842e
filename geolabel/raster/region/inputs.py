"""From what a user names to rasters and products: files, folders, globs, SAFE, STAC and addresses."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from geolabel.errors import EmptyError, InputError
from geolabel.raster import remote, trust
from geolabel.raster.region import safe, stac
from geolabel.raster.region.parts import Plain, Product
from geolabel.raster.region.sensors import gather_bands

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUFFIXES = {".tif", ".tiff", ".jp2", ".vrt", ".img"}
"""Rasters that are looked for in a folder; others are named one by one, or by a glob."""
_STAC_ITEM = re.compile(r"/collections/[^/]+/items(/[^/]+)?/?$")


def expand(inputs: Sequence[str]) -> list[Plain | Product]:
    """All rasters and products that inputs name, in their order. Raises InputError, EmptyError (folder, glob)."""
    return gather_bands([part for text in inputs for part in _expand(text.strip())])


def _expand(text: str) -> Sequence[Plain | Product]:
    if not text:
        raise InputError("an input has no name; name a raster, a folder, a STAC file or an address")
    if remote.is_remote(text):
        return stac.read(text) if _is_stac(text) else [Plain(remote.gdal_name(text))]
    if text.startswith("/vsi"):
        trust.check_name(text)
        return [Plain(text)]
    path = Path(text).expanduser()
    if path.exists():
        return _local(path)
    if glob.has_magic(text):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - takes absolute patterns
        if not matches:
            raise EmptyError(f"{text}: matches no file; look for a slip in it")
        return [part for match in matches for part in _local(Path(match))]
    raise InputError(
        f"{remote.shown(text)}: no such file or folder; a raster, a folder, a glob, a STAC file or an address was "
        "expected"
    )


def _is_stac(text: str) -> bool:
    path = urlsplit(text).path
    return path.lower().endswith((".json", ".geojson")) or bool(_STAC_ITEM.search(path))


def _local(path: Path) -> Sequence[Plain | Product]:
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in {".json", ".geojson"}:
        return stac.read(str(path))
    if path.suffix.lower() == ".zip":
        return [safe.from_zip(path)]
    if path.suffix.lower() == ".xml" and safe.is_safe(path.parent):
        return [safe.from_folder(path.parent)]
    return [Plain(str(path.resolve()))]


def _folder(folder: Path) -> Sequence[Plain | Product]:
    """The rasters and products of a folder; where it holds none itself, those of the folders in it."""
    found = _in_folder(folder)
    if not found:
        raise EmptyError(
            f"{folder}: the folder holds no raster ({', '.join(sorted(_SUFFIXES))}); "
            "name those of another kind by a glob in quotes"
        )
    return found


def _in_folder(folder: Path) -> list[Plain | Product]:
    if safe.is_safe(folder):
        return [safe.from_folder(folder)]
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    folders = [entry for entry in entries if entry.is_dir()]
    found: list[Plain | Product] = [
        Plain(str(entry.resolve())) for entry in entries if entry.suffix.lower() in _SUFFIXES and entry.is_file()
    ]
    found += [safe.from_folder(entry) for entry in folders if safe.is_safe(entry)]
    return found or [part for entry in folders for part in _in_folder(entry)]
