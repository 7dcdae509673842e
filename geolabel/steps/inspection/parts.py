"""Of which files a thing consists: what a picture of it must not be written over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.steps.inspection.folder import part_of
from geolabel.steps.inspection.prediction import source_of
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geolabel.steps.inspection.kinds import Thing


def files_in(thing: Thing) -> tuple[Path, ...]:
    """Files that lie on this disk: the thing itself, what is in it, and the rasters it was made of.

    Raises InputError where a raster or an index cannot be read.
    """
    return tuple(dict.fromkeys(path for path in _named(thing) if path.is_file()))


def _named(thing: Thing) -> Iterator[Path]:
    path = thing.path
    if thing.record is not None:
        yield from path.rglob("*")
        yield from _predicted(thing)
    elif thing.kind == "raster":
        yield from raster.files_of(thing.name)
    elif path.exists():
        yield path
    if thing.kind in ("tiles", "embeddings"):
        for source in read_index(path).sources:
            place = path.parent / source.path
            yield from place.rglob("*") if place.is_dir() else (place,)


def _predicted(thing: Thing) -> Iterator[Path]:
    told = part_of(thing.record or {}, thing.path, "inputs").get("raster")
    if isinstance(told, dict):
        found = source_of(thing.path, str(told.get("path", "")), str(told.get("fingerprint", "")))
        yield from (found,) if found else ()
