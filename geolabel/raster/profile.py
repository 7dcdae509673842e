"""How a raster is stored: whatever the file says of itself, also where `describe` refuses it; no pixel is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geolabel.raster import door

if TYPE_CHECKING:
    from pathlib import Path

    from affine import Affine

_FIRST_IFD = (8, 16)
"""Where the first directory of a TIFF stands when nothing lies before it: classic, BigTIFF."""
_WHOLE_PX = 512
"""A raster up to this side needs neither tiles nor overviews."""


@dataclass(frozen=True, slots=True)
class BandProfile:
    """One band, as the file describes it."""

    index: int
    """Position in the file, from 1."""
    description: str
    color: str
    """GDAL's colour interpretation."""
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    unit: str


@dataclass(frozen=True, slots=True)
class Profile:
    """How a raster is stored."""

    driver: str
    """GDAL's short name of the format."""
    width: int
    """Columns."""
    height: int
    """Rows."""
    bands: tuple[BandProfile, ...]
    crs: str | None
    """WKT."""
    transform: Affine
    """(col, row) → (x, y) of a pixel's upper left corner."""
    block: tuple[int, int]
    """Width and height, px, of what is decoded at a time."""
    compression: str
    """Empty for none."""
    overviews: tuple[int, ...]
    """How many times coarser."""
    mask: str
    """What tells valid pixels apart: none, nodata, mask, alpha."""
    cog: bool
    """Whether it is a cloud-optimised GeoTIFF: each part of it is read with one request."""
    inside: tuple[str, ...]
    """Names of the rasters that lie in a container; empty for a raster itself."""
    palette: dict[int, str]
    """Value → #rrggbb of the first band's colour table; empty where it has none."""
    files: tuple[str, ...]
    """What it is made of, sidecars and sources included."""


def read_profile(path: Path) -> Profile:
    """Read what a raster says of itself. Raises InputError (missing, empty, truncated, no raster)."""
    with door.dataset(path) as dataset:
        height, width = dataset.block_shapes[0] if dataset.count else (0, 0)
        return Profile(
            driver=str(dataset.driver),
            width=dataset.width,
            height=dataset.height,
            bands=tuple(_band(dataset, at) for at in range(dataset.count)),
            crs=dataset.crs.to_wkt() if dataset.crs else None,
            transform=dataset.transform,
            block=(width, height),
            compression=_compression(dataset),
            overviews=tuple(dataset.overviews(1)) if dataset.count else (),
            mask=_mask(dataset),
            cog=dataset.driver == "GTiff" and _is_cog(dataset, path),
            inside=() if dataset.count else tuple(dataset.subdatasets),
            palette=_palette(dataset) if dataset.count else {},
            files=tuple(dataset.files),
        )


def _band(dataset: Any, at: int) -> BandProfile:
    return BandProfile(
        index=dataset.indexes[at],
        description=(dataset.descriptions[at] or "").strip(),
        color=dataset.colorinterp[at].name,
        dtype=dataset.dtypes[at],
        nodata=dataset.nodatavals[at],
        scale=float(dataset.scales[at]),
        offset=float(dataset.offsets[at]),
        unit=dataset.units[at] or "",
    )


def _compression(dataset: Any) -> str:
    return str(dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", ""))


def _palette(dataset: Any) -> dict[int, str]:
    try:
        table = dataset.colormap(1)
    except ValueError:  # rasterio's word for "no colour table"
        return {}
    return {value: "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in table.items()}


def _mask(dataset: Any) -> str:
    flags = {flag.name for band in dataset.mask_flag_enums for flag in band}
    if "alpha" in flags or "alpha" in {color.name for color in dataset.colorinterp}:
        return "alpha"
    if "nodata" in flags:
        return "nodata"
    return "mask" if "per_dataset" in flags else "none"


def _is_cog(dataset: Any, path: Path) -> bool:
    """Tiled, with overviews inside, and written in the order in which a reader over a network asks for it.

    Source: Cloud Optimized GeoTIFF, OGC 21-026, requirements class "COG"; the order as GDAL's
    validate_cloud_optimized_geotiff checks it: directories first, then the data of the coarsest overview first.
    """
    _, width = dataset.block_shapes[0]
    large = max(dataset.width, dataset.height) > _WHOLE_PX
    if large and width == dataset.width and width > _WHOLE_PX:
        return False
    if any(name.endswith(".ovr") for name in dataset.files) or (large and not dataset.overviews(1)):
        return False
    levels = range(len(dataset.overviews(1)))
    heads = [_number(dataset, "IFD_OFFSET"), *(_number(dataset, "IFD_OFFSET", at) for at in levels)]
    bodies = [_number(dataset, "BLOCK_OFFSET_0_0"), *(_number(dataset, "BLOCK_OFFSET_0_0", at) for at in levels)]
    stored = [offset for offset in bodies if offset]  # an empty block is not stored
    ordered = heads == sorted(heads) and stored == sorted(stored, reverse=True)
    return ordered and (heads[0] in _FIRST_IFD or _has_ghost(path))


def _has_ghost(path: Path) -> bool:
    """Whether GDAL's note of how the file is laid out stands before the first directory."""
    try:
        with path.open("rb") as stream:
            return b"GDAL_STRUCTURAL_METADATA" in stream.read(64)
    except OSError:  # an address is no path
        return False


def _number(dataset: Any, name: str, overview: int | None = None) -> int:
    more = {} if overview is None else {"ovr": overview}
    return int(dataset.get_tag_item(name, "TIFF", bidx=1, **more) or 0)
