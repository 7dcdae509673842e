"""Features of a vector file, moved once, at the door, into the CRS that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, geodesy
from geolabel.errors import CRSError, EmptyError, InputError
from geolabel.vector.write import Layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid


@dataclass(frozen=True, slots=True)
class Features:
    """Valid, non-empty geometries with one attribute."""

    geometries: NDArray[Any]
    """(n,) shapely geometries, in the CRS asked for."""
    values: NDArray[Any]
    """(n,) strings of the field asked for; empty strings where there is none."""
    repaired: int
    """How many had invalid rings and were repaired."""


def read_features(path: Path, crs: str, *, field: str | None = None, layer: str | None = None) -> Features:
    """Read the polygons and lines of a layer in `crs`.

    Raises InputError (missing, unreadable, no such layer or field), CRSError (no CRS), EmptyError (no features).
    """
    import pyogrio.raw
    import shapely

    name = _layer(path, layer)
    info = pyogrio.read_info(path, layer=name)
    if not info["crs"]:
        raise CRSError(
            f"{path}: has no coordinate reference system; assign one: ogr2ogr -a_srs EPSG:4326 out.gpkg {path}"
        )
    if field is not None and field not in info["fields"]:
        raise InputError(
            f"{path}: no field {field!r}; there are {', '.join(info['fields']) or 'none'}. Choose with --field"
        )
    try:
        _, _, wkb, columns = pyogrio.raw.read(path, layer=name, columns=[field] if field else [])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    if len(wkb) == 0:
        raise EmptyError(f"{path}: layer {name!r} holds no features; choose another with --layer")
    geometries = shapely.force_2d(shapely.from_wkb(wkb))
    geometries = geodesy.project_geometries(geometries, info["crs"], crs)
    values = np.array(["" if value is None else str(value) for value in columns[0]]) if field else np.full(len(wkb), "")
    keep = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    geometries, values = geometries[keep], values[keep]
    broken = ~shapely.is_valid(geometries)
    if broken.any():
        geometries[broken] = shapely.make_valid(geometries[broken])
    return Features(np.asarray(geometries, dtype=object), values, int(broken.sum()))


def read_area(path: Path, grid: Grid) -> NDArray[Any]:
    """Polygons of an area of interest, in the grid's CRS. Raises EmptyError where none touches the grid."""
    import shapely

    features = read_features(path, grid.crs)
    touching = features.geometries[shapely.intersects(features.geometries, shapely.box(*grid.bounds))]
    return np.asarray(touching, dtype=object)


def _layer(path: Path, layer: str | None) -> str:
    import pyogrio

    files.check_readable(path, "a vector file")
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(
            f"{path}: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo"
        ) from error
    if not layers:
        raise InputError(f"{path}: holds no layers; check it with ogrinfo")
    if layer is None:
        return layers[0]
    if layer not in layers:
        raise InputError(f"{path}: no layer {layer!r}; there are {', '.join(layers)}. Choose with --layer")
    return layer


def read_layer(path: Path, layer: str | None = None) -> Layer:
    """Read a whole layer with all its columns, as it stands. Raises InputError, CRSError."""
    import pyogrio.raw
    import shapely

    name = _layer(path, layer)
    try:
        meta, _, wkb, columns = pyogrio.raw.read(path, layer=name)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    if not meta["crs"]:
        raise CRSError(f"{path}: has no coordinate reference system; assign one with ogr2ogr -a_srs")
    shapes = np.asarray(shapely.from_wkb(wkb), dtype=object)
    return Layer(name, shapes, dict(zip(meta["fields"].tolist(), columns, strict=True)), meta["crs"])
