"""A region whose labels can be counted pixel by pixel, and readers of the report on them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import rasterio
from pyproj import Geod

from geolabel.steps.label import label
from geolabel.steps.tile import tile

if TYPE_CHECKING:
    from tests.conftest import WriteRaster

SIDE, TILE = 240, 16
NAMES = ("none", "forest", "water", "mine")
COLORS = np.array([[0, 0, 0, 0], [300, 500, 250, 3000], [500, 400, 200, 150], [2500, 1900, 1400, 2700]])


def patches(rng: np.random.Generator) -> np.ndarray:
    """Class numbers 1 to 3 in blocks of 8 px."""
    drawn = rng.choice([1, 2, 3], (SIDE // 8, SIDE // 8), p=[0.6, 0.3, 0.1])
    return np.kron(drawn, np.ones((8, 8), int)).astype("uint8")


class Region:
    """An image, two class rasters that are mostly of one mind, and a report on them."""

    def __init__(self, folder: Path, write: WriteRaster) -> None:
        rng = np.random.default_rng(11)
        self.folder, self.one = folder, patches(rng)
        other = patches(rng)
        self.other = np.where(rng.random((SIDE // 4, SIDE // 4)).repeat(4, 0).repeat(4, 1) < 0.1, other, self.one)
        self.one[:24] = 0  # of which nobody speaks, or one only
        self.other[:16] = 0
        self.other[100:110, 30:90] = 0
        noise = rng.normal(0, 60, (4, SIDE, SIDE))
        pixels = np.clip(COLORS[np.maximum(self.one, self.other)].transpose(2, 0, 1) + noise, 1, 9_000)
        bands = ("red", "green", "blue", "nir")
        self.image = write("image.tif", pixels.astype("uint16"), descriptions=bands)
        self.paths = [
            write(f"{name}.tif", codes[None].astype("uint8"), nodata=0)
            for name, codes in (("first", self.one), ("Second", self.other))
        ]
        self.legend = folder / "legend.csv"
        rows = "\n".join(f"{code},{name}" for code, name in enumerate(NAMES) if code)
        self.legend.write_text(f"code,name\n{rows}\n", encoding="utf-8")
        self.tiles, self.report = folder / "tiles.parquet", folder / "report"
        tile([self.image], output=self.tiles, size=TILE)

    def label(self, **options: Any) -> Path:
        label(self.tiles, raster=self.paths, legend=self.legend, report=self.report, min_known=0.25, **options)
        return self.report

    @property
    def pixel_ha(self) -> float:
        with rasterio.open(self.image) as dataset:
            frame = geopandas.GeoSeries.from_wkt([box_wkt(dataset.bounds)], crs=dataset.crs).to_crs("EPSG:4326")
        area, _ = Geod(ellps="WGS84").geometry_area_perimeter(frame[0])
        return abs(area) / SIDE**2 / 1e4


def box_wkt(bounds: Any) -> str:
    west, south, east, north = bounds
    return f"POLYGON(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_layer(report: Path, name: str) -> geopandas.GeoDataFrame:
    return geopandas.read_file(report / f"{name}.gpkg", layer=name)


def summary(report: Path) -> Any:
    return json.loads((report / "summary.json").read_text(encoding="utf-8"))
