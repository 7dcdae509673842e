"""A quick look: a raster in its colours, the classes of a prediction over it, or some tiles of an index."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from geolabel import files, raster
from geolabel.errors import GeolabelError
from geolabel.labels.colour import rgb
from geolabel.raster.categories import categories
from geolabel.raster.profile import read_profile
from geolabel.raster.thumbnail import read_small
from geolabel.steps.inspection.prediction import CLASSES, source_of
from geolabel.steps.inspection.sheet import Look, contact_sheet
from geolabel.steps.quicklook import look_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.steps.inspection.kinds import Thing

_OPACITY = 0.55
_EMPTY = 255
"""Brightness of what was not seen."""


def look_at(thing: Thing, side_px: int, bands: Sequence[str] = ()) -> Look | None:
    """A quick look at a thing; None where it has none. Raises InputError."""
    match thing.kind:
        case "raster":
            with files.scratch() as room:
                path = raster.gather([thing.name], room, bands=bands)
                try:
                    info = raster.describe(path, bands)
                except GeolabelError:  # what other commands refuse is described, but not shown
                    return None
                return _of_raster(info, side_px)
        case "tiles" | "embeddings":
            return contact_sheet(thing.path)
        case "folder" if thing.record is not None and thing.record["command"] == "predict":
            return _of_prediction(thing.path, thing.record, side_px)
        case _:
            return None


def _of_raster(info: RasterInfo, side_px: int) -> Look:
    palette = read_profile(info.path).palette if info.palette else {}
    if palette:
        pixels, valid, window = read_small(info.choose(info.band_names[:1]), side_px, codes=True)
        named = {value: found.name for value, found in categories(info.path).items()}
        there = np.unique(pixels[0][valid]).tolist()
        legend = tuple((named[value], palette[value]) for value in there if value in named and value in palette)
        return Look(_painted(pixels[0], valid, palette), _part(info, window, "in the colours of its palette"), legend)
    seen = look_of(info)
    pixels, valid, window = read_small(seen.info, side_px)
    largest = np.finfo(np.float32).max  # float64 goes further, the eye does not
    picture = seen.paint(np.clip(pixels, -largest, largest).astype(np.float32))
    return Look(np.where(valid[..., None], picture, np.uint8(_EMPTY)), _part(info, window, seen.caption), ())


def _part(info: RasterInfo, window: Any, caption: str) -> str:
    if window.width < info.width or window.height < info.height:
        return f"{caption}; its middle, {window.width:,} × {window.height:,} px: it has no overviews"
    return caption


def _painted(codes: NDArray[Any], valid: NDArray[np.bool_], palette: dict[int, str]) -> NDArray[np.uint8]:
    """Values (h, w) in their colours (h, w, 3)."""
    values, which = np.unique(codes, return_inverse=True)
    colors = np.array([rgb(palette.get(value, "#ffffff")) for value in values.tolist()], dtype=np.uint8)
    return np.where(valid[..., None], colors[which.reshape(codes.shape)], np.uint8(_EMPTY))


def _of_prediction(folder: Path, record: dict[str, Any], side_px: int) -> Look:
    """Classes over the image, where that is still at hand; else alone."""
    classes = _of_raster(raster.describe(folder / CLASSES), side_px)
    told = record.get("inputs", {}).get("raster", {})
    image = source_of(folder, str(told.get("path", "")), str(told.get("fingerprint", "")))
    if image is None:
        return replace(classes, caption="classes; the image is not at hand")
    try:
        info = raster.describe(image, tuple(record.get("options", {}).get("bands") or ()))
        below = _of_raster(info, side_px).pixels
    except GeolabelError:
        return replace(classes, caption="classes; the image cannot be read any more")
    height, width = classes.pixels.shape[:2]
    fitted = np.asarray(Image.fromarray(below).resize((width, height), Image.Resampling.BILINEAR))
    codes, valid, _ = read_small(raster.describe(folder / CLASSES), side_px, codes=True)
    shown = (valid & (codes[0] != 0))[..., None]
    mixed = (fitted * (1 - _OPACITY) + classes.pixels * _OPACITY).astype(np.uint8)
    return replace(classes, pixels=np.where(shown, mixed, fitted), caption="classes over the image")
