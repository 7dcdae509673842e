"""What a raster is: grid, bands by name, dtype, nodata; without reading a pixel."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import BandError, CRSError, InputError, listed
from geolabel.raster import door, trust
from geolabel.raster.limits import check_block
from geolabel.raster.place import grid_of
from geolabel.raster.sidecars import check_sidecars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.grid import Grid

MaskKind = Literal["none", "nodata", "mask", "alpha"]

_COUNTED = re.compile(r"band[ _]?\d+")
_COLOR_NAMES = {"red", "green", "blue", "nir", "swir", "coastal", "yellow", "pan"}


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a raster."""

    index: int
    """Position in the file, from 1."""
    name: str
    """Lower case: the file's description, its colour, or `band_<index>` where it says nothing."""
    scale: float = 1.0
    """Physical value = stored value × scale + offset."""
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What a raster is."""

    path: Path
    width: int
    """Columns."""
    height: int
    """Rows."""
    bands: tuple[Band, ...]
    """The bands asked for, in the order asked; an alpha band is a mask, never a band."""
    dtype: str
    """numpy name of the stored type."""
    nodata: float | None
    """Value that means "nothing was seen here", the same for all bands."""
    mask: MaskKind
    """What tells valid pixels apart."""
    palette: bool
    """Whether the values are numbers of a colour table."""
    grid: Grid | None
    """Where the pixels lie; None for a picture without a place."""
    block: tuple[int, int]
    """Width and height, px, of the blocks in which it is stored: one is decoded at a time."""

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, in order."""
        return tuple(band.name for band in self.bands)

    def choose(self, names: Sequence[str]) -> RasterInfo:
        """The same raster with only these bands, in this order. Raises BandError where one is not there."""
        return replace(self, bands=_choose(self.path, self.bands, names))

    @property
    def place(self) -> Grid:
        """The grid. Raises CRSError where the file has none."""
        if self.grid is None:
            raise CRSError(
                f"{self.path}: has no coordinate reference system; give it one: "
                f"gdal_edit.py -a_srs EPSG:32721 {self.path}"
            )
        return self.grid


def is_raster(path: Path) -> bool:
    """Whether a file opens as a raster; a file of another kind does not. Raises InputError where there is none."""
    files.check_readable(path, "a raster or a vector file")
    if trust.is_looked_into(path):
        trust.check(path)  # one that is refused is no file of another kind
    try:
        with door.dataset(path) as dataset:
            return bool(dataset.count)
    except InputError:
        return False


def describe(path: Path, bands: Sequence[str] = ()) -> RasterInfo:
    """Describe a raster.

    `bands` names the file's bands in their order where the file does not name them, or chooses among those it
    names. Raises InputError (missing, empty, truncated, no raster), BandError, CRSError (rotated).
    """
    with door.dataset(path) as dataset:
        return examine(dataset, path, bands)


def examine(dataset: Any, path: Path | str, bands: Sequence[str] = ()) -> RasterInfo:
    """`describe` an open raster; `path` is what errors call it."""
    found = _bands(dataset)
    if not found:
        inside = dataset.subdatasets
        raise InputError(
            f"{path}: is a container of {len(inside)} rasters; take one out: gdal_translate {inside[0]} one.tif"
            if inside
            else f"{path}: holds no bands; gdalinfo tells what is in it"
        )
    dtypes = sorted({dataset.dtypes[band.index - 1] for band in found})
    if len(dtypes) > 1:
        raise BandError(f"{path}: bands of different types ({', '.join(dtypes)}); convert: gdal_translate -ot UInt16")
    if "complex" in dtypes[0]:
        raise BandError(f"{path}: complex pixels ({dtypes[0]}); convert them to amplitude first")
    check_block(path, dataset)
    check_sidecars(path, dataset)
    height, width = dataset.block_shapes[0]
    chosen = _wanted(path, found, [name.strip().lower() for name in bands], nameable=_nameable(dataset, found))
    _check_values(path, dataset, chosen)
    return RasterInfo(
        path=Path(path),
        width=dataset.width,
        height=dataset.height,
        bands=chosen,
        dtype=dtypes[0],
        nodata=dataset.nodatavals[chosen[0].index - 1],
        mask=_mask_kind(dataset),
        palette=any(color.name == "palette" for color in dataset.colorinterp),
        grid=grid_of(path, dataset),
        block=(width, height),
    )


