"""Does a raster keep a model's contract? Bands, type, scale, GSD and place; each refusal says how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.errors import BandError, ContractError, OptionError, listed
from geolabel.model import rescaled
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.model import ModelCard
    from geolabel.raster import RasterInfo, Resampling

GSD_TOLERANCE = 0.2
"""A network trained at 10 m still knows a mine at 12 m; beyond that the raster is resampled."""
_FAR_GSD, _HOPELESS = 2.0, 100.0
_FAR = 5.0
"""Values so many times larger or smaller than in training are in another unit."""
_BRIGHTER, _MUCH_BRIGHTER = 1.5, 3.0
"""Deviations of the training pixels by which the mean of a whole raster hardly ever lies above theirs."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a raster is to be read so that it keeps the contract."""

    info: RasterInfo
    """With the model's bands, in the model's order."""
    grid: Grid
    """On which it is predicted: its own, or one resampled to the model's GSD."""
    resampled: bool
    resampling: Resampling
    scale: float | None
    """Stored value × scale = the model's stored value; None where they are the same."""


def check(path: Path, card: ModelCard, *, bands: Sequence[str] = (), scale: float | None = None) -> Fit:
    """Compare a raster with a model's contract.

    Raises InputError, CRSError (no place), BandError (bands missing or without names), ContractError (type or unit).
    """
    if scale is not None and scale <= 0:
        raise OptionError(f"--scale must be more than 0, got {scale:g}")
    described = raster.describe(path, bands)
    grid = described.place
    info = _choose_bands(described, card)
    known = _known_encoding(info, card) if scale is None else None
    _check_unit(info, card, scale, known)
    scale = known if scale is None else scale
    _check_nodata(info, card)
    if card.gsd_m is None:
        log.warning("%s: the model does not know its GSD; tiles are taken at the raster's own", path)
        return Fit(info, grid, resampled=False, resampling="nearest", scale=scale)
    ratios = [gsd / card.gsd_m for gsd in grid.gsd_m]
    if all(1 / (1 + GSD_TOLERANCE) <= ratio <= 1 + GSD_TOLERANCE for ratio in ratios):
        return Fit(info, grid, resampled=False, resampling="nearest", scale=scale)
    if max(ratios) > _HOPELESS:
        raise ContractError(
            f"{path}: pixels of {grid.gsd_m[0]:.6g} × {grid.gsd_m[1]:.6g} m, but the model wants {card.gsd_m:.6g} m: "
            "what it looks for cannot be seen in them; give a finer raster, or mend its transform"
        )
    tell = log.warning if max(*ratios, *(1 / ratio for ratio in ratios)) > _FAR_GSD else log.info
    tell("%s: resampled from %.2f × %.2f m to the model's %.2f m", path, *grid.gsd_m, card.gsd_m)
    finer = min(ratios) < 1
    aligned = raster.align(info, card.gsd_m)
    return Fit(info, aligned, resampled=True, resampling="average" if finer else "bilinear", scale=scale)


def _choose_bands(info: RasterInfo, card: ModelCard) -> RasterInfo:
    wanted = [band.name for band in card.bands]
    try:
        return info.choose(wanted)
    except BandError as error:
        raise BandError(
            f"{info.path}: the model needs the bands {', '.join(wanted)}; found {listed(info.band_names)}. "
            "Name the file's bands in their order with --bands"
        ) from error


def _known_encoding(info: RasterInfo, card: ModelCard) -> float | None:
    """The factor to the model's stored values, where its contract knows how such rasters store theirs."""
    told = card.settings.get("encodings", {}).get(info.dtype)
    described = any(band.scale != 1 or band.offset != 0 for band in info.bands)
    if told is None or described:
        return None
    return float(told) / card.bands[0].scale


