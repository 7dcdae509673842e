"""A folder of alerts as `geolabel change` leaves it, small and known: squares on green, with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
import shapely
from affine import Affine
from PIL import Image

from geolabel.grid import Grid
from geolabel.raster import BandStyle, describe, write_cog
from geolabel.steps.changes.legend import interval_styles
from geolabel.steps.project import write_alerts_project
from geolabel.steps.quicklook import Dated
from geolabel.vector import Layer, write_geojson, write_layer

if TYPE_CHECKING:
    from pathlib import Path

GRID = Grid("EPSG:32721", Affine(10, 0, 500_000, 0, -10, 9_000_000), 300, 300)
DAYS = ("2019-07-01", "2020-07-14")
LOSS, GAIN = "#b2182b", "#e08214"
TITLE = "Alerts & <more>"
ROWS = (
    # class, change, title, colour, level, status, driver, protected
    ("forest", "loss", "Forest loss", LOSS, "high", "confirmed", "mine", "Yanomami & <b>others</b>"),
    ("forest", "loss", "Forest loss", LOSS, "nominal", "new", "", ""),
    ("forest", "loss", "Forest loss", LOSS, "low", "new", "", ""),
    ("mine", "gain", "Miner's \\ gain", GAIN, "high", "persisting", "", ""),
    ("forest", "loss", "Forest loss", LOSS, "high", "withdrawn", "", ""),
)
MIDDLES = [(500_300 + 600 * at, 8_998_500) for at in range(len(ROWS))]


def alerts() -> Layer:
    """Five squares of 400 m in a row."""
    names = ("class", "change", "title", "color", "level", "status", "driver", "protected_name")
    texts = {name: np.array(values, dtype=object) for name, values in zip(names, zip(*ROWS, strict=True), strict=True)}
    count = len(ROWS)
    days = [np.full(count, np.datetime64(DAYS[1])) for _ in range(2)]
    columns = {
        "alert_id": np.array([f"a{at}" for at in range(count)], dtype=object),
        "class": texts["class"],
        "change": texts["change"],
        "title": texts["title"],
        "driver": texts["driver"],
        "confidence": np.linspace(0.95, 0.55, count),
        "level": texts["level"],
        "status": texts["status"],
        "date_first": days[0],
        "date_last": days[1],
        "date_window_days": np.full(count, 379),
        "n_obs": np.arange(1, count + 1),
        "area_ha": np.full(count, 16.0),
        "perimeter_m": np.full(count, 1_600.0),
        "mmu_ha": np.full(count, 0.5),
        "protected_name": texts["protected_name"],
        "protected_ha": np.full(count, 12.25),
        "admin": np.full(count, "Itaituba", dtype=object),
        "source_before": np.full(count, "before.tif", dtype=object),
        "source_after": np.full(count, "after.tif", dtype=object),
        "model_sha": np.full(count, "0" * 8, dtype=object),
        "color": texts["color"],
    }
    x, y = np.array(MIDDLES, dtype=float).T
    boxes = shapely.box(x - 200, y - 200, x + 200, y + 200)
    return Layer("alerts", boxes, columns, GRID.crs, attribution=("© somebody & co",))


def changed() -> np.ndarray:
    """Pixels in a square: (300, 300)."""
    found = np.zeros((300, 300), dtype=bool)
    for at in range(len(ROWS)):
        found[130:170, 10 + 60 * at : 50 + 60 * at] = True
    return found


def write_images(folder: Path) -> None:
    """before.tif and after.tif: forest, and squares of bare soil in it; red and blue exchanged in the file."""
    rng = np.random.default_rng(7)
    forest, soil = np.array([200, 420, 260, 3000]), np.array([800, 1100, 1700, 2400])
    for name, bare in (("before", np.zeros((300, 300), bool)), ("after", changed())):
        pixels = np.where(bare, soil[:, None, None], forest[:, None, None]) + rng.normal(0, 30, (4, 300, 300))
        options = {"driver": "GTiff", "dtype": "uint16", "crs": GRID.crs, "transform": GRID.transform, "nodata": 0}
        with rasterio.open(folder / f"{name}.tif", "w", width=300, height=300, count=4, **options) as dataset:
            dataset.write(np.clip(pixels, 1, 10_000).astype(np.uint16))
            dataset.descriptions = ("blue", "green", "red", "nir")


def write_folder(folder: Path) -> None:
    """The folder, with the images beside it."""
    folder.mkdir()
    write_images(folder.parent)
    layer = alerts()
    write_layer(folder / "alerts.gpkg", layer, "GPKG")
    write_geojson(folder / "alerts.geojson", layer)
    intervals = interval_styles(["2018", "2019", "2020"])
    style = BandStyle(("interval",), nodata=255, palette={entry.value: entry.rgb for entry in intervals})
    with write_cog(folder / "loss.tif", GRID, style) as writer:
        writer.write(0, np.where(changed(), 2, 0).astype(np.uint8)[None])
    with write_cog(folder / "loss-confidence.tif", GRID, BandStyle(("confidence",), nodata=255, scale=0.004)) as writer:
        writer.write(0, np.where(changed(), 250, 0).astype(np.uint8)[None])
    (folder / "chips").mkdir()
    for at in range(len(ROWS) - 1):
        for when, color in (("before", "#2d6a2f"), ("after", "#a8825a")):
            Image.new("RGB", (48, 48), color).save(folder / "chips" / f"a{at}-{when}.jpg")
    images = [
        Dated(f"{name}.tif", np.datetime64(day), describe(folder.parent / f"{name}.tif"))
        for name, day in zip(("before", "after"), DAYS, strict=True)
    ]
    write_alerts_project(
        folder, folder, title=TITLE, grid=GRID, layer=layer, kinds=["loss"], intervals=intervals, images=images
    )
