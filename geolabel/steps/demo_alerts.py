"""The demo's alerts beside what was planted: clearings and mines as objects, and their hectares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import alerts, geodesy, raster
from geolabel.steps.demo_world import grid_of
from geolabel.world import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.world import World

_LEAST_HA = 0.5


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Alerts of one kind beside the true changes that both dates show."""

    what: str
    changes: int
    """True ones of half a hectare and more, without clouds and shadows."""
    recall: float
    """Share of these that an alert touches."""
    alerts: int
    precision: float
    """Share of these that touch a true change, however small."""
    true_ha: float
    alert_ha: float
    area_error: float
    """Alerted hectares over true ones, less one."""


def score_alerts(world: World, folder: Path, *, lost: str | None = None, came: str | None = None) -> AlertScore:
    """Compare the alerts of a folder with the ground where class `lost` went, or class `came` arrived."""
    name = lost or came
    code = next(entry.code for entry in CLASSES if entry.name == name)
    before, after = world.before, world.after
    was, now = before.truth == code, after.truth == code
    clear = np.ones(was.shape, dtype=bool)
    for scene in (before, after):
        clear &= scene.valid & ~scene.cloud & ~scene.shadow
    changed = (was & ~now if lost else now & ~was) & clear
    grid = grid_of(len(was))
    every, _ = raster.polygonise(changed.astype(np.int32), grid)
    area_ha = geodesy.area_ha(every, grid.crs)
    large = every[area_ha >= _LEAST_HA]
    layer = alerts.read(folder)
    found = layer.geometries[alerts.stands(layer)]
    touched, true = (_touching(*pair) for pair in ((large, found), (found, every)))
    alert_ha, true_ha = float(layer.columns["area_ha"][alerts.stands(layer)].sum()), float(area_ha.sum())
    return AlertScore(
        what=f"{name} {'loss' if lost else 'gain'}",
        changes=len(large),
        recall=touched / max(len(large), 1),
        alerts=len(found),
        precision=true / max(len(found), 1),
        true_ha=round(true_ha, 1),
        alert_ha=round(alert_ha, 1),
        area_error=alert_ha / true_ha - 1 if true_ha else float("nan"),
    )


def _touching(
    shapes: np.ndarray[tuple[int], np.dtype[np.object_]], others: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> int:
    """How many shapes share ground with any of the others."""
    pairs = shapely.STRtree(others).query(shapes, predicate="intersects")
    shares = shapely.area(shapely.intersection(shapes[pairs[0]], others[pairs[1]])) > 0
    return len(np.unique(pairs[0][shares]))
