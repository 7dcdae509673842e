"""A layer: geometries with columns, on its way to a file or out of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layer:
    """Geometries with columns, ready to be written."""

    name: str
    geometries: NDArray[Any]
    """(n,) shapely geometries in `crs`."""
    columns: Mapping[str, NDArray[Any]]
    """Name → (n,) values: text (object), numbers, or days (datetime64[D]); None, NaN and NaT are "not known"."""
    crs: str
    kind: Literal["Polygon", "MultiPolygon", "LineString", "Point"] = "MultiPolygon"
    about: str = ""
    """What a GeoPackage says of it: whose data it is, say. QGIS shows it among the layer's properties."""
    attribution: tuple[str, ...] = ()
    """Whose data it is made of; every format has a place for it."""


def as_multipolygons(layer: Layer) -> NDArray[Any]:
    """The geometries (n,) of one kind: polygons as multipolygons where the layer says so, others as they are."""
    import numpy as np
    import shapely

    if layer.kind != "MultiPolygon" or not len(layer.geometries):
        return layer.geometries
    parts, owner = shapely.get_parts(layer.geometries, return_index=True)
    parts, owner = parts[~shapely.is_empty(parts)], owner[~shapely.is_empty(parts)]
    found = np.full(len(layer.geometries), shapely.MultiPolygon(), dtype=object)
    owners = np.unique(owner)
    found[owners] = shapely.multipolygons(parts, indices=np.searchsorted(owners, owner))
    return found