def _check_unit(info: RasterInfo, card: ModelCard, scale: float | None, known: float | None) -> None:
    """Type and unit: physical values must be about as large as in training."""
    described = any(band.scale != 1 or band.offset != 0 for band in info.bands)
    if info.dtype != card.dtype and scale is None and known is None and not described:
        same = 1 / card.bands[0].scale
        raise ContractError(
            f"{info.path}: {info.dtype} pixels, the model was trained on {card.dtype} (values around "
            f"{card.bands[0].mean:.4g}); give --scale, a factor for stored values, {same:.4g} if the unit is the same"
        )
    means = _coarse_means(info)
    if means is None:
        return
    factor = known if scale is None else scale
    if factor is not None:
        _check_factor(info, card, means, factor, is_known=scale is None)
        return
    if _far(means, card):
        # --scale turns stored values into the model's stored values
        stored = np.array([(mean - band.offset) / band.scale for mean, band in zip(means, info.bands, strict=True)])
        wanted = np.array([(band.mean - band.offset) / band.scale for band in card.bands])
        raise ContractError(
            f"{info.path}: values around {means.mean():.4g}, the model knows values around "
            f"{np.mean([band.mean for band in card.bands]):.4g}: another unit? Give --scale, a factor for stored "
            f"values (here about {np.median(wanted / stored):.2g})"
        )


def _check_factor(
    info: RasterInfo, card: ModelCard, means: NDArray[np.float64], factor: float, *, is_known: bool
) -> None:
    """Values under a factor that was given, or that the contract knows: such files often mean something else."""
    stored = np.array([(mean - band.offset) / band.scale for mean, band in zip(means, info.bands, strict=True)])
    seen = np.array([value * factor * band.scale + band.offset for value, band in zip(stored, card.bands, strict=True)])
    off = np.array([(value - band.mean) / band.std for value, band in zip(seen, card.bands, strict=True)])
    words = f"{info.path}: stored values around {stored.mean():.4g}, times {factor:.3g}, are"
    if is_known and (_far(seen, card) or (off > _MUCH_BRIGHTER).all()):
        raise ContractError(
            f"{words} far from what the model knows; what do they mean? Give --scale, a factor for stored values (here "
            f"about {factor * np.median([band.mean for band in card.bands]) / np.median(seen):.2g})"
        )
    if _far(seen, card) or (off > _BRIGHTER).all():
        log.warning(
            "%s brighter or darker than most of what the model knows. Is it Sentinel-2 of 2022 or later, with its "
            "offset of 1000? gdal_edit.py -a_scale .0001 -a_offset -.1 says so",
            words,
        )


def _far(means: NDArray[np.float64], card: ModelCard) -> bool:
    ratios = means / np.array([abs(band.mean) for band in card.bands])
    return bool((ratios > _FAR).all() or (ratios < 1 / _FAR).all())


def _check_nodata(info: RasterInfo, card: ModelCard) -> None:
    """A border that the training rasters declared as nodata, and this one does not, would be predicted as ground."""
    if info.mask != "none" or card.nodata is None:
        return
    if any((corner == card.nodata).all() for corner in raster.corners(info)):
        raise ContractError(
            f"{info.path}: has no nodata value, yet a corner is all {card.nodata:g}, which was nodata in training; "
            f"declare it: gdal_edit.py -a_nodata {card.nodata:g} {info.path}"
        )


def _coarse_means(info: RasterInfo) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Physical mean of each band, from one overview; None where nothing is valid there, or nothing is bright."""
    sampled = raster.sample(info)
    if sampled is None:
        return None
    means = np.array(
        [float(values.mean()) * band.scale + band.offset for values, band in zip(sampled, info.bands, strict=True)]
    )
    return means if (means > 0).all() else None


def adapted(card: ModelCard, fit: Fit) -> ModelCard:
    """The contract with what turns the values of the raster at hand into physical ones."""
    if fit.scale is None:
        return rescaled(card, [b.scale for b in fit.info.bands], [b.offset for b in fit.info.bands])
    return rescaled(card, [band.scale * fit.scale for band in card.bands], [band.offset for band in card.bands])
