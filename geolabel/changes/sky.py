"""Clouds, haze and shadows in optical dates without thermal bands: what stands out from one date, and from the others.

Sources: Zhu & Woodcock, "Object-based cloud and cloud shadow detection", RSE 118, 2012, for the tests of brightness and
whiteness; Zhang et al., "An image transform to characterize and compensate for spatial variations in thin cloud
contamination", RSE 82, 2002, for haze (HOT); Hagolle et al., "A multi-temporal method for cloud detection", RSE 114,
2010, for the blue that rises from one date to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CLEAR, CLOUD, HAZE, SHADOW, OUTSIDE = 0, 1, 2, 3, 255
NAMES = {CLEAR: "clear", CLOUD: "cloud", HAZE: "haze", SHADOW: "shadow"}

_NEAR_PX = 64
"""Shadows are looked for so near to clouds, at the most."""
AROUND_PX = _NEAR_PX + 24
"""A piece needs so many pixels around it to be told as it is in the whole."""
_NEAR_M = 1500.0
"""How far low clouds throw their shadows."""
_CLOUD_BUFFER, _SHADOW_BUFFER = 3, 2
"""Pixels added around clouds and shadows: their edges are half one, half the other."""
_BRIGHT, _VERY_BRIGHT = 0.10, 0.17
"""Reflectance in blue that clouds have, and that land hardly ever reaches."""
_ABOVE_SCENE = 0.06
"""How much brighter than the scene's median clouds are."""
_WHITE, _WHITE_GREEN = 0.82, 0.95
"""Least ratio of blue to red, and of green to red: soil, sand and tailings are redder, clouds are white."""
_BLUEST = 1.3
"""Greatest ratio: milky water is bluer."""
_RISE = 0.05
"""Rise in blue over the other dates: new clearings rise less, and more in red."""
_HOT_RISE = 0.035
"""Rise of blue over what a rise of soil in red explains."""
_SOIL = 0.75
"""Rise of soil, sand and tailings in blue (or green) for a rise in red."""
_CORE_PX = 12
"""Clouds have a core that is very bright, so far from their edges at the most."""
_HAZE = 0.02
_DIM = 0.75
"""Shadows have less than this share of the other dates' light in near infrared, and in red."""
_VEGETATION_LOSS = 0.2
"""NDVI may fall so far in a shadow: it is a ratio, and stays; in water and burns it does not."""
_DARK_WATER = 0.08
"""Near infrared where it is too dark for a shadow, or for haze that is no mud, to be seen."""
_MOSTLY = 0.5
_HAZE_PX = 15


class Bands(NamedTuple):
    """Where the bands are that tell the sky: positions, None where there is none."""

    short: int
    """Blue, or green where there is no blue."""
    red: int
    nir: int | None
    white: float
    """Least ratio of short to red in clouds."""


def bands_for_sky(names: Sequence[str]) -> Bands | None:
    """The bands of a raster that tell the sky; None where it has no red, or neither blue nor green."""
    at = {name: position for position, name in reversed(list(enumerate(names)))}
    short = at.get("blue", at.get("green"))
    if short is None or "red" not in at:
        return None
    nir = next((at[name] for name in ("nir", "nir08") if name in at), None)
    return Bands(short, at["red"], nir, _WHITE if "blue" in at else _WHITE_GREEN)


@dataclass(frozen=True, slots=True)
class Light:
    """How stored values become reflectance, and how bright the land of the scene is."""

    unit: float
    """Reflectance of one stored unit."""
    short: float
    """Median of the clear land in the short band, reflectance."""
    nir: float
    """The same in near infrared; NaN without it."""


_BYTE_WHITE = 0.28
"""Reflectance that the brightest land of a stretched scene is taken to have in red…"""
_BYTE_RANGE = (0.25, 0.45)
"""… as long as 255 then means something between these."""


def light_of(pixels: NDArray[Any], valid: NDArray[np.bool_], bands: Bands, unit: float | None) -> Light:
    """What stored values mean, from a sample (dates, bands, n) in the reference's units, valid (dates, n).

    `unit` is what the file says, or None for stretched bytes: their brightest land is taken for bright soil.
    """
    clear = _middle(pixels, valid)
    seen = np.isfinite(clear[0])
    if not seen.any():
        return Light(unit or _BYTE_RANGE[1] / 255, 0.0, float("nan"))
    if unit is None:
        brightest = float(np.percentile(clear[bands.red][seen], 99.5))
        unit = float(np.clip(_BYTE_WHITE / max(brightest, 1.0) * 255, *_BYTE_RANGE)) / 255
    nir = float(np.median(clear[bands.nir][seen])) * unit if bands.nir is not None else float("nan")
    return Light(unit, float(np.median(clear[bands.short][seen])) * unit, nir)


