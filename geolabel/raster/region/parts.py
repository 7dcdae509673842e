"""What the inputs of a region come down to: rasters as they are, and products whose bands are files of their own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel.raster import door

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Plain:
    """A raster that has all its bands itself."""

    source: str
    """What GDAL calls it: an absolute path, or /vsi…."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One band of a product."""

    name: str
    """Lower case."""
    source: str
    """What GDAL calls the file in which it lies."""
    index: int = 1
    """Position in that file, from 1."""
    scale: float | None = None
    """Physical value = stored value × scale + offset; None where the file itself is to be believed."""
    offset: float | None = None
    nodata: float | None = None
    """Value that means "nothing was seen here"; None where the file itself is to be believed."""


@dataclass(frozen=True, slots=True)
class Product:
    """A scene whose bands come from several files, or are described beside them."""

    name: str
    """What errors call it."""
    layers: tuple[Layer, ...]


@contextmanager
def opened(source: str) -> Iterator[Any]:
    """Open what GDAL calls `source`; what lies on this machine is looked at first. Raises InputError."""
    with door.dataset(source if source.startswith("/vsi") else Path(source)) as dataset:
        yield dataset
