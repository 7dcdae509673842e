"""The only importer of geopandas and pyogrio: read features of a region, write layers."""

from geolabel.vector.read import Features, read_area, read_features, read_layer, read_values
from geolabel.vector.write import NO_TIME, Layer, write_geojson, write_layer

__all__ = [
    "NO_TIME",
    "Features",
    "Layer",
    "read_area",
    "read_features",
    "read_layer",
    "read_values",
    "write_geojson",
    "write_layer",
]
