"""Layers written, each format by its own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from geolabel.vector.geojson import write_geojson
from geolabel.vector.geoparquet import write_geoparquet
from geolabel.vector.ogr import write_ogr
from geolabel.vector.tiles import write_pmtiles

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector.layer import Layer

Driver = Literal["GPKG", "GeoJSON", "FlatGeobuf", "Parquet", "PMTiles"]


def write_layer(path: Path, layer: Layer, driver: Driver) -> None:
    """Write a layer; into a GeoPackage that exists, it is added. Raises OutputError (disk full), CRSError.

    Days are dates in all of them, where a format has such a type: FlatGeobuf keeps them as midnight, tiles as text.
    """
    if driver == "Parquet":
        write_geoparquet(path, layer)
    elif driver == "GeoJSON":
        write_geojson(path, layer)
    elif driver == "PMTiles":
        write_pmtiles(path, layer)
    elif driver == "GPKG":
        # GDAL's own choice of version, 1.4, makes QGIS 3.22 and GDAL 3.4 warn
        write_ogr(path, layer, driver, VERSION="1.2", **({"DESCRIPTION": layer.about} if layer.about else {}))
    else:
        write_ogr(path, layer, driver)
