"""`item.json` of a folder of maps: a STAC item, which catalogues and QGIS's STAC browser read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import shapely
from shapely.geometry.polygon import orient

from geolabel import files, geodesy, provenance, raster, vector
from geolabel.changes.dates import date_in
from geolabel.errors import InputError
from geolabel.maps.stac import (
    MODEL,
    PROCESSING,
    StacAsset,
    class_objects,
    model_asset,
    model_properties,
    processing,
    stac_item,
)
from geolabel.raster.categories import categories
from geolabel.steps.export_source import CLASS_RASTERS, layer_of
from geolabel.steps.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from geolabel.grid import Grid
    from geolabel.model import ModelCard

ITEM = "item.json"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    ".tif": (_COG, ("data",)),
    ".gpkg": ("application/geopackage+sqlite3", ("data",)),
    ".geojson": ("application/geo+json", ("data",)),
    ".csv": ("text/csv", ("data",)),
    ".html": ("text/html", ("overview",)),
    ".qgz": ("application/x-qgis-project", ("visual",)),
    ".qml": ("application/xml", ("metadata",)),
    ".json": ("application/json", ("metadata",)),
}
"""Ending → media type and roles."""
_TITLES = {"run": "How it was made", "report": "Page to look at", "project": "QGIS project"}
_BETWEEN = ", "
"""Between the rasters of one region, in a record."""
_STRAIGHT = 1e-5
"""How far a footprint's side may be from the map's, degrees: a metre."""


@dataclass(frozen=True, slots=True)
class StacReport:
    """What was written."""

    output: Path
    assets: tuple[str, ...]


def write_item(
    folder: Path,
    *,
    card: ModelCard | None = None,
    dates: tuple[date, date] | None = None,
    sources: Sequence[str] = (),
    output: Path | None = None,
    overwrite: bool = False,
) -> StacReport:
    """Write the STAC item of a folder that predict or change made, once all else in it is written.

    `card` is the model's; None: what an item that is there already says of it. `dates` are those of the first and the
    last image; None: those that the names of the images or the alerts tell. `sources` are the images as the user named
    them: web addresses become links, without what is secret in them. Raises InputError, OutputError.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; a STAC item is of a whole folder of geolabel predict or change")
    name = layer_of(folder)
    target = output or folder / ITEM
    files.check_new(target, overwrite=overwrite, inputs=[folder / files.RECORD])
    record = read_manifest(folder)
    grid = raster.describe(_map_of(folder)).place
    assets = {key: asset for path in _files(folder) for key, asset in [_asset(path, target)]}
    properties: dict[str, Any] = {}
    if card is not None:
        assets[MODEL] = model_asset(card, _model_name(record))
        properties = model_properties(card)
    item = stac_item(
        folder.name,
        _footprint(grid),
        title=f"{name.capitalize()} of {folder.stem}",
        assets=assets,
        dates=dates or _dates(folder, name, record),
        gsd_m=float(np.sqrt(np.prod(grid.gsd_m))),
        properties=properties,
        sources=[*dict.fromkeys(_addresses([*sources, record.get("inputs")]))],
        attribution=[str(words) for words in record.get("attribution") or ()],
        licence=card.licence if card else "",
    )
    if card is None:
        _keep_model(folder / ITEM, item)
    made = provenance.said(target)
    if made:
        item["properties"] |= processing(made)
        item["stac_extensions"].append(PROCESSING)
        item[provenance.NAME] = made
    text = json.dumps(files.to_json(item), indent=2, ensure_ascii=False, allow_nan=False)
    with files.new_file(target, overwrite=overwrite) as draft:
        draft.write_text(f"{text}\n", encoding="utf-8")
    return StacReport(target, tuple(item["assets"]))


def _map_of(folder: Path) -> Path:
    found = [folder / name for name in CLASS_RASTERS if (folder / name).is_file()]
    if not found:
        raise InputError(f"{folder}: none of {', '.join(CLASS_RASTERS)} is there; make the maps again")
    return found[0]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix in _KINDS and path.is_file() and path.name != ITEM]


