"""Vector files of an animal, written by hand: what a library would not write must be there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.zoo_rooms.animal import Den

WEST, SOUTH, EAST, NORTH = -69.915, -12.690, -69.900, -12.675
"""Degrees: within the region of the den."""
BOX = shapely.box(WEST, SOUTH, EAST, NORTH)
RING = [[x, y] for x, y in BOX.exterior.coords]


def label(den: Den, path: str, *more: object, field: str = "landuse") -> Sequence[object]:
    """The command that labels the den's tiles by a vector file, into out.parquet."""
    den.take("region.tif")
    den.take("tiles.parquet")
    return ("label", "tiles.parquet", "--vector", path, "--field", field, *more, "-o", "out.parquet")


def polygon(*rings: Sequence[Any]) -> dict[str, Any]:
    """A geometry of GeoJSON."""
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    """A feature of GeoJSON: of the class `forest` where nothing else is said."""
    return {"type": "Feature", "properties": properties or {"landuse": "forest"}, "geometry": geometry}


def collection(path: Path, *geometries: Any, **more: Any) -> Path:
    """A GeoJSON of features of the class `forest`."""
    return whole(path, {"type": "FeatureCollection", **more, "features": [feature(one) for one in geometries]})


def whole(path: Path, content: Any) -> Path:
    """JSON as it stands; NaN and Infinity are written as Python has them."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def layer(path: Path, *shapes: shapely.Geometry | None, crs: str = "EPSG:4326", **options: Any) -> Path:
    """Features of the class `forest` in any format, by GDAL."""
    frame = geopandas.GeoDataFrame({"landuse": ["forest"] * len(shapes)}, geometry=list(shapes), crs=crs)
    frame.to_file(path, **options)
    return path
