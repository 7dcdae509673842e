"""Whose land alerts lie on: protected areas with hectares, administrative units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.alerts import place
from geolabel.alerts.overlap import groups, in_small_parts, polygonal
from geolabel.vector.read import repair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.alerts.zones import Zones
    from geolabel.vector import Layer

_BETWEEN = "; "
_M2_PER_HA = 10_000.0


def protected(layer: Layer, zones: Zones) -> Layer:
    """The alerts with `protected_name`, joined by "; " by falling hectares, and `protected_ha`.

    Where zones overlap, a place counts once. Areas are ellipsoidal, and never more than `area_ha`.
    """
    found = _shares(layer, zones)
    hectares = np.zeros(len(layer.geometries))
    for alert, rows in groups(found.alert):
        hectares[alert] = _union_ha(found.pieces[rows])
    names = np.full(len(hectares), "", dtype=object)
    for alert, rows in groups(found.alert_of_name):
        by_area = rows[np.lexsort((found.name[rows].astype(str), -found.area_ha[rows]))]
        names[alert] = _BETWEEN.join(found.name[by_area].tolist())
    inside = np.minimum(hectares.round(place.HA_DECIMALS), layer.columns["area_ha"])
    return replace(layer, columns={**layer.columns, "protected_name": names, "protected_ha": inside})


def admin(layer: Layer, units: Zones) -> Layer:
    """The alerts with `admin`: the unit in which most of each lies, "" where none is."""
    found = _shares(layer, units)
    names = np.full(len(layer.geometries), "", dtype=object)
    for alert, rows in groups(found.alert_of_name):
        names[alert] = found.name[rows[np.lexsort((found.name[rows].astype(str), -found.area_ha[rows]))[0]]]
    return replace(layer, columns={**layer.columns, "admin": names})


@dataclass(frozen=True, slots=True)
class _Shares:
    """What alerts have in common with zones: k pieces, and m pairs of an alert and a name."""

    alert: NDArray[np.int64]
    """(k,) position of the alert."""
    pieces: NDArray[Any]
    """(k,) on an equal-area plane; they overlap where zones do."""
    alert_of_name: NDArray[np.int64]
    """(m,) position of the alert."""
    name: NDArray[Any]
    """(m,)"""
    area_ha: NDArray[np.float64]
    """(m,) inside all zones of that name."""


def _shares(layer: Layer, zones: Zones) -> _Shares:
    """Zones may be huge: one that holds an alert whole is not cut, others are cut part by part."""
    plane = place.plane(layer.geometries, layer.crs)
    alerts = geodesy.project_geometries(layer.geometries, layer.crs, plane)
    areas, _ = repair(geodesy.project_geometries(zones.geometries, zones.crs, plane))
    parts, zone_of_part = in_small_parts(areas)
    tree = shapely.STRtree(alerts)
    whole = tree.query(areas, predicate="covers").astype(np.int64)
    part, touched = tree.query(parts, predicate="intersects").astype(np.int64)
    cut = ~np.isin(zone_of_part[part] * len(alerts) + touched, whole[0] * len(alerts) + whole[1])
    cuts = polygonal(shapely.intersection(alerts[touched[cut]], parts[part[cut]]))
    zone = np.concatenate([whole[0], zone_of_part[part[cut]]])
    alert = np.concatenate([whole[1], touched[cut]])
    pieces = np.concatenate([alerts[whole[1]], cuts])
    common = shapely.area(pieces) > 0
    zone, alert, pieces = zone[common], alert[common], pieces[common]

    texts, code = np.unique(zones.names.astype(str), return_inverse=True)
    by_name = [rows for _, rows in groups(alert * len(texts) + code[zone])]
    first = np.array([rows[0] for rows in by_name], dtype=np.int64)
    area_ha = np.array([_union_ha(pieces[rows]) for rows in by_name], dtype=np.float64).round(place.HA_DECIMALS)
    return _Shares(alert, pieces, alert[first], zones.names[zone[first]], area_ha)


def _union_ha(pieces: NDArray[Any]) -> float:
    """Hectares of pieces on a plane, overlaps once."""
    whole = pieces[0] if len(pieces) == 1 else shapely.union_all(pieces)
    return float(shapely.area(whole)) / _M2_PER_HA
