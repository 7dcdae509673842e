"""The only importer of geopandas and pyogrio: read features of a region, write layers."""

import warnings

from geolabel.vector.indexed import IndexedLayer, open_layer
from geolabel.vector.osm import is_osm, open_osm, osm_date
from geolabel.vector.placed import Placed
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
from geolabel.vector.rings import FlatRings, joined, rings_of
from geolabel.vector.write import NO_TIME, Driver, Layer, write_geojson, write_layer

# GDAL's asides, such as a ring of a relation that is not closed, arrive as warnings; what matters as an exception
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"geolabel\.vector\.")

__all__ = [
    "NO_TIME",
    "Driver",
    "Features",
    "FlatRings",
    "IndexedLayer",
    "Layer",
    "Placed",
    "distinct",
    "field_names",
    "is_osm",
    "joined",
    "list_layers",
    "look",
    "open_layer",
    "open_osm",
    "osm_date",
    "read_area",
    "read_features",
    "read_layer",
    "read_values",
    "rings_of",
    "write_geojson",
    "write_layer",
]
