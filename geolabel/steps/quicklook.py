"""Images as pictures for people: which bands, how bright, and on which grid they are shown together."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine

from geolabel import geodesy, raster
from geolabel.grid import Grid
from geolabel.raster.reduced import open_reduced
from geolabel.views.stretch import Stretch, shown_bands, stretch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.vector import Layer

_SIDE_PX = 2048
_SAMPLE_PX = 512
_WHOLE_PX = 1 << 28
"""Larger rasters of which the middle is empty are not decoded whole, only to choose a stretch."""
_QUALITIES = (82, 72, 60, 45, 30, 15)


@dataclass(frozen=True, slots=True)
class Dated:
    """An image with its date."""

    title: str
    """As people call it."""
    date: np.datetime64 | None
    """Day on which it was taken; None for unknown."""
    info: raster.RasterInfo
    name: str = ""
    """As alerts name it as their source; "" for the file's own name."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an image is shown: always the same, in whatever part."""

    info: raster.RasterInfo
    """With the bands that are shown: three, or one in grey."""
    caption: str
    """Which bands are seen."""
    stretch: Stretch
    """Of stored values."""

    def paint(self, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Stored values (bands, h, w) as red, green, blue (h, w, 3)."""
        picture = np.round(self.stretch.brightness(pixels) * 255).astype(np.uint8).transpose(1, 2, 0)
        return picture if picture.shape[2] > 1 else np.repeat(picture, 3, axis=2)


def look_of(info: raster.RasterInfo) -> Look:
    """The colours and the stretch of an image, by some of its pixels (see `views.stretch`)."""
    bands, caption = shown_bands(info.band_names)
    shown = info.choose(bands)
    return Look(shown, caption, stretch_of(_sample(shown), bands, info.dtype))


def _sample(info: raster.RasterInfo) -> list[NDArray[np.float32]]:
    """Valid values of each band; a zero where there are none at all."""
    found = raster.sample(info, _SAMPLE_PX)
    if found is None and info.width * info.height > _WHOLE_PX:
        return [np.zeros(1, np.float32) for _ in info.bands]
    if found is None:  # nothing in the middle
        place = info.place
        step = max(place.width, place.height) / _SAMPLE_PX
        width, height = math.ceil(place.width / step), math.ceil(place.height / step)
        coarse = Grid(
            place.crs, place.transform @ Affine.scale(place.width / width, place.height / height), width, height
        )
        with open_reduced(info) as reader:
            pixels, valid = reader.read(coarse)
        found = [band[valid] if valid.any() else np.zeros(1) for band in pixels]
    return found


def display_grid(image: Grid, layer: Layer) -> Grid:
    """A north-up grid over an image and a layer, in the image's CRS, its longest side 2048 px at the most.

    Pixels are squares on the ground at the image's centre, also where the CRS is in degrees, and not finer than the
    image's.
    """
    west, south, east, north = image.bounds
    if len(layer.geometries):
        left, bottom, right, top = shapely.total_bounds(placed_on(image, layer))
        west, south, east, north = min(west, left), min(south, bottom), max(east, right), max(north, top)
    per_x, per_y = units_per_m(image)
    wide_m, high_m = (east - west) / per_x, (north - south) / per_y
    gsd_m = max(min(image.gsd_m), max(wide_m, high_m) / _SIDE_PX)
    width, height = (max(1, math.ceil(side / gsd_m - 1e-6)) for side in (wide_m, high_m))
    return Grid(image.crs, Affine(gsd_m * per_x, 0, west, 0, -gsd_m * per_y, north), width, height)


def placed_on(grid: Grid, layer: Layer) -> NDArray[Any]:
    """A layer's geometries (n,) in the grid's CRS; degrees are turned by 360 to the grid's side of the antimeridian."""
    placed = geodesy.project_geometries(layer.geometries, layer.crs, grid.crs)
    if not geodesy.is_geographic(grid.crs):
        return placed
    west, _, east, _ = grid.bounds
    middle = (west + east) / 2

    def turn(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        turns = np.round((middle - coordinates[:, 0]) / 360)
        return np.column_stack([coordinates[:, 0] + 360 * turns, coordinates[:, 1]])

    return np.asarray(shapely.transform(placed, turn), dtype=object)


def units_per_m(grid: Grid) -> tuple[float, float]:
    """CRS units (x, y) that are a metre on the ground at the grid's centre."""
    gsd_x, gsd_y = grid.gsd_m
    return abs(grid.transform.a) / gsd_x, abs(grid.transform.e) / gsd_y


def quicklook(look: Look, grid: Grid, most_bytes: int) -> bytes:
    """An image on a grid as WebP, transparent where nothing was seen; coarser in detail until it is small enough."""
    from PIL import Image

    with open_reduced(look.info) as reader:
        pixels, valid = reader.read(grid)
    picture = Image.fromarray(np.dstack([look.paint(pixels), np.where(valid, 255, 0).astype(np.uint8)]))
    if valid.all():
        picture = picture.convert("RGB")
    for quality in _QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, "WEBP", quality=quality, method=4)
        if stream.tell() <= most_bytes:
            break
    return stream.getvalue()
