"""The demo's files: two dates, an OSM-like GeoPackage, a coarse class raster in another CRS, the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine

from geolabel import geodesy, raster, vector
from geolabel.grid import Grid, Window
from geolabel.vector import Layer
from geolabel.views.picture import overlay, true_colour, write_panels
from geolabel.world import BANDS, CLASSES, World, make_world

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CRS = "EPSG:32719"
_LEFT, _TOP, _GSD_M = 352_000.0, 8_592_000.0, 10.0
_LANDCOVER_DEGREES = 0.0003
"""About 33 m, like a global land-cover product."""
MINE = "quarry"
_ROWS = 512


def grid_of(size: int) -> Grid:
    """The demo's place: Madre de Dios, UTM zone 19 south, 10 m."""
    return Grid(CRS, Affine(_GSD_M, 0, _LEFT, 0, -_GSD_M, _TOP), size, size)


def write_world(folder: Path, size: int, seed: int) -> World:
    """Make a world and write its files into `folder`."""
    world = make_world(size, seed)
    grid = grid_of(size)
    (folder / "truth").mkdir()
    for name, scene in (("before", world.before), ("after", world.after)):
        _write(folder / f"{name}.tif", grid, raster.BandStyle(BANDS, "uint16", nodata=0), scene.image)
        _write(folder / "truth" / f"{name}.tif", grid, _class_style(), scene.truth[None])
    _write_osm(folder / "osm.gpkg", world, grid)
    _write_landcover(folder, grid)
    _write_tables(folder)
    return world


def _write(path: Path, grid: Grid, style: raster.BandStyle, pixels: NDArray[Any]) -> None:
    with raster.write_cog(path, grid, style) as writer:
        for row in range(0, grid.height, _ROWS):
            writer.write(row, pixels[:, row : row + _ROWS])


def _class_style() -> raster.BandStyle:
    return raster.BandStyle(
        ("class",),
        nodata=255,
        palette={entry.code: tuple(bytes.fromhex(entry.color[1:])) for entry in CLASSES},  # type: ignore[misc]
        categories={entry.code: entry.title for entry in CLASSES},
        overviews="mode",
    )


def _write_osm(path: Path, world: World, grid: Grid) -> None:
    """Land use as polygons and roads as lines, in longitude and latitude, columns as Geofabrik's extracts have them."""
    outlines, ids = raster.polygonise(world.mapped, grid)
    outlines = shapely.simplify(outlines, _GSD_M * 0.6)
    names = np.array([""] + [entry.name for entry in CLASSES], dtype=object)
    landuse = Layer(
        "landuse",
        geodesy.project_geometries(np.asarray(outlines, dtype=object), CRS, "EPSG:4326"),
        {"osm_id": 900_000 + ids.astype(np.int64), "fclass": names[world.mapped_class[ids]]},
        "EPSG:4326",
    )
    vector.write_layer(path, landuse, "GPKG")

    def to_map(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(grid.xy(coordinates[:, 0], coordinates[:, 1]))

    lines = np.asarray(shapely.transform(np.array(world.roads, dtype=object), to_map), dtype=object)
    roads = Layer(
        "roads",
        geodesy.project_geometries(lines, CRS, "EPSG:4326"),
        {
            "osm_id": 100_000 + np.arange(len(lines), dtype=np.int64),
            "fclass": np.full(len(lines), "track", dtype=object),
        },
        "EPSG:4326",
        kind="LineString",
    )
    vector.write_layer(path, roads, "GPKG")


def _write_landcover(folder: Path, grid: Grid) -> None:
    """The truth of the first date, generalised to 33 m in longitude and latitude: small things are lost in it."""
    truth = raster.describe(folder / "truth" / "before.tif")
    corners = geodesy.reproject(np.array(grid.bounds[::2]), np.array(grid.bounds[1::2]), CRS, "EPSG:4326")
    (west, south), (east, north) = corners
    step = _LANDCOVER_DEGREES
    shape = (int(np.ceil((north - south) / step)), int(np.ceil((east - west) / step)))
    coarse = Grid("EPSG:4326", Affine(step, 0, west, 0, -step, north), shape[1], shape[0])
    with raster.open_raster(truth, coarse, "mode") as reader:
        codes, valid = reader.read(Window(0, 0, coarse.width, coarse.height))
    _write(folder / "landcover.tif", coarse, _class_style(), np.where(valid, codes, 255).astype(np.uint8))


def _write_tables(folder: Path) -> None:
    """The legend of the land-cover map, which knows no mines, and the scheme of the classes."""
    known = [entry for entry in CLASSES if entry.name != MINE]
    rows = ["code,name,title,color", *(f"{entry.code},{entry.name},{entry.title},{entry.color}" for entry in known)]
    (folder / "landcover.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    legend = [
        "code,name,title,color",
        *(f"{entry.code},{entry.name},{entry.title},{entry.color}" for entry in CLASSES),
    ]
    (folder / "truth" / "legend.csv").write_text("\n".join(legend) + "\n", encoding="utf-8")
    tables = [
        f'[[class]]\nname = "{entry.name}"\ntitle = "{entry.title}"\ncolor = "{entry.color}"\n' for entry in CLASSES
    ]
    (folder / "scheme.toml").write_text('name = "demo"\n\n' + "\n".join(tables), encoding="utf-8")


def write_picture(path: Path, folder: Path) -> None:
    """Before, after and what was found, side by side."""
    pictures = []
    for name in ("before", "after"):
        info = raster.describe(folder / f"{name}.tif")
        with raster.open_raster(info.choose(["red", "green", "blue"])) as reader:
            pictures.append(true_colour(*reader.read(Window(0, 0, info.width, info.height))))
    found = raster.describe(folder / "after.geolabel" / "classes.tif")
    with raster.open_raster(found) as reader:
        classes = reader.read(Window(0, 0, found.width, found.height))[0][0]
    names = [entry.name for entry in CLASSES]
    bare = np.where(classes == names.index("forest") + 1, 0, classes).astype(np.uint8)
    colors = [entry.color for entry in CLASSES]
    write_panels(
        path,
        [
            ("Before", pictures[0]),
            ("After", pictures[1]),
            ("Predicted from tiles of 320 m", overlay(pictures[1], bare, colors)),
        ],
        [(entry.title, entry.color) for entry in CLASSES if entry.name != "forest"],
    )
