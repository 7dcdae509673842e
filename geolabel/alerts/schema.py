"""The columns of the layer `alerts`, in their order, and the two that follow from others: level and status."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import vector
from geolabel.alerts import place
from geolabel.errors import InputError
from geolabel.vector.read import repair

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.vector import Layer

LAYER = "alerts"
FILE = "alerts.gpkg"
COLUMNS: dict[str, str] = {
    "alert_id": "O",
    "class": "O",
    "change": "O",
    "title": "O",
    "driver": "O",
    "confidence": "f8",
    "level": "O",
    "status": "O",
    "date_first": "M8[D]",
    "date_last": "M8[D]",
    "date_window_days": "i8",
    "n_obs": "i8",
    "area_ha": "f8",
    "perimeter_m": "f8",
    "mmu_ha": "f8",
    "protected_name": "O",
    "protected_ha": "f8",
    "admin": "O",
    "source_before": "O",
    "source_after": "O",
    "model_sha": "O",
    "spectral": "O",
    "ndvi_drop": "f8",
    "nbr_drop": "f8",
    "color": "O",
    "new_ha": "f8",
    "merged": "O",
}
"""Name → numpy's type; O is text."""
OPTIONAL = ("spectral", "ndvi_drop", "nbr_drop")
"""A second opinion: there only where somebody gave one."""
WITHDRAWN = "withdrawn"
_LOW, _HIGH, _SEEN_AGAIN = 0.6, 0.8, 2


def level(confidence: NDArray[np.float64], n_obs: NDArray[np.int64]) -> NDArray[Any]:
    """How much an alert can be trusted (n,).

    high: confidence of .8 or more, and seen on two images or more. low: less than .6, or unknown, and seen on one image
    only. nominal: all between.
    """
    again = n_obs >= _SEEN_AGAIN
    weak = ~(confidence >= _LOW) & ~again
    return np.where(again & (confidence >= _HIGH), "high", np.where(weak, "low", "nominal")).astype(object)


def status(n_obs: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[Any]:
    """What is known of an alert that stands (n,).

    confirmed: seen on two images or more. persisting: `known` from the run before. new: neither.
    """
    return np.where(n_obs >= _SEEN_AGAIN, "confirmed", np.where(known, "persisting", "new")).astype(object)


def stands(layer: Layer) -> NDArray[np.bool_]:
    """Which alerts (n,) are not withdrawn: only those count in totals."""
    return np.asarray(layer.columns["status"] != WITHDRAWN, dtype=bool)


def kind(layer: Layer) -> NDArray[Any]:
    """Class and change of each alert (n,): alerts of different kinds may share a place."""
    names, changes = layer.columns["class"].tolist(), layer.columns["change"].tolist()
    return np.array([f"{name}\n{change}" for name, change in zip(names, changes, strict=True)], dtype=object)


def settled(layer: Layer) -> Layer:
    """The same alerts by class, change, first date, then from north to south and from west to east."""
    column = layer.columns
    lon, lat = place.centres(layer.geometries, layer.crs).round(7).T
    area = shapely.area(layer.geometries).round(7)
    keys = (column["alert_id"], -area, lon, -lat, column["date_first"], column["change"], column["class"])
    return rows(layer, np.lexsort([_rank(key) for key in keys]))


def _rank(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def rows(layer: Layer, chosen: NDArray[Any]) -> Layer:
    """Some rows of a layer, by position or by a mask."""
    columns = {name: values[chosen] for name, values in layer.columns.items()}
    return replace(layer, geometries=layer.geometries[chosen], columns=columns)


def read(path: Path) -> Layer:
    """The alerts of an earlier run: its folder, or its layer in any vector format.

    Raises InputError (missing, or no alerts), CRSError (no CRS).
    """
    file = path / FILE if path.is_dir() else path
    layer = vector.read_layer(file, LAYER if LAYER in vector.list_layers(file) else None)
    missing = [name for name in COLUMNS if name not in layer.columns and name not in OPTIONAL]
    if missing:
        raise InputError(
            f"{file}: is no layer of alerts, it lacks {', '.join(missing)}; give the {FILE} of a `geolabel change`"
        )
    try:
        columns = {name: _as(layer.columns[name], kind) for name, kind in COLUMNS.items() if name in layer.columns}
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{file}: a column of the alerts holds something else ({error}); give it as it was made"
        ) from error
    ids, count = np.unique(columns["alert_id"].astype(str), return_counts=True)
    if (count > 1).any() or any(not name or set(name) & set("/\\") for name in ids.tolist()):
        wrong = next((name for name, rows in zip(ids.tolist(), count.tolist(), strict=True) if rows > 1), ids[0])
        raise InputError(
            f"{file}: alert ids must be different, and without slashes (see {wrong!r}); mend it, or give another"
        )
    geometries, _ = repair(layer.geometries)
    found = replace(layer, name=LAYER, geometries=geometries, columns=columns)
    return rows(found, ~(shapely.is_missing(geometries) | shapely.is_empty(geometries)))


def _as(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """A column as the schema has it; files keep missing text as null, days as moments."""
    if kind == "O":
        return np.array(["" if value is None else str(value) for value in values.tolist()], dtype=object)
    return values.astype(kind)
