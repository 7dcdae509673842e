"""The peers of benchmarks/labels.py, as one would write them; run by their own Python, each in a fresh process.

python labels_peers.py NAME PLAN.json OUT — the table (tiles, classes) of shares goes to OUT as .npy, tiles row by row.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

Plan = dict[str, Any]


def boxes(plan: Plan) -> Any:
    """The tiles, row by row."""
    import geopandas

    side_m = plan["tile_px"] * plan["gsd_m"]
    count = plan["side_px"] // plan["tile_px"]
    row, col = (axis.ravel() for axis in np.indices((count, count)))
    west, north = plan["west"] + col * side_m, plan["north"] - row * side_m
    shapes = shapely.box(west, north - side_m, west + side_m, north)
    return geopandas.GeoDataFrame({"tile": np.arange(len(shapes))}, geometry=shapes, crs=plan["crs"])


def overlay(plan: Plan) -> NDArray[np.float64]:
    """geopandas.overlay, areas summed by tile and class: where polygons overlap, both count."""
    import geopandas

    tiles, polygons = boxes(plan), geopandas.read_file(plan["landuse"])
    parts = geopandas.overlay(tiles, polygons, how="intersection")
    sums = parts.area.groupby([parts["tile"], parts["landuse"]]).sum().unstack(fill_value=0.0)
    sums = sums.reindex(index=tiles["tile"], columns=plan["values"], fill_value=0.0)
    return np.asarray(sums, dtype=np.float64) / float(plan["tile_px"] * plan["gsd_m"]) ** 2


def burn(plan: Plan) -> NDArray[np.float64]:
    """Polygons burned at the raster's pixel size, in the order of the file, and exactextract on the tiles."""
    import geopandas
    import rasterio
    from rasterio.features import rasterize
    from rasterio.transform import from_origin

    tiles, polygons = boxes(plan), geopandas.read_file(plan["landuse"])
    number = polygons["landuse"].map({value: at for at, value in enumerate(plan["values"], start=1)})
    side, gsd = plan["side_px"], plan["gsd_m"]
    transform = from_origin(plan["west"], plan["north"], gsd, gsd)
    burned = rasterize(
        zip(polygons.geometry, number, strict=True), out_shape=(side, side), transform=transform, dtype="uint8"
    )
    path = Path(plan["landuse"]).with_suffix(".burned.tif")
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", crs=plan["crs"], transform=transform, **profile) as dataset:
        dataset.write(burned, 1)
    del burned, polygons
    found = _fractions(path, tiles, len(plan["values"]))
    path.unlink()
    return found


def cells(plan: Plan) -> NDArray[np.float64]:
    """Each polygon by exactextract over a raster whose cells are the tiles: where they overlap, both count."""
    import geopandas
    from exactextract import exact_extract  # type: ignore[import-untyped]
    from exactextract.raster import NumPyRasterSource  # type: ignore[import-untyped]

    polygons = geopandas.read_file(plan["landuse"])
    count = plan["side_px"] // plan["tile_px"]
    side_m = plan["side_px"] * plan["gsd_m"]
    west, north = plan["west"], plan["north"]
    grid = NumPyRasterSource(
        np.zeros((count, count), np.uint8), xmin=west, ymin=north - side_m, xmax=west + side_m, ymax=north
    )
    number = polygons["landuse"].map({value: at for at, value in enumerate(plan["values"])}).to_numpy()
    source = _wkb_source(polygons.geometry.to_wkb().to_numpy(), plan["crs"])
    found = exact_extract(grid, source, ["cell_id", "coverage"], output="pandas")
    pieces = found["cell_id"].to_numpy()
    tile = np.concatenate(pieces).astype(np.int64)
    column = np.repeat(number, [len(piece) for piece in pieces])
    width = len(plan["values"])
    covered = np.concatenate(found["coverage"].to_numpy())
    sums = np.bincount(tile * width + column, covered, count * count * width).astype(np.float64)
    return sums.reshape(-1, width)


def clc(plan: Plan) -> NDArray[np.float64]:
    """Tiles moved into the raster's CRS, and exactextract as its documentation shows it."""
    return _fractions(Path(plan["clc"]), boxes(plan).to_crs(3035), plan["clc_codes"])


