"""GeoParquet 1.1: WKB, the CRS as PROJJSON, and a column of boxes by which a reader finds the rows of a region.

Source: OGC GeoParquet 1.1.0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy, provenance
from geolabel.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector.layer import Layer

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_GROUP = 1 << 16
"""Rows that a reader takes or leaves together."""
_KINDS = {0: "Point", 1: "LineString", 3: "Polygon", 6: "MultiPolygon"}


def write_geoparquet(path: Path, layer: Layer) -> None:
    """Write a layer; the attribution stands in the file's metadata. Raises OutputError (disk full)."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    bounds = shapely.bounds(layer.geometries).reshape(-1, 4)
    boxes = pa.StructArray.from_arrays([pa.array(edge, from_pandas=True) for edge in bounds.T], _EDGES)
    columns = {
        **{name: _column(values) for name, values in layer.columns.items()},
        "geometry": pa.array(shapely.to_wkb(layer.geometries), pa.binary()),
        "bbox": boxes,
    }
    metadata = {b"geo": json.dumps(_geo(layer, bounds)).encode()}
    if layer.attribution:
        metadata[b"attribution"] = "; ".join(layer.attribution).encode()
    metadata |= provenance.entry(path)
    try:
        pq.write_table(
            pa.table(columns).replace_schema_metadata(metadata), path, compression="zstd", row_group_size=_GROUP
        )
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error}); is the disk full?") from error


def _column(values: Any) -> Any:
    """Days become date32, unknown values null."""
    import pyarrow as pa

    return pa.array(values, pa.string() if values.dtype.kind in "OU" else None, from_pandas=True)


def _geo(layer: Layer, bounds: np.ndarray[Any, Any]) -> dict[str, Any]:
    import shapely

    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [_KINDS[kind] for kind in np.unique(shapely.get_type_id(layer.geometries)).tolist()],
        "crs": geodesy.projjson(layer.crs),
        "covering": {"bbox": {edge: ["bbox", edge] for edge in _EDGES}},
    }
    if len(layer.geometries):
        column["bbox"] = [*np.nanmin(bounds[:, :2], axis=0).tolist(), *np.nanmax(bounds[:, 2:], axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
