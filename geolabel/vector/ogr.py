"""Layers written by GDAL: GeoPackage, FlatGeobuf, and what other formats are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import provenance
from geolabel.errors import OutputError
from geolabel.vector import trust
from geolabel.vector.layer import as_multipolygons

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector.layer import Layer

NO_TIME = "2000-01-01T00:00:00.000Z"
"""Written where a format insists on the time of writing."""
_JSON = "application/vnd.geo+json"
_WITH_METADATA = ("GPKG", "FlatGeobuf")


def write_ogr(path: Path, layer: Layer, driver: str, **options: str) -> None:
    """Write a layer with one of GDAL's drivers; into a GeoPackage that exists, it is added. Raises OutputError."""
    import pyogrio.errors
    import pyogrio.raw
    import shapely

    told = provenance.text(path)
    if told and driver == "GeoJSON":  # a member of its own beside the features (RFC 7946, 6.1)
        options |= {
            "NATIVE_DATA": f'{{"type": "FeatureCollection", "{provenance.NAME}": {told}}}',
            "NATIVE_MEDIA_TYPE": _JSON,
        }
    # of the layer: GDAL writes what a dataset says into an .aux.xml beside whatever only reads it
    more: dict[str, Any] = {"layer_metadata": {provenance.KEY: told}} if told and driver in _WITH_METADATA else {}
    if layer.attribution:
        options["DESCRIPTION"] = "; ".join(layer.attribution)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": NO_TIME})  # the same input gives the same bytes
    try:
        with trust.plainly_named(path) as plain:
            pyogrio.raw.write(
                plain,
                geometry=shapely.to_wkb(as_multipolygons(layer)),
                field_data=[np.asarray(values) for values in layer.columns.values()],
                fields=list(layer.columns),
                layer=layer.name,
                driver=driver,
                geometry_type=layer.kind,
                crs=layer.crs,
                append=path.exists() and driver == "GPKG",
                **more,
                **options,
            )
    except (RuntimeError, OSError) as error:  # pyogrio's errors are RuntimeErrors
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error


def layer_description(path: Path, name: str) -> str:
    """What a layer of a file says of itself, the attribution where geolabel wrote it; empty where it says nothing."""
    import pyogrio

    metadata = pyogrio.read_info(path, layer=name)["layer_metadata"] or {}
    return str(metadata.get("DESCRIPTION", ""))
