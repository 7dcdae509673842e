"""What layers a vector file holds: names, kinds, fields, extents; without reading a feature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geolabel.errors import InputError
from geolabel.vector import trust
from geolabel.vector.asides import unheard

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """A layer of a vector file."""

    name: str
    kind: str
    """Of its geometries."""
    features: int | None
    """None where the format does not say without reading all."""
    crs: str | None
    """WKT, PROJJSON or an authority code."""
    bounds: tuple[float, float, float, float] | None
    """West, south, east, north, in units of the CRS; None where the format does not say, or nothing is there."""
    fields: tuple[str, ...]
    dtypes: tuple[str, ...]
    """Of the fields, as numpy or Arrow calls them."""
    about: str = ""
    """What the layer says of itself."""


def layers_of(path: Path) -> tuple[str, tuple[LayerSummary, ...]]:
    """GDAL's name of the format, and the layers that have geometries. Raises InputError (no vector file, truncated)."""
    trust.check(path)
    return ("Parquet", (_of_parquet(path),)) if trust.is_parquet(path) else _of_ogr(path)


def _of_ogr(path: Path) -> tuple[str, tuple[LayerSummary, ...]]:
    import pyogrio

    try:
        with unheard():
            names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
            told = [pyogrio.read_info(path, layer=name) for name in names]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(
            f"{path}: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo"
        ) from error
    if not names:
        raise InputError(f"{path}: holds no layers with geometries, or is truncated; check it with ogrinfo")
    return str(told[0]["driver"]), tuple(_layer(info, name) for info, name in zip(told, names, strict=True))


def _layer(info: dict[str, Any], name: str) -> LayerSummary:
    count = int(info["features"])
    bounds = info["total_bounds"] if count else None
    return LayerSummary(
        name=name,
        kind=str(info["geometry_type"] or "Unknown"),
        features=count if count >= 0 else None,
        crs=info["crs"] or None,
        bounds=_box(bounds),
        fields=tuple(map(str, info["fields"])),
        dtypes=tuple(map(str, info["dtypes"])),
        about=str((info["layer_metadata"] or {}).get("DESCRIPTION", "")),
    )


def _box(bounds: Any) -> tuple[float, float, float, float] | None:
    """West, south, east, north of what may hold heights as well."""
    if bounds is None:
        return None
    half = len(bounds) // 2
    return float(bounds[0]), float(bounds[1]), float(bounds[half]), float(bounds[half + 1])


def _of_parquet(path: Path) -> LayerSummary:
    """GeoParquet, by its metadata. Raises InputError where it is another Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as stored:
            schema, rows = stored.schema_arrow, int(stored.metadata.num_rows)
            told = json.loads((stored.metadata.metadata or {}).get(b"geo", b"null"))
        if told is None:
            raise InputError(f"{path}: a Parquet table without geometries; geopandas writes GeoParquet")
        name = told["primary_column"]
        column = told["columns"][name]
        kind = ", ".join(column.get("geometry_types", ())) or "Unknown"
        crs = column.get("crs", "OGC:CRS84")
        bounds = column.get("bbox")
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is a Parquet file that is truncated or damaged; copy it again") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: its description of geometries is damaged ({error}); write it again") from error
    plain = [field for field in schema if field.name not in (name, "bbox")]
    return LayerSummary(
        name=path.stem,
        kind=kind,
        features=rows,
        crs=json.dumps(crs) if isinstance(crs, dict) else crs,
        bounds=_box(bounds),
        fields=tuple(field.name for field in plain),
        dtypes=tuple(str(field.type) for field in plain),
    )
