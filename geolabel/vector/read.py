"""Features of a vector file, moved once, at the door, into the CRS that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import CRSError, EmptyError, InputError, listed
from geolabel.vector import trust
from geolabel.vector.asides import unheard
from geolabel.vector.layer import Layer

_METRES_PER_DEGREE = 100_000.0
FARTHEST = 1e9
"""Of all coordinates, in units of any CRS: twenty times around the Earth in metres."""
_AROUND, _SIDE = 10.0, 0.01
"""How far around a place features are read, and how long a side may be, degrees."""

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray


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


@unheard()
def read_values(path: Path, field: str, layer: str | None = None) -> list[str]:
    """The different values of a field, sorted, without the empty one. Raises as `read_features` does."""
    import pyarrow as pa
    import pyogrio.raw

    name, _ = look(path, field, layer)

    try:
        _, table = pyogrio.raw.read_arrow(path, layer=name, columns=[field], read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    if not _is_name(table[field].type):
        raise InputError(f"{path}: {field!r} holds {table[field].type}, not names; choose another with --field")
    try:
        return distinct(table[field])[0]
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: {field!r} holds text that is not UTF-8; say what it is: ogr2ogr -oo ENCODING=ISO-8859-1 "
            f"out.gpkg {path}"
        ) from error


def _is_name(kind: pa.DataType) -> bool:
    """Whether values of a type can name classes: text, numbers, truths."""
    import pyarrow.types as kinds

    tests = (kinds.is_string, kinds.is_large_string, kinds.is_integer, kinds.is_floating, kinds.is_boolean)
    return any(test(kind) for test in tests)


@unheard()
def list_layers(path: Path) -> list[str]:
    """Names of the layers of a vector file that have a geometry: a style is no layer. Raises InputError."""
    import pyogrio

    trust.check(path)
    if trust.is_parquet(path) and "Parquet" not in pyogrio.list_drivers():
        raise InputError(f"{path}: is Parquet, which the GDAL in this installation does not read; save a GeoPackage")
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(
            f"{path}: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo"
        ) from error
    if not layers:
        raise InputError(f"{path}: holds no layers with geometries, or is truncated; check it with ogrinfo")
    return layers


@unheard()
def field_names(path: Path, layer: str) -> list[str]:
    """Names of a layer's attributes."""
    import pyogrio

    return [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]


@unheard()
def look(path: Path, field: str | None, layer: str | None) -> tuple[str, dict[str, Any]]:
    """The layer's name and description, when it has a CRS, features and the field."""
    import pyogrio

    name = _layer(path, layer)
    if path.suffix.lower() == ".shp":
        _check_length(path)
    try:
        info: dict[str, Any] = pyogrio.read_info(path, layer=name, force_feature_count=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or damaged") from error
    if not info["crs"]:
        raise CRSError(
            f"{path}: has no coordinate reference system; assign one: ogr2ogr -a_srs EPSG:4326 out.gpkg {path}"
        )
    if info["features"] == 0:
        raise EmptyError(f"{path}: layer {name!r} holds no features; choose another with --layer")
    if field is not None and field not in info["fields"]:
        names = _nearest_first(field, map(str, info["fields"]))
        raise InputError(f"{path}: no field {field!r}; there are {listed(names)}. Choose with --field")
    return name, info


def _nearest_first(wanted: str, names: Iterable[str]) -> list[str]:
    """Names for a message, those that are written much like the one that is not there first."""
    found = list(names)
    near = get_close_matches(wanted, found)
    return [*near, *(name for name in found if name not in near)]


def _check_length(path: Path) -> None:
    """Refuse a .shp that is shorter than its header says: GDAL reads what is missing as features without a place."""
    with path.open("rb") as stream:
        promised = 2 * int.from_bytes(stream.read(28)[24:], "big")
    size = path.stat().st_size
    if size < promised:
        raise InputError(f"{path}: {size:,} of {promised:,} bytes are there; it is truncated, copy it again")


@unheard()
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
    """Geometries (n,) without heights and measures; rings that are not closed are. A ring of two points is missing.

    Raises InputError where there are curves, or coordinates that are no place in any CRS.
    """
    import shapely

    try:
        with np.errstate(invalid="ignore"):
            shapes = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="fix"))
    except NotImplementedError as error:
        raise InputError(
            f"{path}: holds curves; make straight lines of them: ogr2ogr -nlt CONVERT_TO_LINEAR out.gpkg {path}"
        ) from error
    coordinates = shapely.get_coordinates(shapes)
    strange = ~(np.abs(coordinates) <= FARTHEST)  # NaN, too
    if strange.any():
        raise InputError(
            f"{path}: has a coordinate of {coordinates[strange][0]:g}, which is no place; mend or remove that feature"
        )
    return np.asarray(shapes, dtype=object)


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
        parts = geometries[at : at + 1]
        while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():  # there are collections in collections
            parts = shapely.get_parts(parts)
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


def _layer(path: Path, layer: str | None) -> str:
    layers = list_layers(path)
    if layer is None:
        return layers[0]
    if layer not in layers:
        names = _nearest_first(layer, layers)
        raise InputError(f"{path}: no layer {layer!r}; there are {listed(names)}. Choose with --layer")
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