def sky(pixels: NDArray[Any], valid: NDArray[np.bool_], bands: Bands, light: Light, gsd_m: float) -> NDArray[np.uint8]:
    """What hides the ground at each date: (dates, height, width) of CLEAR, CLOUD, HAZE, SHADOW and OUTSIDE.

    `pixels` (dates, bands, height, width) are comparable: normalised to one date; `valid` (dates, height, width). With
    three dates and more each is judged beside the median of the others, with two beside the other, alone by itself.
    """
    from scipy import ndimage

    chosen = [bands.short, bands.red] + ([] if bands.nir is None else [bands.nir])
    seen = np.where(valid[:, None], pixels[:, chosen], 0).astype(np.float32) * np.float32(light.unit)
    alone = np.stack([_white(date, bands, light) for date in seen]) & valid
    usual = alone & (seen[:, 0] > light.short + 2 * _ABOVE_SCENE)  # not to be compared with
    found = np.full(valid.shape, OUTSIDE, dtype=np.uint8)
    near_px = int(np.clip(_NEAR_M / gsd_m, 10, _NEAR_PX))
    for date in range(len(seen)):
        others = [at for at in range(len(seen)) if at != date]
        others_seen = (
            _middle(seen[others], valid[others] & ~usual[others]) if others else np.full_like(seen[date], np.nan)
        )
        rise = seen[date] - others_seen
        known = np.isfinite(others_seen[0])
        risen = (rise[0] > _RISE) & (rise[0] - _SOIL * np.maximum(rise[1], 0) > _HOT_RISE * 0.5)
        very = alone[date] & (seen[date, 0] > max(_VERY_BRIGHT, light.short + 2 * _ABOVE_SCENE))
        cloud = _compact(np.where(known, alone[date] & risen, very))
        cloud = ndimage.binary_dilation(_compact(very) & cloud, iterations=_CORE_PX, mask=cloud)
        cloud = ndimage.binary_dilation(cloud, iterations=_CLOUD_BUFFER)
        shadow = _compact(
            _dimmed(seen[date], others_seen, known, light, has_nir=bands.nir is not None) & valid[date], 5
        )
        near = ndimage.maximum_filter(cloud, 2 * near_px + 1, mode="constant")
        shadow = ndimage.binary_dilation(shadow & near & ~cloud, iterations=_SHADOW_BUFFER)
        land = known & valid[date] & ((seen[date, 2] > _DARK_WATER) if bands.nir is not None else True)
        haze = land & (_calm(rise[0] - _SOIL * np.maximum(rise[1], 0), land) > _HAZE)
        found[date] = np.select([cloud, shadow, haze], [CLOUD, SHADOW, HAZE], CLEAR)
    found[~valid] = OUTSIDE
    return found


def _middle(stack: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The lower median over dates (dates, bands, …) of what is valid (dates, …); NaN where nothing is."""
    ranked = np.sort(np.where(valid[:, None], stack.astype(np.float32), np.inf), axis=0)
    at = np.maximum(valid.sum(axis=0) - 1, 0) // 2
    middle = np.take_along_axis(ranked, np.broadcast_to(at, (1, *ranked.shape[1:])), axis=0)[0]
    middle[~np.isfinite(middle)] = np.nan
    return np.asarray(middle)


def _white(seen: NDArray[np.float32], bands: Bands, light: Light) -> NDArray[np.bool_]:
    """Bright and white in one date (short, red, nir)."""
    short, red = seen[0], seen[1]
    white = (short > max(_BRIGHT, light.short + _ABOVE_SCENE)) & (short > bands.white * red) & (short < _BLUEST * red)
    if bands.nir is not None:  # water is dark here, green leaves are brighter than in red
        white &= (seen[2] > 0.9 * short) & (seen[2] < 3.0 * red)
    return np.asarray(white)


def _dimmed(
    seen: NDArray[np.float32], others: NDArray[np.float32], known: NDArray[np.bool_], light: Light, *, has_nir: bool
) -> NDArray[np.bool_]:
    """Darker than the other dates in all bands, as a shadow is and water, burns and regrowth are not."""
    if not has_nir:
        ratio = seen[:2] / np.maximum(others[:2], 1e-4)
        return np.asarray(known & (ratio[0] < _DIM) & (ratio[1] < _DIM) & (ratio[1] > 0.55 * ratio[0]))
    short, red, nir = seen
    ndvi = (nir - red) / np.maximum(nir + red, 1e-4)
    beside = (others[2] - others[1]) / np.maximum(others[2] + others[1], 1e-4)
    return np.asarray(
        known
        & (nir < _DIM * others[2])
        & (red < others[1])
        & (short < others[0] + 0.005)
        & (nir < _DIM * light.nir)
        & (others[2] > _DARK_WATER)
        & (ndvi > beside - _VEGETATION_LOSS)
    )


def _compact(found: NDArray[np.bool_], side_px: int = 3) -> NDArray[np.bool_]:
    """Without specks: what most of the pixels around say."""
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter(found.astype(np.float32), side_px, mode="nearest") > _MOSTLY)


def _calm(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean over 15 × 15 pixels of what is known: haze has no small parts."""
    from scipy import ndimage

    weight = ndimage.uniform_filter(known.astype(np.float32), _HAZE_PX, mode="nearest")
    total = ndimage.uniform_filter(np.where(known, values, 0).astype(np.float32), _HAZE_PX, mode="nearest")
    return np.asarray(total / np.maximum(weight, 1e-6))
