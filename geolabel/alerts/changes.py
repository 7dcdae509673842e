"""What a run found to have changed, and how it becomes alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.alerts import place, schema
from geolabel.alerts.identity import alert_ids
from geolabel.alerts.overlap import apart
from geolabel.vector import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PROBABILITY_DECIMALS, _METRE_DECIMALS = 4, 1


@dataclass(frozen=True, slots=True)
class Changes:
    """n places that changed; all arrays are (n,)."""

    geometries: NDArray[Any]
    """Valid polygons in `crs`."""
    crs: str
    class_name: NDArray[Any]
    class_title: NDArray[Any]
    """For people: "Forest" becomes the alert "Forest loss"."""
    change: NDArray[Any]
    """loss, gain, or change: where a model tells changes and not classes."""
    driver: NDArray[Any]
    """What stands there afterwards; "" = unknown."""
    confidence: NDArray[np.float64]
    """0–1."""
    date_first: NDArray[np.datetime64]
    """Days: the first image on which the change is seen; NaT = unknown."""
    date_last: NDArray[np.datetime64]
    """Days: the last one."""
    date_window_days: NDArray[np.int64]
    """Days between the last image before the change and `date_first`."""
    n_obs: NDArray[np.int64]
    """Images on which it is seen: 1 or more."""
    source_before: NDArray[Any]
    """Name of the last image before the change."""
    source_after: NDArray[Any]
    """Name of the first one after."""
    color: NDArray[Any]
    """#rrggbb."""
    mmu_ha: float
    """Smallest area that was looked for."""
    model_sha: str
    evidence: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """A second opinion, where there is one: `spectral`, `ndvi_drop`, `nbr_drop`."""

    def __post_init__(self) -> None:
        sizes = {
            len(getattr(self, name))
            for name in type(self).__slots__
            if name not in ("crs", "mmu_ha", "model_sha", "evidence")
        } | {len(values) for values in self.evidence.values()}
        if len(sizes) > 1:
            raise ValueError(f"columns of different lengths: {sorted(sizes)}")
        if unknown := sorted(set(self.evidence) - set(schema.OPTIONAL)):
            raise ValueError(f"evidence {unknown}; there are {schema.OPTIONAL}")
        if wrong := sorted(set(self.change.tolist()) - {"loss", "gain", "change"}):
            raise ValueError(f"a change is loss, gain or change, got {wrong}")
        if (self.n_obs < 1).any():
            raise ValueError(f"n_obs must be ≥ 1, got {self.n_obs.min()}")


def make(changes: Changes) -> Layer:
    """The layer `alerts` of one run: every column of the schema, in a settled order.

    Areas and perimeters are geodesic. Where two changes of one kind overlap, the place counts for the first only.
    """
    n = len(changes.geometries)
    blank, zero = np.full(n, "", dtype=object), np.zeros(n)
    columns: dict[str, Any] = {
        "class": changes.class_name,
        "change": changes.change,
        "title": [
            title if change == "change" else f"{title} {change}"
            for title, change in zip(changes.class_title, changes.change, strict=True)
        ],
        "driver": changes.driver,
        "confidence": changes.confidence.round(_PROBABILITY_DECIMALS),
        "level": schema.level(changes.confidence, changes.n_obs),
        "status": schema.status(changes.n_obs, np.zeros(n, dtype=bool)),
        "date_first": changes.date_first,
        "date_last": changes.date_last,
        "date_window_days": changes.date_window_days,
        "n_obs": changes.n_obs,
        "area_ha": zero,
        "perimeter_m": zero,
        "mmu_ha": np.full(n, changes.mmu_ha),
        "protected_name": blank,
        "protected_ha": np.full(n, np.nan),  # not known, which is not nought
        "admin": blank,
        "source_before": changes.source_before,
        "source_after": changes.source_after,
        "model_sha": np.full(n, changes.model_sha, dtype=object),
        **changes.evidence,
        "color": np.array([color.lower() for color in changes.color], dtype=object),
        "new_ha": zero,
        "merged": blank,
        "alert_id": blank,
    }
    typed = {name: np.asarray(columns[name], dtype=kind) for name, kind in schema.COLUMNS.items() if name in columns}
    layer = schema.settled(Layer(schema.LAYER, changes.geometries, typed, changes.crs))
    geometries = apart(layer.geometries, schema.kind(layer))
    layer = schema.rows(
        Layer(layer.name, geometries, layer.columns, layer.crs), np.asarray(~shapely.is_empty(geometries))
    )
    column = layer.columns
    names = alert_ids(layer.geometries, layer.crs, column["class"], column["change"], column["date_first"])
    hectares = place.hectares(layer.geometries, layer.crs, place.plane(layer.geometries, layer.crs))
    measured = {"alert_id": names, "area_ha": hectares, "new_ha": hectares, "perimeter_m": perimeter_m(layer)}
    return Layer(layer.name, layer.geometries, {**column, **measured}, layer.crs)


def perimeter_m(layer: Layer) -> NDArray[np.float64]:
    """Geodesic length of each outline (n,), metres, to a decimetre."""
    return geodesy.perimeter_m(layer.geometries, layer.crs).round(_METRE_DECIMALS)
