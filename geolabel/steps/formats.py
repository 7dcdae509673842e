"""A layer in whatever format a reader wants, with its style where the format has a place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from geolabel import maps, vector
from geolabel.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.maps import ClassStyle
    from geolabel.vector import Layer

Format = Literal["gpkg", "geojson", "geoparquet", "flatgeobuf", "pmtiles"]
ENDINGS: dict[Format, str] = {
    "gpkg": ".gpkg",
    "geojson": ".geojson",
    "geoparquet": ".parquet",
    "flatgeobuf": ".fgb",
    "pmtiles": ".pmtiles",
}
_DRIVERS: dict[Format, vector.Driver] = {
    "gpkg": "GPKG",
    "geojson": "GeoJSON",
    "geoparquet": "Parquet",
    "flatgeobuf": "FlatGeobuf",
    "pmtiles": "PMTiles",
}


def check_ending(path: Path, to: Format) -> None:
    """Raise OptionError where a file's name speaks of another format than the one it is to have."""
    if path.suffix.lower() not in ("", ENDINGS[to]):
        raise OptionError(
            f"{path}: --to {to} writes {ENDINGS[to]}; name the file so, or choose another format with --to"
        )


def write_as(path: Path, layer: Layer, styles: Sequence[ClassStyle], to: Format) -> None:
    """Write a layer in a format; a GeoPackage opens styled. Raises OutputError (cannot be written)."""
    write_styled(path, layer, maps.vector_qml(styles), to)


def write_styled(path: Path, layer: Layer, qml: str, to: Format) -> None:
    """Write a layer in a format, a GeoPackage with this style in it. Raises OutputError (cannot be written)."""
    vector.write_layer(path, layer, _DRIVERS[to])
    if to == "gpkg":
        maps.write_layer_style(path, layer.name, "geom", qml)
