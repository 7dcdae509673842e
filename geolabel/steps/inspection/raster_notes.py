"""What to mind before working with a raster, in sentences: each says what follows from it, or how it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import geodesy, raster
from geolabel.errors import GeolabelError
from geolabel.steps.models import fitting_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geolabel.raster import RasterInfo
    from geolabel.raster.profile import Profile
    from geolabel.raster.statistics import Statistics

_LARGE_PX = 4096
"""From this side on it matters how a raster is stored."""


def notes_of(
    profile: Profile, info: RasterInfo | None, statistics: Statistics, names: Sequence[str], refusal: str
) -> tuple[str, ...]:
    """Sentences, the gravest first; `refusal` is why geolabel does not read it, empty where it does."""
    return (
        *([f"Other commands refuse it: {refusal}."] if refusal else []),
        *_place(profile, info),
        *_validity(profile, info, statistics),
        *_bands(profile, info, statistics, names),
        *_storage(profile),
        *_models(info),
    )


def _place(profile: Profile, info: RasterInfo | None) -> Iterator[str]:
    if profile.crs is None:
        yield "It has no coordinate reference system: gdal_edit.py -a_srs EPSG:32721 gives it one, say."
    elif info is not None and geodesy.is_geographic(profile.crs):
        yield "Its pixels are in degrees: metres are measured on the globe, and predict resamples to UTM where needed."
    if profile.crs is not None and profile.transform.e > 0:
        yield "Its rows run from south to north: geolabel reads that, other programs may show it upside down."


def _validity(profile: Profile, info: RasterInfo | None, statistics: Statistics) -> Iterator[str]:
    if statistics.valid_share == 0:
        yield "No pixel that was looked at is valid."
    elif profile.mask == "none" and info is not None and _zero_corner(info):
        yield (
            "It declares no nodata value, but a corner is all 0: if that is border, "
            "say so with gdal_edit.py -a_nodata 0."
        )


def _zero_corner(info: RasterInfo) -> bool:
    try:
        return any(not corner.any() for corner in raster.corners(info))
    except GeolabelError:
        return False


def _bands(profile: Profile, info: RasterInfo | None, statistics: Statistics, names: Sequence[str]) -> Iterator[str]:
    if len(profile.bands) > 1 and info is not None and all(name.startswith("band_") for name in names):
        yield (
            f"Its {len(profile.bands)} bands have no names: give a name for each, in their order, with --bands; say, "
            "red,green,blue,nir."
        )
    constant = [
        name
        for name, found in zip(names, statistics.bands, strict=True)
        if found.min is not None and found.min == found.max
    ]
    if constant:
        where = "" if statistics.exact else " in what was looked at"
        yield f"The same value everywhere{where}: {', '.join(constant)}."
    empty = [name for name, found in zip(names, statistics.bands, strict=True) if found.min is None]
    if empty and len(empty) < len(names):
        yield f"Nothing valid: {', '.join(empty)}."


def _storage(profile: Profile) -> Iterator[str]:
    if max(profile.width, profile.height) < _LARGE_PX or profile.driver == "VRT":
        return
    if profile.block[0] >= profile.width:
        yield "It is stored in strips, so that parts are slow to read: gdal_translate -of COG makes tiles of them."
    elif not profile.overviews:
        yield "It has no overviews, so that it is slow to look at: gdaladdo -r average makes them."


def _models(info: RasterInfo | None) -> Iterator[str]:
    if info is None or info.grid is None:
        return
    try:
        model = fitting_model(info)
    except GeolabelError:
        return
    if model is not None:
        yield f"The model {model.stem}, which comes with geolabel, fits its bands and pixels."
