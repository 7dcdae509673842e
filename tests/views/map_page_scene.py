"""A made-up scene with alerts, as the tests of its pictures and of its page share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import geodesy, raster
from geolabel.steps.demo_world import grid_of
from geolabel.vector import Layer
from geolabel.world import BANDS, make_world

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 512
FOREST, QUARRY = 1, 8
EVIL = 'Reserva </script><img src=x onerror="window.broken=1"> & "co"'


def text(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def write_scene(folder: Path) -> dict[str, raster.RasterInfo]:
    """Two dates of a made-up place as `before.tif` and `after.tif`."""
    world, grid = make_world(SIZE), grid_of(SIZE)
    found = {}
    for name, scene in (("before.tif", world.before), ("after.tif", world.after)):
        with raster.write_cog(folder / name, grid, raster.BandStyle(BANDS, "uint16", nodata=0)) as writer:
            writer.write(0, scene.image)
        found[name] = raster.describe(folder / name)
    return found


def lost() -> Layer:
    """Where forest stood and does not stand: the alerts of the scene."""
    world, grid = make_world(SIZE), grid_of(SIZE)
    gone = (world.before.truth == FOREST) & (world.after.truth != FOREST)
    polygons, values = raster.polygonise(np.where(gone, world.after.truth, 0).astype(np.int32), grid)
    area = geodesy.area_ha(np.asarray(polygons, dtype=object), grid.crs)
    large = area > 0.1
    return alerts(np.asarray(polygons, dtype=object)[large], values[large] == QUARRY, area[large], grid.crs)


def alerts(polygons: np.ndarray, mined: np.ndarray, area: np.ndarray, crs: str) -> Layer:
    """A layer of alerts; confidence falls from row to row, every third is withdrawn, every fifth in a reserve."""
    count, number = len(polygons), np.arange(len(polygons))
    confidence = np.linspace(0.98, 0.35, count).round(3)
    columns = {
        "alert_id": text(*(f"loss-{at:04d}" for at in number)),
        "class": text(*np.where(mined, "mine", "forest").tolist()),
        "change": np.full(count, "loss", dtype=object),
        "title": text(*np.where(mined, "New mine", "Forest loss").tolist()),
        "driver": text(*np.where(mined, "mine", "").tolist()),
        "confidence": confidence,
        "level": text(*np.select([confidence > 0.8, confidence > 0.55], ["high", "nominal"], "low").tolist()),
        "status": text(*np.where(number % 3 == 2, "withdrawn", "new").tolist()),
        "date_first": np.datetime64("2021-03-01") + 40 * number.astype("timedelta64[D]"),
        "date_last": np.full(count, np.datetime64("2024-07-30")),
        "date_window_days": np.full(count, 12, dtype=np.int64),
        "n_obs": 1 + number % 4,
        "area_ha": area,
        "perimeter_m": shapely.length(polygons),
        "mmu_ha": np.full(count, 0.1),
        "protected_name": text(*np.where(number % 5 == 0, EVIL, "").tolist()),
        "protected_ha": np.where(number % 5 == 0, area / 2, 0.0),
        "admin": np.full(count, "Inambari", dtype=object),
        "source_before": np.full(count, "before.tif", dtype=object),
        "source_after": np.full(count, "after.tif", dtype=object),
        "model_sha": np.full(count, "ab12", dtype=object),
        "color": text(*np.where(mined, "#f28c1e", "#d7301f").tolist()),
    }
    return Layer("alerts", polygons, columns, crs)
