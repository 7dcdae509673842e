"""STAC items, item collections and static collections: which assets are bands, where they lie, what their values mean.

Source: the STAC specification 1.0 and 1.1, with the extensions eo (`eo:bands`, `eo:common_name`) and raster
(`raster:bands`, `raster:scale`, `raster:offset`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from geolabel import files
from geolabel.errors import InputError
from geolabel.progress import log
from geolabel.raster import remote
from geolabel.raster.region.parts import Layer, Plain, Product
from geolabel.raster.region.sensors import SENTINEL2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RASTER_TYPE = re.compile(r"image/(tiff|jp2|vnd\.stac\.geotiff)|application/x-geotiff", re.IGNORECASE)
_RASTER_NAME = re.compile(r"\.(tiff?|jp2|vrt)$", re.IGNORECASE)
_NO_DATA_ROLES = {"thumbnail", "overview", "visual", "metadata", "cloud", "cloud-shadow", "snow-ice", "data-mask"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""A Windows drive has one letter."""
_DEEPEST = 8
"""Catalogs below catalogs; a static catalog that goes on links to itself."""


def read(where: str) -> list[Plain | Product]:
    """What a STAC file, on this machine or by HTTP, says is there: a product an item.

    Raises InputError where it is no STAC, or an item has no raster assets.
    """
    shown = remote.shown(where)
    try:
        parts = [_product(item, base) for item, base in _items(where, _load(where), _DEEPEST)]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{shown}: is damaged STAC ({type(error).__name__}: {error}); download it again") from error
    if not parts:
        raise InputError(f"{shown}: holds no STAC item; name an item, an item collection or a static collection")
    return parts


def _load(where: str) -> Any:
    if remote.is_url(where):
        return remote.fetch_json(where)
    if remote.is_remote(where):
        raise InputError(
            f"{remote.shown(where)}: STAC files are read by http(s) or from disk; download it, or give its address"
        )
    path = Path(where)
    if path.is_file() and path.stat().st_size > remote.MOST_JSON_BYTES:
        raise InputError(f"{where}: is more than {remote.MOST_JSON_BYTES >> 20} MiB of JSON; name single items")
    return files.read_json(path, "a STAC item or collection")


