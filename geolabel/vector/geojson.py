"""GeoJSON by RFC 7946: WGS 84, seven decimals, right-hand rule, cut at the antimeridian."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from geolabel.vector.layer import as_multipolygons
from geolabel.vector.ogr import write_ogr
from geolabel.vector.wgs84 import rounded, to_wgs84

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector.layer import Layer


def write_geojson(path: Path, layer: Layer) -> None:
    """Write a layer as GeoJSON; polygons stay valid polygons at seven decimals. Raises CRSError, OutputError."""
    geometries = to_wgs84(as_multipolygons(layer), layer.crs)
    if layer.kind.endswith("Polygon"):
        geometries = rounded(geometries)
    # GDAL turns the rings and writes the decimals
    write_ogr(path, replace(layer, geometries=geometries, crs="EPSG:4326"), "GeoJSON", RFC7946="YES", WRITE_NAME="NO")
