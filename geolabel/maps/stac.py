"""STAC items of maps: what lies in a folder, where, from when, what its values mean and which model made it.

Source: STAC 1.1.0, with the extensions projection 2.0, raster 2.0, classification 2.0, eo 1.1 and mlm 1.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from geolabel.model import ModelCard

MODEL = "model"
"""Key of the asset that names the model."""
_EXTENSION = "https://stac-extensions.github.io/{}/schema.json"
PROCESSING = _EXTENSION.format("processing/v1.2.0")
_EXTENSIONS = {
    "proj:": "projection/v2.0.0",
    "raster:": "raster/v2.0.0",
    "classification:": "classification/v2.0.0",
    "eo:": "eo/v1.1.0",
    "mlm:": "mlm/v1.4.0",
}
_ANY_TIME = ("1957-10-04T00:00:00Z", "9999-12-31T23:59:59Z")
"""Of images of which nobody knows when they were taken: since the first satellite."""
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z_-]+")
_NOT_IN_MODELS = re.compile(r"[^0-9A-Za-z_. -]+")
_LICENCE = re.compile(r"[\w.+-]+")
_COMMON_NAMES = frozenset({"coastal", "blue", "green", "red", "yellow", "pan", "rededge", "nir", "swir16", "swir22"})


@dataclass(frozen=True, slots=True)
class StacAsset:
    """One file of an item."""

    href: str
    title: str
    media_type: str
    roles: tuple[str, ...]
    facts: Mapping[str, Any]
    """Further fields: `bands`, `proj:code` …"""

    def to_json(self) -> dict[str, Any]:
        """As it stands in an item."""
        return {
            "href": self.href,
            "title": self.title,
            "type": self.media_type,
            "roles": list(self.roles),
            **self.facts,
        }


def stac_item(
    name: str,
    footprint: Mapping[str, Any],
    *,
    title: str,
    assets: Mapping[str, StacAsset],
    dates: tuple[date, date] | None = None,
    gsd_m: float | None = None,
    properties: Mapping[str, Any] | None = None,
    sources: Sequence[str] = (),
    attribution: Sequence[str] = (),
    licence: str = "",
) -> dict[str, Any]:
    """An item as JSON values.

    `footprint` is a GeoJSON geometry in WGS 84, cut at the antimeridian. `dates` are those of the first and the last
    image; None: not known. `sources` are addresses of what it was made from.
    """
    told = {
        "title": title,
        **_times(dates),
        **({"gsd": round(gsd_m, 3)} if gsd_m else {}),
        "license": licence if _LICENCE.fullmatch(licence) else "other",
        **({"attribution": "; ".join(attribution)} if attribution else {}),
        **(properties or {}),
    }
    found = {key: asset.to_json() for key, asset in assets.items()}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _used(told, *found.values()),
        "id": name,
        "geometry": footprint,
        "bbox": bbox_of(footprint),
        "properties": told,
        "links": [{"rel": "derived_from", "href": address} for address in sources],
        "assets": found,
    }


def class_objects(classes: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """`classification:classes`: value → title and colour (#rrggbb, or empty)."""
    return [
        {
            "value": value,
            "name": _NOT_IN_NAMES.sub("-", title).strip("-") or f"class-{value}",
            "title": title,
            **({"color_hint": color.removeprefix("#").upper()} if color else {}),
        }
        for value, (title, color) in sorted(classes.items())
    ]


def model_properties(card: ModelCard) -> dict[str, Any]:
    """The model that made a map, as the MLM extension tells it."""
    scheme = {str(entry["name"]): entry for entry in card.scheme.get("classes", ())}
    told = {
        at: (str(scheme.get(name, {}).get("title") or name), str(scheme.get(name, {}).get("color", "")))
        for at, name in enumerate(card.classes)
    }
    name = _NOT_IN_MODELS.sub("-", f"geolabel {card.scheme.get('name', '')} {card.architecture}")
    width, height = card.tile_px
    return {
        "mlm:name": re.sub(r"[ _.-]+$", "", re.sub(r" +", " ", name)),
        "mlm:architecture": card.architecture,
        "mlm:tasks": ["scene-classification"],
        "mlm:input": [
            {
                "name": "tiles",
                "bands": [band.name for band in card.bands],
                "input": {
                    "shape": [-1, len(card.bands), height, width],
                    "dim_order": ["batch", "channel", "height", "width"],
                    "data_type": "float32",
                },
                "description": "Physical values: stored ones × scale + offset",
                "value_scaling": [{"type": "z-score", "mean": band.mean, "stddev": band.std} for band in card.bands],
                "resize_type": None,
                "pre_processing_function": None,
            }
        ],
        "mlm:output": [
            {
                "name": "probabilities",
                "tasks": ["scene-classification"],
                "result": {
                    "shape": [-1, len(card.classes)],
                    "dim_order": ["batch", "class"],
                    "data_type": "float32",
                },
                "description": "Of each class in a tile; the map blends those of overlapping tiles",
                "classification:classes": [_plainer(entry) for entry in class_objects(told)],
                "post_processing_function": None,
            }
        ],
        "mlm:hyperparameters": {"thresholds": dict(card.thresholds)},
    }


def _plainer(entry: dict[str, Any]) -> dict[str, Any]:
    """A class as readers of mlm know it, by version 1 of the extension: a description, and no title."""
    return {("description" if key == "title" else key): value for key, value in entry.items()}


def model_asset(card: ModelCard, href: str) -> StacAsset:
    """The model file, with the bands that it reads."""
    bands = [
        {"name": band.name, **({"common_name": band.name} if band.name in _COMMON_NAMES else {})} for band in card.bands
    ]
    facts = {"mlm:artifact_type": "safetensors.numpy.save_file", "eo:bands": bands}
    return StacAsset(href, "Model", "application/octet-stream", ("mlm:model", "mlm:weights"), facts)


def processing(made: Mapping[str, Any]) -> dict[str, Any]:
    """The program that made a map, and of what, by the extension processing 1.2; `made` is what geolabel says of it."""
    read = [f"{one['path']} ({role})" for role, inputs in made["inputs"].items() for one in inputs]
    lineage = f"geolabel {made['command']}" + (f" of {', '.join(read)}" if read else "")
    return {"processing:software": {"geolabel": made["version"]}, "processing:lineage": lineage}


def bbox_of(geometry: Mapping[str, Any]) -> list[float]:
    """(west, south, east, north) of a GeoJSON polygon; over the antimeridian, west is more than east (RFC 7946, 5)."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    parts = [(min(x), min(y), max(x), max(y)) for x, y in (zip(*polygon[0], strict=True) for polygon in polygons)]
    west, south, east, north = zip(*parts, strict=True)
    if len(parts) > 1 and min(west) == -180 and max(east) == 180:  # noqa: PLR2004
        return [min(x for x in west if x >= 0), min(south), max(x for x in east if x <= 0), max(north)]
    return [min(west), min(south), max(east), max(north)]


def _times(dates: tuple[date, date] | None) -> dict[str, Any]:
    if dates is None:
        return {"datetime": None, "start_datetime": _ANY_TIME[0], "end_datetime": _ANY_TIME[1]}
    first, last = dates
    return {
        "datetime": None,
        "start_datetime": f"{first.isoformat()}T00:00:00Z",
        "end_datetime": f"{last.isoformat()}T23:59:59Z",
    }


def _used(*objects: Mapping[str, Any]) -> list[str]:
    """Addresses of the extensions whose fields occur."""
    names = {name for one in objects for name in _names(one)}
    return [
        _EXTENSION.format(version)
        for prefix, version in _EXTENSIONS.items()
        if any(name.startswith(prefix) for name in names)
    ]


def _names(value: Any) -> set[str]:
    """Names of fields at any depth."""
    if isinstance(value, dict):
        return {str(key) for key in value} | {name for inner in value.values() for name in _names(inner)}
    return {name for inner in value for name in _names(inner)} if isinstance(value, list) else set()
