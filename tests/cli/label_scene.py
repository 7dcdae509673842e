"""A little place with OpenStreetMap and CORINE Land Cover over it, and what they say at many points of each tile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pyarrow.parquet as pq
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.features import shapes

from tests.osm_map import MILLI, Map

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 256
PLACE = Affine(10, 0, 499_950, 0, -10, 5_207_500)
"""10 m pixels east of 9°, around 47°."""
CLC_CODES = np.full((60, 60), 311, np.uint16)
CLC_CODES[:, 20:] = 131
CLC_CODES[40:] = 512
CLC_CODES[25:40, 30:] = 211
POINTS = 20
"""Along each side of a tile."""


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(9 + west * MILLI, 47 + south * MILLI, 9 + east * MILLI, 47 + north * MILLI)


AREAS = {
    "forest": box(0, 0, 10, 10).difference(box(2, 2, 4, 4)),
    "quarry": box(12, 0, 18, 5),
    "water": box(13, 1, 15, 3),
    "meadow": box(20, 0, 28, 9),
}
"""What lies where, later ones on top."""
TAGS = {"forest": "landuse", "quarry": "landuse", "water": "natural", "meadow": "landuse"}
LANDUSE = {"forest": "forests", "quarry": "mine_dump_construction", "water": "water_bodies", "meadow": "pastures"}
"""Their classes in the scheme osm-landuse, and those of the CORINE codes."""
OF_CODE = {311: "forests", 131: "mine_dump_construction", 512: "water_bodies", 211: "arable_land"}


def drawn() -> Map:
    found = Map()
    outer, hole = found.box(0, 0, 10, 10), found.box(2, 2, 4, 4)
    found.relation((outer, "outer"), (hole, "inner"), landuse="forest")
    for name in ("quarry", "water", "meadow"):
        west, south, east, north = (np.array(AREAS[name].bounds) - [9, 47, 9, 47]) / MILLI
        found.box(west, south, east, north, **{TAGS[name]: name})
    return found


def write_region(path: Path, crs: str = "EPSG:32632", transform: Affine = PLACE, shape: tuple[int, int] = (SIDE, SIDE)):
    pixels = np.random.default_rng(0).integers(1, 255, (3, *shape)).astype("uint8")
    profile = {"driver": "GTiff", "width": shape[1], "height": shape[0], "count": 3, "dtype": "uint8", "crs": crs}
    with rasterio.open(path, "w", **profile, transform=transform, photometric="RGB") as dataset:
        dataset.write(pixels)


def clc_place() -> Affine:
    x, y = Transformer.from_crs("EPSG:32632", "EPSG:3035", always_xy=True).transform(499_000, 5_208_500)
    return Affine(100, 0, x, 0, -100, y)


@dataclass(frozen=True)
class Scene:
    """A folder with a region, its tiles and sources of labels."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def tiles(self) -> Path:
        return self / "tiles.parquet"


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Columns and description, as any reader of Parquet sees them."""
    table = pq.read_table(path)
    columns = {name: np.array(table[name].to_pylist(), dtype=object) for name in table.column_names}
    return columns, json.loads(table.schema.metadata[b"geolabel"])


def shares(path: Path, prefix: str = "label.") -> dict[str, np.ndarray]:
    columns, _ = read(path)
    return {
        name.removeprefix(prefix): values.astype(float) for name, values in columns.items() if name.startswith(prefix)
    }


@dataclass(frozen=True)
class Seen:
    """What the sources say at many points of each tile: (tiles, points) of class names of osm-landuse, or ""."""

    osm: np.ndarray
    clc: np.ndarray

    @classmethod
    def of(cls, path: Path) -> Seen:
        columns, about = read(path)
        inside = (np.arange(POINTS) + 0.5) / POINTS
        right, down = (side.ravel() for side in np.meshgrid(inside, inside))
        count = len(columns["tile"])
        osm, clc = (np.full((count, POINTS**2), "", dtype=object) for _ in range(2))
        col, row = (
            columns[off].astype(float)[:, None] + part * columns[side].astype(float)[:, None]
            for off, part, side in (("col_off", right, "width"), ("row_off", down, "height"))
        )
        for source in about["sources"]:
            own = columns["source"] == source["path"]
            x, y = Affine(*source["transform"]) @ (col[own], row[own])
            lon, lat = Transformer.from_crs(source["crs"], "EPSG:4326", always_xy=True).transform(x, y)
            found = np.full(lon.shape, "", dtype=object)
            for name, area in AREAS.items():
                found[shapely.contains_xy(area, lon, lat)] = LANDUSE[name]
            osm[own] = found
            at = ~clc_place() @ Transformer.from_crs(source["crs"], "EPSG:3035", always_xy=True).transform(x, y)
            across, along = (np.floor(one).astype(int) for one in at)
            there = (across >= 0) & (across < 60) & (along >= 0) & (along < 60)
            codes = np.where(there, CLC_CODES[np.clip(along, 0, 59), np.clip(across, 0, 59)], 0)
            clc[own] = np.select([codes == code for code in OF_CODE], list(OF_CODE.values()), "")
        return cls(osm, clc)


def write_sources(scene: Scene) -> None:
    """A raster to be tiled, and the map in the forms that people have."""
    write_region(scene / "region.tif")
    drawn().write(scene / "map.osm")
    frame = geopandas.GeoDataFrame({"fclass": list(AREAS)}, geometry=list(AREAS.values()), crs="EPSG:4326")
    frame.to_file(scene / "gis_osm_landuse_a_free_1.shp")
    for key in ("landuse", "natural"):
        frame[key] = [name if TAGS[name] == key else None for name in AREAS]
    frame.drop(columns="fclass").to_file(scene / "map.gpkg")
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "crs": "EPSG:3035", "height": 60, "width": 60}
    with rasterio.open(scene / "U2018_CLC2018.tif", "w", transform=clc_place(), **profile) as dataset:
        dataset.write(CLC_CODES[None])
    outlines = list(shapes(CLC_CODES, transform=clc_place()))
    polygons = [shapely.from_geojson(json.dumps(outline)) for outline, _ in outlines]
    codes = [str(int(code)) for _, code in outlines]
    geopandas.GeoDataFrame({"Code_18": codes}, geometry=polygons, crs="EPSG:3035").to_file(scene / "clc.gpkg")


def agree(found: np.ndarray, said: np.ndarray, known: np.ndarray | None = None, atol: float = 0.04) -> None:
    """Shares of a class as its points have them; unknown where fewer than half of the points are known."""
    assert found.shape == said.shape[:1]
    certain = np.ones(len(found), bool) if known is None else np.abs(known.mean(axis=1) - 0.5) > 0.05
    expected = said.mean(axis=1)
    if known is not None:
        expected = np.where(known.mean(axis=1) >= 0.5, expected, np.nan)
    np.testing.assert_allclose(found[certain], expected[certain], atol=atol)
