"""The only importer of geopandas and pyogrio: read features of a region, write layers."""

from geolabel.vector.indexed import IndexedLayer, Placed, open_layer
from geolabel.vector.osm import is_osm, open_osm, osm_date
from geolabel.vector.read import (
    Features,
    distinct,
    field_names,
    list_layers,
    look,
    read_area,
    read_features,
    read_layer,
    read_values,
)
from geolabel.vector.write import NO_TIME, Layer, write_geojson, write_layer

__all__ = [
    "NO_TIME",
    "Features",
    "IndexedLayer",
    "Layer",
    "Placed",
    "distinct",
    "field_names",
    "is_osm",
    "list_layers",
    "look",
    "open_layer",
    "open_osm",
    "osm_date",
    "read_area",
    "read_features",
    "read_layer",
    "read_values",
    "write_geojson",
    "write_layer",
]