def _check_values(path: Path | str, dataset: Any, bands: Sequence[Band]) -> None:
    """Raise BandError where what is said of values makes nothing of them."""
    odd = [band.name for band in bands if not (band.scale and math.isfinite(band.scale) and math.isfinite(band.offset))]
    if odd:
        raise BandError(
            f"{path}: scale 0, or no number as scale or offset, in {listed(odd)}: its values mean nothing; mend it: "
            "gdal_edit.py -scale 1 -offset 0"
        )
    told = {str(dataset.nodatavals[band.index - 1]) for band in bands}
    if len(told) > 1 and _mask_kind(dataset) == "nodata":
        raise BandError(
            f"{path}: its bands have different nodata values ({listed(sorted(told))}); give them one: "
            "gdalwarp -dstnodata 0 in.tif out.tif"
        )


def _bands(dataset: Any) -> tuple[Band, ...]:
    colors = [color.name for color in dataset.colorinterp]
    bands = []
    for position, index in enumerate(dataset.indexes):
        if colors[position] == "alpha":
            continue
        described = _described(dataset, index)
        color = colors[position] if colors[position] in _COLOR_NAMES else ""
        bands.append(
            Band(
                index,
                described or color or f"band_{index}",
                float(dataset.scales[position]),
                float(dataset.offsets[position]),
            )
        )
    return tuple(bands)


def _described(dataset: Any, index: int) -> str:
    """What the file calls a band; nothing where it only counts: "Band 1"."""
    description = (dataset.descriptions[index - 1] or "").strip().lower()
    return "" if _COUNTED.fullmatch(description) else description


def _nameable(dataset: Any, found: tuple[Band, ...]) -> bool:
    """Whether --bands may name the bands: the file describes none (a colour is often a guess), or two alike."""
    return bool(_twice(found)) or not any(_described(dataset, band.index) for band in found)


def _twice(found: tuple[Band, ...]) -> list[str]:
    names = [band.name for band in found]
    return sorted({name for name in names if names.count(name) > 1})


def _wanted(path: Path | str, found: tuple[Band, ...], names: Sequence[str], *, nameable: bool) -> tuple[Band, ...]:
    """The bands as --bands has them: all of the file's, some of them, or all of them under new names."""
    twice = _twice(found)
    if not names:
        if twice:
            raise BandError(f"{path}: several bands are named {', '.join(twice)}; name all with --bands")
        return found
    if len(set(names)) != len(names):
        raise BandError(f"{path}: --bands names a band twice: {', '.join(names)}")
    known = {band.name for band in found}.intersection(names)
    new = not known or (nameable and (bool(twice) or len(known) < len(names)))
    if new and len(names) == len(found):
        return tuple(Band(band.index, name, band.scale, band.offset) for band, name in zip(found, names, strict=True))
    return _choose(path, found, names)


def _choose(path: Path | str, found: tuple[Band, ...], names: Sequence[str]) -> tuple[Band, ...]:
    """Bands by name: one is never taken for another because their number agrees."""
    by_name = {band.name: band for band in found}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise BandError(
            f"{path}: no band named {', '.join(missing)}; the file has {listed(by_name)}. "
            f"Choose among these with --bands, or give all {len(found)} new names in their order "
            "(a band marked as alpha is a mask; if it is none: gdal_edit.py -colorinterp_N undefined)"
        )
    return tuple(by_name[name] for name in names)


def _mask_kind(dataset: Any) -> MaskKind:
    flags = {flag.name for band in dataset.mask_flag_enums for flag in band}
    if "alpha" in flags or "alpha" in {color.name for color in dataset.colorinterp}:  # GDAL's: of 2 or 4 bands only
        return "alpha"
    if "nodata" in flags:
        return "nodata"
    return "mask" if "per_dataset" in flags else "none"