def _items(where: str, content: Any, depth: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Items with the place that their addresses are relative to."""
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "Feature" and isinstance(content.get("assets"), dict):
        yield content, where
    elif kind == "FeatureCollection":
        if any(link.get("rel") == "next" for link in content.get("links", [])):
            log.warning("%s: is one page of an answer; the items on the next pages are not in it", remote.shown(where))
        for item in content.get("features", []):
            yield from _items(_own_place(item) or where, item, depth)
    elif kind in ("Collection", "Catalog"):
        for link in content.get("links", []) if depth else []:
            if link.get("rel") in ("item", "child"):
                below = resolve(str(link["href"]), where)
                yield from _items(below, _load(below), depth - 1)
    else:
        raise InputError(
            f"{remote.shown(where)}: is no STAC item, item collection or collection; name one, or the rasters "
            "themselves"
        )


def _own_place(item: Any) -> str | None:
    """Where an item lies by its own words, where that is whole: addresses of its assets are relative to it."""
    links = item.get("links", []) if isinstance(item, dict) else []
    own = [str(link.get("href")) for link in links if link.get("rel") == "self"]
    return own[0] if own and remote.is_url(own[0]) else None


def resolve(href: str, base: str) -> str:
    """An address as it stands in the file `base`, made whole: of http(s), an object store, or a file beside a file.

    Raises InputError where it is of another kind, or leads from a server to this machine.
    """
    if remote.is_web(href):
        return href
    local = not remote.is_url(base)
    if href.startswith("file://") and local:
        return unquote(urlsplit(href).path)
    if _SCHEME.match(href) or href.startswith("/vsi") or "\0" in href:
        raise InputError(
            f"{remote.shown(base)}: names {remote.shown(href)}, which is {'neither a file nor' if local else 'not'} an "
            "address of https, s3, gs or az; download what it names, and name the rasters themselves"
        )
    if not local:
        return urljoin(base, href)
    return str((Path(base).resolve().parent / href).resolve())


def _product(item: Mapping[str, Any], base: str) -> Plain | Product:
    name = f"{remote.shown(base)} ({item.get('id', 'item')})"
    assets = {key: asset for key, asset in item["assets"].items() if _is_data(asset)}
    if not assets:
        kinds = ", ".join(item["assets"]) or "none"
        raise InputError(
            f"{name}: has no assets that are raster data (its assets: {kinds}); "
            "name another item, or the rasters themselves"
        )
    named = {key: _bands(key, asset, base) for key, asset in assets.items()}
    # where some bands have a common name, assets without one are masks, aerosol, water vapour
    common = {key for key, asset in assets.items() if all(_common(band) for band in _told(asset)) and _told(asset)}
    if not common and len(assets) == 1 and not _told(next(iter(assets.values()))):
        return Plain(next(iter(named.values()))[0].source)
    chosen = [layers for key, layers in named.items() if key in common or not common]
    # an asset of one band before a composition of several; what is named first (most often the COG) before its copies
    layers: dict[str, Layer] = {}
    for each in sorted(chosen, key=len):
        for layer in each:
            layers.setdefault(layer.name, layer)
    return Product(name, tuple(layers[band] for band in dict.fromkeys(layer.name for each in chosen for layer in each)))


def _is_data(asset: Mapping[str, Any]) -> bool:
    roles = set(asset.get("roles") or ())
    if not isinstance(asset.get("href"), str):
        return False
    kind, place = str(asset.get("type") or ""), urlsplit(asset["href"]).path
    is_raster = bool(_RASTER_TYPE.match(kind)) if kind else bool(_RASTER_NAME.search(place))
    return is_raster and not roles & _NO_DATA_ROLES and (not roles or bool(roles & {"data", "reflectance"}))


def _told(asset: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What the item says of each band: the fields of STAC 1.1, of eo and of raster, in one."""
    eo, values, bands = (asset.get(field) or [] for field in ("eo:bands", "raster:bands", "bands"))
    count = max(len(eo), len(bands)) or 0
    if not count:
        return []
    shared = {key: asset[key] for key in ("nodata", "raster:scale", "raster:offset", "eo:common_name") if key in asset}
    each = [[*fields, *[{}] * (count - len(fields))] for fields in (eo, values, bands)]
    return [shared | a | b | c for a, b, c in zip(*each, strict=True)]


def _common(band: Mapping[str, Any]) -> str:
    return str(band.get("common_name") or band.get("eo:common_name") or "").lower()


def _name(band: Mapping[str, Any], key: str) -> str:
    """Common name; red edges share one, so that Sentinel-2's are told apart by the band, others by their own name."""
    common, own = _common(band), str(band.get("name") or key)
    if common == "rededge" or not common:
        return SENTINEL2.get(own.upper(), own.lower())
    return common


def _bands(key: str, asset: Mapping[str, Any], base: str) -> list[Layer]:
    source = remote.gdal_name(resolve(str(asset["href"]), base))
    values = [*(asset.get("raster:bands") or []), {}]
    told = _told(asset) or [{"name": key, **values[0]}]
    return [
        Layer(
            _name(band, key),
            source,
            index,
            scale=_number(band, "scale", "raster:scale"),
            offset=_number(band, "offset", "raster:offset"),
            nodata=_number(band, "nodata"),
        )
        for index, band in enumerate(told, start=1)
    ]


def _number(band: Mapping[str, Any], *fields: str) -> float | None:
    """The first field that holds a number; STAC writes "nan" as a word."""
    for field in fields:
        if band.get(field) is not None:
            try:
                return float(band[field])
            except (TypeError, ValueError):
                continue
    return None