def clc_wkb(plan: Plan) -> NDArray[np.float64]:
    """The same, its features handed over as WKB rather than as GeoJSON."""
    tiles = boxes(plan).to_crs(3035)
    source = _wkb_source(tiles.geometry.to_wkb().to_numpy(), "EPSG:3035")
    return _fractions(Path(plan["clc"]), source, plan["clc_codes"])


def pyosmium(plan: Plan) -> int:
    """Areas with a key, by pyosmium, without those whose outline crosses itself; how many."""
    import osmium

    makes: Any = osmium.geom.WKBFactory()
    wanted = osmium.filter.KeyFilter("landuse")
    reader: Any = osmium.FileProcessor(plan["extract"]).with_areas(wanted).with_filter(wanted)
    outlines, values = [], []
    for thing in reader:
        if thing.is_area() and thing.num_rings()[0]:
            outlines.append(makes.create_multipolygon(thing))
            values.append(thing.tags["landuse"])
    return len(shapely.from_wkb(outlines))


def pyogrio_whole(plan: Plan) -> int:
    """The layer multipolygons, whole, by GDAL's driver; how many features."""
    import pyogrio

    return len(pyogrio.read_dataframe(plan["extract"], layer="multipolygons", use_arrow=True))


def write_extract(plan: Plan) -> int:
    """The polygons as closed ways of an OSM PBF, in degrees; how many."""
    import geopandas
    import osmium

    path = Path(plan["extract"])
    draft = path.with_name(f"draft-{path.name}")
    draft.unlink(missing_ok=True)
    polygons = geopandas.read_file(plan["landuse"]).to_crs(4326)
    at, index = shapely.get_coordinates(shapely.get_exterior_ring(polygons.geometry.to_numpy()), return_index=True)
    keep = np.append(index[1:] == index[:-1], False)  # the last vertex of each ring is its first
    at, index = at[keep], index[keep]
    begin = np.searchsorted(index, np.arange(len(polygons) + 1))
    with osmium.SimpleWriter(str(draft)) as writer:
        for number, (lon, lat) in enumerate(at.tolist(), start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, version=1, location=(lon, lat)))
        for way, value in enumerate(polygons["landuse"].tolist()):
            nodes = [*range(begin[way] + 1, begin[way + 1] + 1), begin[way] + 1]
            writer.add_way(osmium.osm.mutable.Way(id=way + 1, version=1, nodes=nodes, tags={"landuse": value}))
    draft.rename(path)
    return len(polygons)


def _fractions(path: Path, features: Any, classes: int) -> NDArray[np.float64]:
    """Share of each number 1 … n in each feature."""
    from exactextract import exact_extract

    found = exact_extract(str(path), features, ["unique", "frac"], output="pandas")
    pieces = found["unique"].to_numpy()
    table = np.zeros((len(pieces), classes + 1))
    row = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    table[row, np.concatenate(pieces).astype(np.int64)] = np.concatenate(found["frac"].to_numpy())
    return table[:, 1:]


def _wkb_source(wkb: NDArray[Any], crs: str) -> Any:
    """A feature source that does not go by way of GeoJSON."""
    import pyproj
    from exactextract.feature import Feature, FeatureSource  # type: ignore[import-untyped]

    wkt = pyproj.CRS.from_user_input(crs).to_wkt()

    class Shape(Feature):  # type: ignore[misc]
        def __init__(self, shape: bytes) -> None:
            super().__init__()
            self.shape = shape

        def geometry(self) -> bytes:
            return self.shape

        def fields(self) -> list[str]:
            return []

    class Shapes(FeatureSource):  # type: ignore[misc]
        def count(self) -> int:
            return len(wkb)

        def __iter__(self) -> Iterator[Shape]:
            return map(Shape, wkb.tolist())

        def srs_wkt(self) -> str:
            return wkt

    return Shapes()


PEERS: dict[str, Callable[[Plan], Any]] = {
    "overlay": overlay,
    "burn": burn,
    "cells": cells,
    "clc": clc,
    "clc-wkb": clc_wkb,
    "pyosmium": pyosmium,
    "pyogrio": pyogrio_whole,
    "write-extract": write_extract,
}


def main() -> None:
    """Run one peer."""
    name, plan, out = sys.argv[1:]
    found = PEERS[name](json.loads(Path(plan).read_text(encoding="utf-8")))
    if isinstance(found, int):
        print(found)
    else:
        np.save(out, found.astype(np.float32))


if __name__ == "__main__":
    main()
