"""Layers written: GeoPackage, GeoJSON by RFC 7946, FlatGeobuf, GeoParquet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel import geodesy
from geolabel.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

NO_TIME = "2000-01-01T00:00:00.000Z"
"""Written where a format insists on the time of writing."""
Driver = Literal["GPKG", "GeoJSON", "FlatGeobuf", "Parquet"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Geometries with columns, ready to be written."""

    name: str
    geometries: NDArray[Any]
    """(n,) shapely geometries in `crs`."""
    columns: Mapping[str, NDArray[Any]]
    """Name → (n,) values."""
    crs: str
    kind: Literal["Polygon", "MultiPolygon", "LineString", "Point"] = "MultiPolygon"
    about: str = ""
    """What a GeoPackage says of it: whose data it is, say. QGIS shows it among the layer's properties."""
    attribution: tuple[str, ...] = ()
    """Whose data it is made of; every format has a place for it."""


def write_layer(path: Path, layer: Layer, driver: Driver) -> None:
    """Write a layer; into a GeoPackage that exists, it is added. Raises OutputError (disk full)."""
    if driver == "Parquet":
        _write_geoparquet(path, layer)
    elif driver == "GeoJSON":
        write_geojson(path, layer)
    elif driver == "GPKG":
        # GDAL's own choice of version, 1.4, makes QGIS 3.22 and GDAL 3.4 warn
        _write_ogr(path, layer, driver, VERSION="1.2", **({"DESCRIPTION": layer.about} if layer.about else {}))
    else:
        _write_ogr(path, layer, driver)


def write_geojson(path: Path, layer: Layer) -> None:
    """Write GeoJSON by RFC 7946: WGS 84, seven decimals, right-hand rule, cut at the antimeridian."""
    geographic = geodesy.project_geometries(layer.geometries, layer.crs, "EPSG:4326")
    moved = replace(layer, geometries=geographic, crs="EPSG:4326")
    _write_ogr(path, moved, "GeoJSON", RFC7946="YES", WRITE_NAME="NO")


def _write_ogr(path: Path, layer: Layer, driver: Driver, **options: str) -> None:
    import pyogrio.errors
    import pyogrio.raw
    import shapely

    geometries = layer.geometries
    if layer.attribution:
        options["DESCRIPTION"] = "; ".join(layer.attribution)
    if layer.kind == "MultiPolygon" and len(geometries):
        parts, owner = shapely.get_parts(geometries, return_index=True)
        geometries = np.asarray(shapely.multipolygons(parts, indices=owner), dtype=object)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": NO_TIME})  # the same input gives the same bytes
    try:
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb(geometries),
            field_data=[np.asarray(values) for values in layer.columns.values()],
            fields=list(layer.columns),
            layer=layer.name,
            driver=driver,
            geometry_type=layer.kind,
            crs=layer.crs,
            append=path.exists() and driver == "GPKG",
            **options,
        )
    except (RuntimeError, OSError) as error:  # pyogrio's errors are RuntimeErrors
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error


def _write_geoparquet(path: Path, layer: Layer) -> None:
    import geopandas

    frame = geopandas.GeoDataFrame(dict(layer.columns), geometry=layer.geometries, crs=layer.crs)
    try:
        frame.to_parquet(path, write_covering_bbox=True, schema_version="1.1.0", compression="zstd")
        if layer.attribution:
            _sign(path, layer.attribution)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error


def _sign(path: Path, attribution: tuple[str, ...]) -> None:
    """Put the attribution into the metadata of a Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    metadata = {**(table.schema.metadata or {}), b"attribution": "; ".join(attribution).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")
