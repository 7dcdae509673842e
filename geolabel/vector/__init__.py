"""The only importer of geopandas and pyogrio: read features of a region, write layers."""

from geolabel.vector.read import Features, read_area, read_features, read_layer
from geolabel.vector.write import Layer, write_geojson, write_layer

__all__ = ["Features", "Layer", "read_area", "read_features", "read_layer", "write_geojson", "write_layer"]
