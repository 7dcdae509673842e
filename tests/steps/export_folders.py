"""Folders as geolabel predict and geolabel change leave them, small and known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine

from geolabel import files, maps, raster, vector
from geolabel.grid import Grid
from geolabel.maps import ClassStyle
from geolabel.vector import Layer

GRID = Grid("EPSG:32721", Affine(10, 0, 700_000, 0, -10, 9_000_000), 60, 40)
WORDS = "© somebody's map, ODbL"
STYLES = [ClassStyle(1, "forest", "Forest loss", "#1b7837"), ClassStyle(2, "mine", "Mine", "#f28c1e")]
BOXES = shapely.box(
    700_000 + np.array([0, 200, 400]), 8_999_900, 700_000 + np.array([50, 300, 600]), 9_000_000
)  # .5, 1 and 2 ha on the plane
COLUMNS: dict[str, Any] = {
    "class": np.array(["forest", "mine", "forest"], dtype=object),
    "title": np.array(["Forest loss", "Mine", "Forest loss"], dtype=object),
    "area_ha": np.array([0.5, 1.0, 2.0]),
    "color": np.array(["#1b7837", "#f28c1e", "#1b7837"], dtype=object),
}
ALERTS: dict[str, Any] = {
    "alert_id": np.array(["FL-A", "MG-B", "FL-C"], dtype=object),
    "date_first": np.array(["2020-02-29", "2021-07-01", "2020-08-01"], dtype="datetime64[D]"),
    "date_last": np.array(["2021-07-01", "2021-07-01", "2021-07-01"], dtype="datetime64[D]"),
    "nbr_drop": np.array([0.25, np.nan, np.nan]),
}


def _maps(folder: Path, names: tuple[str, ...]) -> None:
    pixels = np.zeros((1, GRID.height, GRID.width), dtype=np.uint8)
    palette = {style.value: style.rgb for style in STYLES}
    categories = {0: "none", **{style.value: style.title for style in STYLES}}
    for name in names:
        look = raster.BandStyle(("class",), nodata=255, palette=palette, categories=categories, overviews="mode")
        if name not in ("classes", "loss"):
            look = raster.BandStyle(("mine",), nodata=255, scale=0.004)
        with raster.write_cog(folder / f"{name}.tif", GRID, look) as writer:
            writer.write(0, pixels)


def _finish(folder: Path, layer: Layer, command: str, inputs: dict[str, Any]) -> Path:
    vector.write_layer(folder / f"{layer.name}.gpkg", layer, "GPKG")
    maps.write_layer_style(folder / f"{layer.name}.gpkg", layer.name, "geom", maps.vector_qml(STYLES, "title"))
    record = {"format": 1, "command": command, "inputs": inputs, "attribution": [WORDS]}
    files.write_json(folder / files.RECORD, record)
    return folder


def prediction(folder: Path) -> Path:
    """A folder of `geolabel predict`."""
    folder.mkdir(parents=True)
    _maps(folder, ("classes", "probabilities"))
    layer = Layer("detections", BOXES, COLUMNS, GRID.crs, attribution=(WORDS,))
    inputs = {
        "raster": {"path": "https://user:t0ken@example.com/S2_20200731T142741.tif?sig=s3cret, b_2020-08-02.tif"},
        "model": {"path": "mines-2019-01-01.safetensors"},
    }
    return _finish(folder, layer, "predict", inputs)


def alerts(folder: Path) -> Path:
    """A folder of `geolabel change`."""
    folder.mkdir(parents=True)
    _maps(folder, ("loss", "confidence"))
    layer = Layer("alerts", BOXES, {**ALERTS, **COLUMNS}, GRID.crs, attribution=(WORDS,))
    images = [{"path": "a.tif", "date": "2019-07-01"}, {"path": "tile_2048.tif", "date": "2021-07-01"}]
    return _finish(folder, layer, "change", {"images": images, "protected": {"path": "WDPA_1999-01-01.gpkg"}})
