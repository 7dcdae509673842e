"""Features of a vector file, moved once, at the door, into the CRS that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, geodesy
from geolabel.errors import CRSError, EmptyError, InputError, OptionError
from geolabel.vector.layer import Layer

_METRES_PER_DEGREE = 100_000.0
_PIECES = 64
"""Of a rectangle's sides: straight lines on the globe are none in most projections."""
_AROUND, _SIDE = 10.0, 0.01
"""How far around a place features are read, and how long a side may be, degrees."""

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.grid import Grid


@dataclass(frozen=True, slots=True)
class Features:
    """Valid, non-empty geometries with one attribute."""

    geometries: NDArray[Any]
    """(n,) shapely geometries, in the CRS asked for."""
    values: NDArray[Any]
    """(n,) strings of the field asked for; empty strings where there is none."""
    repaired: int
    """How many had invalid rings and were repaired."""


def read_features(
    path: Path,
    crs: str,
    *,
    field: str | None = None,
    layer: str | None = None,
    within: tuple[float, float, float, float] | None = None,
) -> Features:
    """Read the polygons and lines of a layer, in `crs`; with `within` (west, south, east, north), those it touches.

    Raises InputError (missing, unreadable, no such layer or field), CRSError (no CRS), EmptyError (no features).
    """
    import shapely

    name, info = look(path, field, layer)
    region = geodesy.project_bounds(within, crs, info["crs"]) if within else None
    _, wkb, columns = _read(path, name, [field] if field else [], region)
    try:
        geometries = around(decode(path, wkb), region, info["crs"])
        geometries = geodesy.project_geometries(geometries, info["crs"], crs)
    except CRSError as error:
        raise CRSError(f"{path}: {error}") from error
    geometries, broken = repair(geometries)
    values = _text(columns[0]) if field else np.full(len(wkb), "")
    keep = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    return Features(np.asarray(geometries[keep], dtype=object), values[keep], int(broken.sum()))


