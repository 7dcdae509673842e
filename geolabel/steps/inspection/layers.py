"""What a vector file holds: its layers, and their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geolabel.steps.inspection.extent import Degrees, crs_name, degrees
from geolabel.vector.summary import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geolabel.vector.summary import LayerSummary

_FIELDS = 40
_BEYOND = (180.0, 90.0)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer with geometries."""

    layer: str
    geometries: str
    features: int | None
    """None where the format does not say without reading all."""
    fields: int
    crs: str
    """Empty for none."""
    extent_degrees: Degrees | None
    """West, south, east, north."""
    about: str
    """What it says of itself."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """An attribute."""

    layer: str
    """Empty in a file of one layer."""
    field: str
    dtype: str


@dataclass(frozen=True, slots=True)
class LayersReport:
    """A vector file."""

    kind: Literal["vector layers"]
    path: Path
    format: str
    """GDAL's short name."""
    megabytes: float
    layers: tuple[LayerRow, ...]
    fields: tuple[FieldRow, ...]
    """The first forty of each layer."""
    to_mind: tuple[str, ...]


def inspect_layers(path: Path) -> LayersReport:
    """Describe a vector file, without reading its features. Raises InputError."""
    driver, layers = layers_of(path)
    several = len(layers) > 1
    return LayersReport(
        kind="vector layers",
        path=path,
        format=driver,
        megabytes=path.stat().st_size / 1e6,
        layers=tuple(
            LayerRow(
                layer.name,
                layer.kind,
                layer.features,
                len(layer.fields),
                crs_name(layer.crs),
                degrees(layer.bounds, layer.crs),
                layer.about,
            )
            for layer in layers
        ),
        fields=tuple(
            FieldRow(layer.name if several else "", name, dtype)
            for layer in layers
            for name, dtype in list(zip(layer.fields, layer.dtypes, strict=True))[:_FIELDS]
        ),
        to_mind=tuple(_notes(driver, layers)),
    )


def _notes(driver: str, layers: tuple[LayerSummary, ...]) -> Iterator[str]:
    for layer in layers:
        if not layer.crs:
            yield f"Layer {layer.name} has no coordinate reference system: ogr2ogr -a_srs EPSG:4326 gives it one, say."
        elif layer.features == 0:
            yield f"Layer {layer.name} holds no features."
        elif _is_beyond(layer):
            yield f"Layer {layer.name} is said to be in degrees, but reaches beyond them: its CRS is a wrong one."
    if driver == "OSM":
        yield "It is an extract of OpenStreetMap: geolabel label --osm reads it."
    elif len(layers) > 1:
        yield "It has several layers: commands take the first, or the one that --layer names."


def _is_beyond(layer: LayerSummary) -> bool:
    from geolabel import geodesy

    if layer.bounds is None or layer.crs is None or not geodesy.is_geographic(layer.crs):
        return False
    west, south, east, north = layer.bounds
    longest, highest = _BEYOND
    return max(-west, east) > 2 * longest or max(-south, north) > highest
