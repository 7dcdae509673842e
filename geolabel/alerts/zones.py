"""Areas with names: protected areas, indigenous territories, administrative units, as agencies publish them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import vector
from geolabel.alerts import place
from geolabel.alerts.overlap import polygonal
from geolabel.errors import InputError, listed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.vector import Layer

_NAME_FIELDS = (
    "name",  # WDPA, OpenStreetMap, Natural Earth
    "terrai_nom",  # FUNAI: indigenous territories
    "nome_uc",  # CNUC, ICMBio: conservation units
    "nm_mun",  # IBGE: municipalities
    "nm_uf",
    "name_3",  # GADM, the smallest units first
    "name_2",
    "name_1",
    "shapename",  # geoBoundaries
    "nam",  # VMap, MapBiomas
    "nome",
    "nombre",
    "nom",
    "orig_name",
    "name_en",
    "country",
)
"""Where names stand, in any case, the first that is there."""
_UNNAMED = "unnamed"
_SIDE = 0.01
"""How long a side may be to be straight on a plane as well, degrees."""


@dataclass(frozen=True, slots=True)
class Zones:
    """n areas with names; they may overlap, and several may bear one name."""

    geometries: NDArray[Any]
    """(n,) valid polygons in `crs`."""
    names: NDArray[Any]
    """(n,) strings."""
    crs: str

    def __post_init__(self) -> None:
        if len(self.geometries) != len(self.names):
            raise ValueError(f"{len(self.geometries)} geometries, {len(self.names)} names")


def read_zones(path: Path, layer: Layer, name_field: str | None = None) -> Zones:
    """The zones of a vector file around the alerts of a layer, cut to the box in which these lie, in EPSG:4326.

    Names are those of `name_field`, else of a field in which agencies keep them. Raises InputError (missing,
    unreadable, no such field), CRSError (no CRS), EmptyError (no features).
    """
    field = name_field_of(path, name_field)
    found = [_in_box(path, field, box) for box in place.boxes(layer.geometries, layer.crs)]
    geometries = np.concatenate([np.zeros(0, dtype=object), *(shapes for shapes, _ in found)])
    names = np.concatenate([np.zeros(0, dtype=object), *(texts for _, texts in found)])
    return Zones(geometries, names, place.WGS84)


def name_field_of(path: Path, wanted: str | None = None) -> str:
    """The field in which the names of zones stand. Raises InputError (missing, unreadable, no such field)."""
    fields: list[str] = vector.look(path, None, None)[1]["fields"].tolist()
    known = {field.lower(): field for field in reversed(fields)}
    candidates = _NAME_FIELDS if wanted is None else (wanted.lower(),)
    found = next((known[name] for name in candidates if name in known), None)
    if found is None:
        missing = "that is known to hold names" if wanted is None else repr(wanted)
        raise InputError(f"{path}: no field {missing}; there are {listed(fields)}. Say which one names an area")
    return found


def _in_box(path: Path, field: str, box: tuple[float, float, float, float]) -> tuple[NDArray[Any], NDArray[Any]]:
    features = vector.read_features(path, place.WGS84, field=field, within=box)
    edge = shapely.box(*box)
    shapely.prepare(edge)
    geometries = features.geometries.copy()
    beyond = ~shapely.covers(edge, geometries)
    geometries[beyond] = shapely.intersection(geometries[beyond], edge)
    geometries = np.asarray(shapely.segmentize(polygonal(geometries), _SIDE), dtype=object)
    names = np.array([text.strip() or _UNNAMED for text in features.values.tolist()], dtype=object)
    inside = ~shapely.is_empty(geometries)
    return geometries[inside], names[inside]