def read_values(path: Path, field: str, layer: str | None = None) -> list[str]:
    """The different values of a field, sorted, without the empty one. Raises as `read_features` does."""
    name, _ = look(path, field, layer)
    import pyogrio.raw

    try:
        _, table = pyogrio.raw.read_arrow(path, layer=name, columns=[field], read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    return distinct(table[field])[0]


def list_layers(path: Path) -> list[str]:
    """Names of the layers of a vector file that have a geometry: a style is no layer. Raises InputError."""
    import pyogrio

    files.check_readable(path, "a vector file")
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(
            f"{path}: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo"
        ) from error
    if not layers:
        raise InputError(f"{path}: holds no layers with geometries, or is truncated; check it with ogrinfo")
    return layers


def field_names(path: Path, layer: str) -> list[str]:
    """Names of a layer's attributes."""
    import pyogrio

    return [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]


def look(path: Path, field: str | None, layer: str | None) -> tuple[str, dict[str, Any]]:
    """The layer's name and description, when it has a CRS, features and the field."""
    import pyogrio

    name = _layer(path, layer)
    if path.suffix.lower() == ".shp":
        _check_length(path)
    info: dict[str, Any] = pyogrio.read_info(path, layer=name, force_feature_count=True)
    if not info["crs"]:
        raise CRSError(
            f"{path}: has no coordinate reference system; assign one: ogr2ogr -a_srs EPSG:4326 out.gpkg {path}"
        )
    if field is not None and field not in info["fields"]:
        raise InputError(
            f"{path}: no field {field!r}; there are {', '.join(info['fields']) or 'none'}. Choose with --field"
        )
    if info["features"] == 0:
        raise EmptyError(f"{path}: layer {name!r} holds no features; choose another with --layer")
    return name, info


def _check_length(path: Path) -> None:
    """Refuse a .shp that is shorter than its header says: GDAL reads what is missing as features without a place."""
    with path.open("rb") as stream:
        promised = 2 * int.from_bytes(stream.read(28)[24:], "big")
    size = path.stat().st_size
    if size < promised:
        raise InputError(f"{path}: {size:,} of {promised:,} bytes are there; it is truncated, copy it again")


def _read(
    path: Path, layer: str, columns: list[str] | None, region: tuple[float, float, float, float] | None = None
) -> tuple[Any, NDArray[Any], Any]:
    """Metadata, geometries as WKB (n,) and columns. A file that breaks off is refused, not read in part."""
    import pyogrio.raw

    try:
        meta, _, wkb, values = pyogrio.raw.read(path, layer=layer, columns=columns, bbox=region)
        promised = int(pyogrio.read_info(path, layer=layer)["features"])
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    if region is None and len(wkb) < promised:
        raise InputError(f"{path}: {len(wkb)} of {promised} features can be read; it is truncated, copy it again")
    return meta, wkb, values


def decode(path: Path, wkb: NDArray[Any]) -> NDArray[Any]:
    """Geometries (n,) without heights. Raises InputError where there are curves."""
    import shapely

    try:
        shapes = shapely.from_wkb(wkb)
    except NotImplementedError as error:
        raise InputError(
            f"{path}: holds curves; make straight lines of them: ogr2ogr -nlt CONVERT_TO_LINEAR out.gpkg {path}"
        ) from error
    return np.asarray(shapely.force_2d(shapes) if shapely.has_z(shapes).any() else shapes, dtype=object)


def repair(geometries: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Valid geometries, and which were not. What has no area (a spike of a ring) goes: an area stays an area.

    Of a mixed collection with polygons, as clipping leaves it, the polygons remain.
    """
    import shapely

    geometries = _without_slivers(geometries)
    broken = ~(shapely.is_valid(geometries) | shapely.is_missing(geometries))
    if broken.any():
        geometries = geometries.copy()
        geometries[broken] = shapely.make_valid(geometries[broken], method="structure", keep_collapsed=False)
    return geometries, broken


def _without_slivers(geometries: NDArray[Any]) -> NDArray[Any]:
    import shapely

    mixed = np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION)
    if len(mixed):
        geometries = geometries.copy()
    for at in mixed.tolist():
        parts = shapely.get_parts(shapely.get_parts(geometries[at]))
        areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        if len(areas):
            geometries[at] = shapely.multipolygons(areas)
    return geometries


def straight(crs: str) -> float:
    """How long a shape may be, in units of a CRS, for its sides to be taken as straight in others: about a degree."""
    return 1.0 if geodesy.is_geographic(crs) else _METRES_PER_DEGREE


def around(geometries: NDArray[Any], region: tuple[float, float, float, float] | None, crs: str) -> NDArray[Any]:
    """Geometries (n,) of `crs`, ready to be moved into another CRS; `region` (west, south, east, north) is the place.

    A straight side in one CRS is none in another: long ones get vertices on their way. What reaches far beyond
    the place is cut: the other side of the Earth has no place in most CRSs.
    """
    import shapely

    unit = straight(crs)
    bounds = shapely.bounds(geometries)
    long = (bounds[:, 2:] - bounds[:, :2]).max(axis=1, initial=0) > unit
    if not long.any():
        return geometries
    geometries = geometries.copy()
    if region:
        west, south, east, north = np.add(region, np.array([-1, -1, 1, 1]) * _AROUND * unit)
        vast = long & ((bounds[:, :2] < (west, south)).any(axis=1) | (bounds[:, 2:] > (east, north)).any(axis=1))
        geometries[vast] = shapely.intersection(geometries[vast], shapely.box(west, south, east, north))
    geometries[long] = shapely.segmentize(geometries[long], unit * _SIDE)
    return _without_slivers(geometries)


def distinct(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """The different values of an attribute as text, and the place of each row's value among them (n,); -1 = none.

    Blanks around a value do not count, nor do empty ones.
    """
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(column).combine_chunks()
    place = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
    texts = [text.strip() for text in _text(encoded.dictionary.to_numpy(zero_copy_only=False)).tolist()]
    names = sorted(set(texts) - {""})
    number = {text: at for at, text in enumerate(names)}
    of_code = np.array([*(number.get(text, -1) for text in texts), -1], dtype=np.int64)
    return names, of_code[place]


def _text(values: NDArray[Any]) -> NDArray[Any]:
    """Values of an attribute as strings, missing ones empty: GDAL gives whole numbers beside a null as floats."""
    if values.dtype.kind == "f":
        return np.array(["" if np.isnan(value) else f"{value:.15g}" for value in values.tolist()])
    return np.array(["" if value is None else str(value) for value in values])


def rectangle(area: Path) -> tuple[float, float, float, float] | None:
    """West, south, east and north, degrees, where an area of interest is written so instead of naming a file.

    Raises OptionError for numbers that are no rectangle.
    """
    parts = str(area).split(",")
    try:
        west, south, east, north = map(float, parts)
    except ValueError:
        return None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):  # noqa: PLR2004 - degrees; NaN is none of them
        raise OptionError(
            f"--aoi {area}: is no rectangle of longitudes and latitudes; write west,south,east,north in degrees"
        )
    return west, south, east, north


def read_area(path: Path, grid: Grid) -> NDArray[Any]:
    """Polygons of an area of interest, in the grid's CRS: those that touch the grid, (0,) where none does.

    A file, or a rectangle in longitude and latitude, as `rectangle` reads it.
    """
    import shapely

    told = rectangle(path)
    if told is None:
        shapes = read_features(path, grid.crs, within=grid.bounds).geometries
    else:
        west, south, east, north = told
        longest = max(east - west, north - south) / _PIECES
        outline = shapely.segmentize(np.array([shapely.box(west, south, east, north)]), longest)
        shapes = geodesy.project_geometries(outline, "EPSG:4326", grid.crs)
    touching = shapes[shapely.intersects(shapes, shapely.box(*grid.bounds))]
    return np.asarray(touching, dtype=object)


def _layer(path: Path, layer: str | None) -> str:
    layers = list_layers(path)
    if layer is None:
        return layers[0]
    if layer not in layers:
        raise InputError(f"{path}: no layer {layer!r}; there are {', '.join(layers)}. Choose with --layer")
    return layer


def read_layer(path: Path, layer: str | None = None) -> Layer:
    """Read a whole layer with all its columns, as it stands. Raises InputError, CRSError."""
    import shapely

    name = _layer(path, layer)
    meta, wkb, columns = _read(path, name, None)
    if not meta["crs"]:
        raise CRSError(f"{path}: has no coordinate reference system; assign one with ogr2ogr -a_srs")
    shapes = np.asarray(shapely.from_wkb(wkb), dtype=object)
    return Layer(name, shapes, dict(zip(meta["fields"].tolist(), columns, strict=True)), meta["crs"])