def _asset(path: Path, item: Path) -> tuple[str, StacAsset]:
    """Key and asset of a file; a key is the name without its ending where that is a raster's."""
    media, roles = _KINDS[path.suffix]
    facts = _raster_facts(path) if path.suffix == ".tif" else {}
    title = _TITLES.get(path.stem, path.stem.replace("_", " ").capitalize())
    href = f"./{path.name}" if path.parent == item.parent else files.relative_to(path, item)
    key = path.stem if path.suffix == ".tif" else path.name.replace(".", "-")
    return key, StacAsset(href, title, media, roles, facts)


def _raster_facts(path: Path) -> dict[str, Any]:
    """Where a raster lies, and what its bands hold."""
    info = raster.describe(path)
    place = info.place
    classes = class_objects({value: (one.name, one.color) for value, one in categories(path).items()})
    code = geodesy.name(place.crs)
    known = ":" in code
    return {
        "proj:code": code if known else None,
        **({} if known else {"proj:projjson": geodesy.projjson(place.crs)}),
        "proj:shape": [info.height, info.width],
        "proj:transform": list(place.transform)[:6],
        "bands": [
            {
                "name": band.name,
                "data_type": info.dtype,
                **({"nodata": info.nodata} if info.nodata is not None else {}),
                **({"raster:scale": band.scale, "raster:offset": band.offset} if band.scale != 1 else {}),
                **({"classification:classes": classes} if classes else {}),
            }
            for band in info.bands
        ],
    }


def _footprint(grid: Grid) -> dict[str, Any]:
    """The map's outline as GeoJSON in WGS 84: its corners, and vertices between them where its sides bend."""
    box = np.array([shapely.box(*grid.bounds)], dtype=object)
    outline = vector.rounded(shapely.simplify(vector.to_wgs84(box, grid.crs), _STRAIGHT))
    parts = [orient(part) for part in shapely.get_parts(outline)]
    return dict(json.loads(shapely.to_geojson(parts[0] if len(parts) == 1 else shapely.multipolygons(parts))))


def _model_name(record: Any) -> str:
    """The model's file as the record names it; it need not lie in the folder."""
    told = record.get("inputs", {}).get("model") or {}
    return str(told.get("path") or told.get("name") or "model.safetensors")


def _dates(folder: Path, name: str, record: Any) -> tuple[date, date] | None:
    """First and last day that the record, names of images, or else alerts tell."""
    inputs = record.get("inputs", {})
    days: list[Any] = [day.item() for key in ("raster", "images") for day in _days(inputs.get(key))]
    if not days and name == "alerts":
        columns = vector.read_layer(folder / "alerts.gpkg", name).columns
        seen = np.concatenate([columns["date_first"], columns["date_last"]]).astype("datetime64[D]")
        days = seen[~np.isnat(seen)].tolist()
    return (min(days), max(days)) if days else None


def _days(told: Any) -> Iterator[np.datetime64]:
    """Whole dates of images: told as such, or in their names; a number such as 2048 is no year here."""
    if isinstance(told, dict):
        for text in [str(told.get("date")), *str(told.get("path")).split(_BETWEEN)]:
            day = date_in(Path(text).name)
            if day is not None and str(day).replace("-", "") in "".join(filter(str.isdigit, text)):
                yield day
        told = [value for value in told.values() if isinstance(value, dict | list)]
    for value in told if isinstance(told, list) else []:
        yield from _days(value)


def _addresses(told: Any) -> Iterator[str]:
    """Web addresses among a run's inputs, without what may be secret in them."""
    if isinstance(told, str):
        for parts in map(urlsplit, told.split(_BETWEEN)):
            if parts.scheme in ("https", "http", "s3", "gs"):
                yield urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    elif isinstance(told, dict | list):
        for value in told.values() if isinstance(told, dict) else told:
            yield from _addresses(value)


def _keep_model(old: Path, item: dict[str, Any]) -> None:
    """What the item that is there says of the model."""
    if not old.is_file():
        return
    told = files.read_json(old, "a STAC item")
    model = told.get("assets", {}).get(MODEL)
    if model:
        item["assets"][MODEL] = model
        item["properties"] |= {key: value for key, value in told["properties"].items() if key.startswith("mlm:")}
        item["stac_extensions"] = [*dict.fromkeys([*item["stac_extensions"], *told["stac_extensions"]])]
