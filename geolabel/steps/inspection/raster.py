"""What a raster is: how it is stored, where it lies, and what its bands hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from geolabel import files, raster
from geolabel.errors import BandError, CRSError, GeolabelError, InputError
from geolabel.raster.profile import Profile, read_profile
from geolabel.raster.region.inputs import expand
from geolabel.raster.region.parts import Plain
from geolabel.raster.statistics import Statistics, measure
from geolabel.steps.inspection.extent import Degrees, area_km2, crs_name, degrees
from geolabel.steps.inspection.raster_notes import notes_of
from geolabel.steps.inspection.values import ValueRow, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.grid import Grid
    from geolabel.raster import RasterInfo
    from geolabel.raster.profile import BandProfile
    from geolabel.raster.region.parts import Product
    from geolabel.raster.statistics import BandStatistics

_COLORS = ("undefined", "gray")
"""What says nothing of a band's colour."""


@dataclass(frozen=True, slots=True)
class BandRow:
    """One band of a raster; its values are as stored."""

    band: str
    interpretation: str
    """Its colour, where the file says more than its name does."""
    dtype: str
    """Empty where all bands are of one type."""
    scale: float | None
    """Physical value = stored value × scale + offset; None where stored values are physical."""
    offset: float | None
    unit: str
    valid_share: float
    """Of the pixels looked at."""
    min: float | None
    p2: float | None
    """2nd percentile."""
    mean: float | None
    p98: float | None
    max: float | None
    std: float | None


@dataclass(frozen=True, slots=True)
class RasterReport:
    """A raster."""

    kind: Literal["raster"]
    path: str
    """As it was named."""
    made_of: int
    """Files that were taken together; 1 for one raster, also for one that refers to others."""
    format: str
    """GDAL's short name, and COG where it is one."""
    size_px: tuple[int, int]
    """Width and height."""
    dtype: str
    crs: str
    """Name or authority code; empty for none."""
    extent_degrees: Degrees | None
    """West, south, east, north."""
    gsd_m: tuple[float, float] | None
    """Ground sample distance (x, y) at the centre, geodesic."""
    area_km2: float | None
    """That its rectangle covers, geodesic."""
    megabytes: float | None
    """On disk, of all files it is made of; None where they are not on this machine."""
    compression: str
    block_px: tuple[int, int]
    """Width and height of what is decoded at a time."""
    overviews: tuple[int, ...]
    """How many times coarser."""
    nodata: float | None
    mask: str
    """What tells valid pixels apart: none, nodata, mask, alpha."""
    looked_at: str
    """On how many pixels the figures rest."""
    valid_share: float
    """Share of them that are valid in at least one band."""
    bands: tuple[BandRow, ...]
    values: tuple[ValueRow, ...]
    """Of a class raster: its values, the commonest first."""
    to_mind: tuple[str, ...]
    """What a user should know before working with it."""


def inspect_raster(name: str, bands: Sequence[str] = ()) -> RasterReport:
    """Describe all that a name stands for as one raster. Raises InputError, BandError (of --bands), CRSError."""
    with files.scratch() as room:
        path = raster.gather([name], room, bands=bands)
        return _described(name, path, bands, gathered=path.parent == room.resolve())


def _described(name: str, path: Path, bands: Sequence[str], *, gathered: bool) -> RasterReport:
    profile = read_profile(path)
    if profile.inside:
        raise InputError(
            f"{name}: is a container of {len(profile.inside)} rasters; take one out: "
            f"gdal_translate {profile.inside[0]} one.tif"
        )
    info, refusal = _info(path, bands)
    shown = _shown(profile, info)
    statistics = measure(path, [band.index for _, band in shown])
    place = info.grid if info else None
    dtypes = sorted({band.dtype for _, band in shown})
    sources = _sources(name) if gathered else [Path(file) for file in profile.files]
    return RasterReport(
        kind="raster",
        path=name,
        made_of=len(sources) if gathered else 1,
        format="GTiff, COG" if profile.cog else "several files as one" if gathered else profile.driver,
        size_px=(profile.width, profile.height),
        dtype=", ".join(dtypes),
        crs=crs_name(profile.crs),
        extent_degrees=degrees(place.bounds, place.crs) if place else None,
        gsd_m=_gsd(place),
        area_km2=area_km2(place) if place else None,
        megabytes=_megabytes(sources),
        compression=profile.compression or "none",
        block_px=profile.block,
        overviews=profile.overviews,
        nodata=shown[0][1].nodata,
        mask=profile.mask,
        looked_at=_looked_at(statistics),
        valid_share=statistics.valid_share,
        bands=tuple(
            _row(title, band, found, one_type=len(dtypes) == 1)
            for (title, band), found in zip(shown, statistics.bands, strict=True)
        ),
        values=values_of(path, profile, statistics),
        to_mind=notes_of(profile, info, statistics, [title for title, _ in shown], refusal),
    )


def _sources(name: str) -> list[Path]:
    """The files of a folder, a pattern or a product."""
    parts = expand([name])
    named = [source for part in parts for source in ([part.source] if isinstance(part, Plain) else _files(part))]
    return [Path(source) for source in dict.fromkeys(named)]


def _files(product: Product) -> list[str]:
    return [layer.source for layer in product.layers]


def _info(path: Path, bands: Sequence[str]) -> tuple[RasterInfo | None, str]:
    """The raster as every other command reads it; where these refuse it, why. What --bands has wrong is raised."""
    try:
        return raster.describe(path, bands), ""
    except (BandError, CRSError) as error:
        if bands:
            raise
        return None, str(error).removeprefix(f"{path}: ")


def _shown(profile: Profile, info: RasterInfo | None) -> list[tuple[str, BandProfile]]:
    """Bands with their names: those asked for, or all but the mask."""
    by_index = {band.index: band for band in profile.bands}
    if info is not None:
        return [(band.name, by_index[band.index]) for band in info.bands]
    return [(band.description or f"band_{band.index}", band) for band in profile.bands if band.color != "alpha"]


def _gsd(place: Grid | None) -> tuple[float, float] | None:
    try:
        return place.gsd_m if place else None
    except GeolabelError:  # its centre lies where its CRS knows no place
        return None


def _megabytes(sources: Sequence[Path]) -> float | None:
    there = [source.stat().st_size for source in sources if source.is_file()]
    return sum(there) / 1e6 if there else None


def _looked_at(statistics: Statistics) -> str:
    if statistics.exact:
        return f"all {statistics.of_pixels:,} pixels"
    return f"{statistics.pixels:,} of {statistics.of_pixels:,} pixels, in blocks spread over it"


def _row(title: str, band: BandProfile, found: BandStatistics, *, one_type: bool) -> BandRow:
    plain = band.scale == 1 and band.offset == 0
    return BandRow(
        band=title,
        interpretation="" if band.color in (*_COLORS, title) else band.color,
        dtype="" if one_type else band.dtype,
        scale=None if plain else band.scale,
        offset=None if plain else band.offset,
        unit=band.unit,
        valid_share=found.valid_share,
        min=found.min,
        p2=found.p2,
        mean=found.mean,
        p98=found.p98,
        max=found.max,
        std=found.std,
    )
