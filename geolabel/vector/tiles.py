"""Vector tiles in one file: PMTiles, which a web map reads piece by piece from any file server.

Source: PMTiles specification, version 3; Mapbox Vector Tiles 2.1 (4096 units a tile).
"""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import provenance
from geolabel.errors import EmptyError, OutputError
from geolabel.vector.layer import as_multipolygons
from geolabel.vector.ogr import write_ogr
from geolabel.vector.wgs84 import to_wgs84

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.vector.layer import Layer

_UNITS = 4096
_FINE = 16
"""Units of a tile along a side of an outline: so many keep its shape."""
_DEEP, _DEEPEST = 10, 16
"""The highest zoom is between these: 10 m and 0.15 m a unit."""
_HEADER = struct.Struct("<7sB11Q")
"""Magic, version, then offset and length of the root directory, metadata, leaf directories and tiles; three counts."""
_LATER = (4, 6)
"""Which numbers are offsets of what follows the metadata."""


def write_pmtiles(path: Path, layer: Layer) -> None:
    """Write polygons as vector tiles, with their columns; unknown values are left out.

    The lowest zoom shows the whole layer in about one tile, the highest every corner; between them GDAL simplifies.
    Raises EmptyError (nothing to show), CRSError, OutputError (disk full).
    """
    import shapely

    if shapely.is_empty(layer.geometries).all():
        raise EmptyError(f"{path}: there are no features, and tiles need a place; choose another format, or keep more")
    whole = replace(layer, geometries=to_wgs84(as_multipolygons(layer), layer.crs), crs="EPSG:4326")
    lowest, highest = zooms(whole.geometries)
    write_ogr(path, whole, "PMTiles", NAME=layer.name, MINZOOM=str(lowest), MAXZOOM=str(highest))
    told: dict[str, Any] = {"attribution": "; ".join(layer.attribution)} if layer.attribution else {}
    made = provenance.said(path)
    if made or told:
        _sign(path, told | ({provenance.NAME: made} if made else {}))


def zooms(geometries: NDArray[Any]) -> tuple[int, int]:
    """Lowest and highest zoom for geometries (n,) in degrees, by their extent and the median length of their sides."""
    import shapely

    xy, at = shapely.get_coordinates(geometries, return_index=True)
    side = np.diff(xy, axis=0)[at[1:] == at[:-1]]
    side[:, 0] *= np.cos(np.radians(xy[:-1][at[1:] == at[:-1], 1]))
    median = max(float(np.median(np.hypot(side[:, 0], side[:, 1]))), 1e-9)
    highest = int(np.clip(np.ceil(np.log2(360 / _UNITS / (median / _FINE))), _DEEP, _DEEPEST))
    extent = max(float(np.ptp(xy, axis=0).max()), 1e-9)
    return int(np.clip(np.floor(np.log2(360 / extent)), 0, highest)), highest


def _sign(path: Path, told: dict[str, Any]) -> None:
    """Put the attribution, which maps show in their corner, and what made it into the metadata: GDAL has no option."""
    content = path.read_bytes()
    magic, version, *numbers = _HEADER.unpack_from(content)
    start, length = numbers[2:4]
    metadata = json.loads(gzip.decompress(content[start : start + length]))
    signed = gzip.compress(json.dumps({**metadata, **told}, ensure_ascii=False).encode(), mtime=0)
    numbers[3] = len(signed)
    for place in _LATER:
        numbers[place] += len(signed) - length
    head = _HEADER.pack(magic, version, *numbers) + content[_HEADER.size : start]
    try:
        path.write_bytes(head + signed + content[start + length :])
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error
