"""The only importer of geopandas and pyogrio: read features of a region, write layers."""

import warnings

from geolabel.vector.area import read_area, rectangle
from geolabel.vector.database import Table, is_dsn, table_at
from geolabel.vector.geojson import write_geojson
from geolabel.vector.indexed import IndexedLayer, open_layer
from geolabel.vector.layer import Layer
from geolabel.vector.ogr import NO_TIME, layer_description
from geolabel.vector.osm import is_osm, open_osm, osm_date
from geolabel.vector.placed import Placed
from geolabel.vector.postgis import write_postgis
from geolabel.vector.read import (
    Features,
    distinct,
    field_names,
    list_layers,
    look,
    read_features,
    read_layer,
    read_values,
)
from geolabel.vector.rings import FlatRings, joined, rings_of
from geolabel.vector.wgs84 import rounded, to_wgs84
from geolabel.vector.write import Driver, write_layer

# where layers are read in several threads, which `asides` cannot serve
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"geolabel\.vector\.|pyogrio\.")

__all__ = [
    "NO_TIME",
    "Driver",
    "Features",
    "FlatRings",
    "IndexedLayer",
    "Layer",
    "Placed",
    "Table",
    "distinct",
    "field_names",
    "is_dsn",
    "is_osm",
    "joined",
    "layer_description",
    "list_layers",
    "look",
    "open_layer",
    "open_osm",
    "osm_date",
    "read_area",
    "read_features",
    "read_layer",
    "read_values",
    "rectangle",
    "rings_of",
    "rounded",
    "table_at",
    "to_wgs84",
    "write_geojson",
    "write_layer",
    "write_postgis",
]
