"""Of which files on this disk a raster is made: what must not be written over."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel.raster.profile import read_profile
from geolabel.raster.region.inputs import expand
from geolabel.raster.region.parts import Plain

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_of(name: str) -> tuple[Path, ...]:
    """Files behind whatever makes a raster: those of a folder or a pattern, sidecars, what a VRT is made of.

    None of what lies elsewhere. Raises InputError where it cannot be read.
    """
    return tuple(dict.fromkeys(path for path in _named(name) if path.is_file()))


def _named(name: str) -> Iterator[Path]:
    if "://" in name or name.startswith("/vsi"):
        return
    if Path(name).is_dir():
        yield from Path(name).rglob("*")
    yield from map(Path, glob.glob(name, recursive=True))  # noqa: PTH207 - takes absolute patterns
    for part in expand([name]):
        sources = [part.source] if isinstance(part, Plain) else [layer.source for layer in part.layers]
        for source in map(Path, sources):
            if source.is_file():
                yield source
                yield from map(Path, read_profile(source).files)
