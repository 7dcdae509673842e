"""What benchmarks/labels.py measures on, made on the spot, the same every time, and kept in benchmarks/out.

Land use as OpenStreetMap has it: irregular outlines of 24 vertices in the cells of a grid whose corners are shaken, so
that they do not overlap; about 5 % more lie on top of others. They cover about 60 % of the land. In the file they stand
block by block in no order, as in an extract sorted by when things were mapped.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OUT = Path(__file__).parent / "out"
CRS = "EPSG:32632"
GSD_M = 10.0
TILE_PX = 32
VALUES = (
    *("farmland", "forest", "meadow", "residential", "grass", "industrial", "orchard", "vineyard"),
    *("commercial", "cemetery", "quarry", "basin", "construction"),
)
CLC_CODES = 44
CLC_GSD_M = 100.0
_FREQUENCY = (0.22, 0.2, 0.14, 0.12, 0.1, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.02, 0.01)
_ON_TOP = 0.0474
"""Of the polygons, those that are laid over others."""
_VERTICES = 24
_SHAKE = 0.2
"""How far a corner of the grid moves at the most, in cells: the cells stay convex."""
_BLOCK = 64
"""Cells a side that are made and written together."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square raster with polygons on it."""

    name: str
    side_px: int
    polygons: int
    west: float
    north: float

    @property
    def raster(self) -> Path:
        """Its pixels are never read: a file that holds none."""
        return OUT / f"{self.name}.tif"

    @property
    def landuse(self) -> Path:
        """The polygons, with a column landuse."""
        return OUT / f"{self.name}.gpkg"

    @property
    def extract(self) -> Path:
        """The polygons as OSM PBF."""
        return OUT / f"{self.name}.osm.pbf"

    @property
    def clc(self) -> Path:
        """Grid codes in EPSG:3035."""
        return OUT / f"clc2018-{self.name}.tif"

    @property
    def tiles(self) -> int:
        """How many tiles it has."""
        return (self.side_px // TILE_PX) ** 2

    def write_plan(self) -> Path:
        """What a peer must know, as JSON."""
        path = OUT / f"{self.name}.json"
        plan = {
            "crs": CRS,
            "west": self.west,
            "north": self.north,
            "gsd_m": GSD_M,
            "side_px": self.side_px,
            "tile_px": TILE_PX,
            "values": VALUES,
            "clc_codes": CLC_CODES,
            "landuse": str(self.landuse),
            "extract": str(self.extract),
            "clc": str(self.clc),
        }
        path.write_text(json.dumps(plan, indent=1), encoding="utf-8")
        return path


SMALL = Region("landuse", 9_984, 201_389, 500_000.0, 5_400_000.0)
HALF = Region("landuse-half", 7_072, 101_046, 500_000.0, 5_400_000.0)
BIG = Region("landuse-big", 32_000, 2_069_000, 340_000.0, 5_500_000.0)
QUICK = Region("landuse-quick", 2_496, 12_587, 500_000.0, 5_400_000.0)
QUICK_BIG = Region("landuse-quick-big", 8_000, 129_312, 340_000.0, 5_500_000.0)


def make_region(region: Region) -> None:
    """Raster, polygons and scheme, once."""
    OUT.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if not region.raster.exists():
        _write_raster(region)
    if not region.landuse.exists():
        _write_polygons(region)
        print(f"{region.landuse.name}: {region.polygons:,} polygons in {time.perf_counter() - began:.0f} s", flush=True)
    write_scheme()


def write_scheme() -> Path:
    """A scheme with a class for each value."""
    path = OUT / "landuse.toml"
    colour = [f"#{(at * 0x13579B) & 0xFFFFFF:06x}" for at in range(1, len(VALUES) + 1)]
    entries = [
        f'[[class]]\nname = "{value}"\ntitle = "{value}"\ncolor = "{paint}"\nosm = ["landuse={value}"]\n'
        for value, paint in zip(VALUES, colour, strict=True)
    ]
    path.write_text('name = "landuse"\ntitle = "Land use"\nversion = 1\n\n' + "\n".join(entries), encoding="utf-8")
    return path


def make_clc(region: Region) -> None:
    """A raster of grid codes in blocky patches of about a square kilometre, 100 m, that covers the region, once."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.warp import transform_bounds
    from scipy.ndimage import zoom
    from scipy.spatial import cKDTree

    if region.clc.exists():
        return
    side_m = region.side_px * GSD_M
    west, south, east, north = transform_bounds(
        CRS, "EPSG:3035", region.west, region.north - side_m, region.west + side_m, region.north, densify_pts=101
    )
    width = round(side_m / CLC_GSD_M * 1.1108)  # 1109 × 1110 px for the region of 9,984 px
    height = width + 1
    left = math.floor(((west + east - width * CLC_GSD_M) / 2) / CLC_GSD_M) * CLC_GSD_M
    top = math.ceil(((south + north + height * CLC_GSD_M) / 2) / CLC_GSD_M) * CLC_GSD_M
    rng = np.random.default_rng(3)
    seeds = rng.random((width * height // 100, 2)) * (height, width)
    codes = rng.integers(1, CLC_CODES + 1, len(seeds)).astype(np.uint8)
    shape = (height, width)
    wobble = [zoom(rng.normal(0, 3, (height // 4, width // 4)), 4.1, order=1)[:height, :width] for _ in range(2)]
    rows, cols = np.indices(shape)
    _, nearest = cKDTree(seeds).query(np.column_stack([(rows + wobble[0]).ravel(), (cols + wobble[1]).ravel()]))
    profile = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:3035",
        "transform": from_origin(left, top, CLC_GSD_M, CLC_GSD_M),
        "nodata": 255,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "lzw",
    }
    with rasterio.open(region.clc, "w", **profile) as dataset:
        dataset.write(codes[nearest].reshape(shape), 1)


def _write_raster(region: Region) -> None:
    import rasterio
    from rasterio.transform import from_origin

    profile = {
        "driver": "GTiff",
        "width": region.side_px,
        "height": region.side_px,
        "count": 1,
        "dtype": "uint8",
        "crs": CRS,
        "transform": from_origin(region.west, region.north, GSD_M, GSD_M),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "sparse_ok": True,
    }
    with rasterio.open(region.raster, "w", **profile) as dataset:
        dataset.set_band_description(1, "grey")


def _write_polygons(region: Region) -> None:
    """Block by block, so that memory holds one block only."""
    import pyarrow as pa
    import pyogrio
    import shapely

    schema = pa.schema([("landuse", pa.string()), ("geom", pa.binary())])

    def batches() -> Iterator[pa.RecordBatch]:
        for outlines, values in _blocks(region):
            wkb = shapely.to_wkb(shapely.polygons(outlines))
            yield pa.record_batch([pa.array(np.array(VALUES)[values]), pa.array(wkb, pa.binary())], schema=schema)

    draft = region.landuse.with_suffix(".draft.gpkg")
    draft.unlink(missing_ok=True)
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema, batches()),
        draft,
        driver="GPKG",
        layer="landuse",
        geometry_type="Polygon",
        geometry_name="geom",
        crs=CRS,
    )
    draft.rename(region.landuse)


def _blocks(region: Region) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Outlines (n, 25, 2) and places of their values (n,), in blocks of cells."""
    rng = np.random.default_rng(1)
    cells = round(math.sqrt(region.polygons * (1 - _ON_TOP)))
    on_top = rng.choice(cells * cells, region.polygons - cells * cells, replace=False)
    corners = np.stack(np.meshgrid(np.arange(cells + 1.0), np.arange(cells + 1.0)), axis=-1)  # (row, col, xy)
    corners[1:-1, 1:-1] += rng.uniform(-_SHAKE, _SHAKE, (cells - 1, cells - 1, 2))
    starts = np.array([(row, col) for row in range(0, cells, _BLOCK) for col in range(0, cells, _BLOCK)])
    side_m = region.side_px * GSD_M
    for row, col in rng.permutation(starts).tolist():
        last_row, last_col = min(row + _BLOCK, cells), min(col + _BLOCK, cells)
        rows, cols = (axis.ravel() for axis in np.mgrid[row:last_row, col:last_col])
        fields = _place(_fields(rng, len(rows)), corners, rows, cols)
        top_row, top_col = on_top // cells, on_top % cells
        here = (top_row >= row) & (top_row < last_row) & (top_col >= col) & (top_col < last_col)
        laid = _laid_on_top(rng, top_row[here], top_col[here], cells)
        outlines = np.concatenate([fields, laid])
        outlines = outlines[rng.permutation(len(outlines))] * (side_m / cells)
        outlines = np.array([region.west, region.north]) + outlines * np.array([1, -1])
        yield outlines, rng.choice(len(VALUES), len(outlines), p=_FREQUENCY)


def _fields(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Star-shaped outlines inside the unit square: (count, 25, 2)."""
    centre = rng.uniform(0.4, 0.6, (count, 1, 2))
    angle = _angles(rng, count)
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    reach = np.where(ray > 0, (1 - centre) / np.abs(ray), centre / np.abs(ray)).min(axis=2)
    reach *= np.clip(rng.uniform(0.55, 1.0, (count, 1)) + _waves(rng, angle) * 0.12, 0.25, 0.985)
    return centre + _closed(ray * reach[..., None])


def _laid_on_top(
    rng: np.random.Generator, row: NDArray[np.int64], col: NDArray[np.int64], cells: int
) -> NDArray[np.float64]:
    """Outlines around places in given cells, in cells: some inside a field, some over several. (n, 25, 2)."""
    centre = np.column_stack([col, row])[:, None, :] + rng.uniform(0, 1, (len(row), 1, 2))
    angle = _angles(rng, len(row))
    radius = rng.uniform(0.12, 0.7, (len(row), 1)) * np.clip(1 + _waves(rng, angle) * 0.25, 0.4, 1.6)
    outline = centre + _closed(np.stack([np.cos(angle), np.sin(angle)], axis=-1) * radius[..., None])
    return np.clip(outline, 0.0, float(cells))


def _angles(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    step = 2 * np.pi / _VERTICES
    return (np.arange(_VERTICES) + rng.uniform(0.05, 0.95, (count, _VERTICES))) * step


def _waves(rng: np.random.Generator, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """How an outline swings in and out: (n, 24), deviation about 1."""
    phase = rng.uniform(0, 2 * np.pi, (3, len(angle), 1))
    swings = sum(np.sin((2 + at) * angle + phase[at]) for at in range(3))
    return np.asarray(swings * 0.6 + rng.normal(0, 0.6, angle.shape))


def _closed(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([outline, outline[:, :1]], axis=1)


def _place(
    unit: NDArray[np.float64], corners: NDArray[np.float64], row: NDArray[np.int64], col: NDArray[np.int64]
) -> NDArray[np.float64]:
    """From the unit square into the cells between four corners each."""
    x, y = unit[..., :1], unit[..., 1:]
    upper = corners[row, col][:, None] * (1 - x) + corners[row, col + 1][:, None] * x
    lower = corners[row + 1, col][:, None] * (1 - x) + corners[row + 1, col + 1][:, None] * x
    return np.asarray(upper * (1 - y) + lower * y)
