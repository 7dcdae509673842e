"""The layer of polygons that a class raster or a prediction becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import geodesy, maps
from geolabel.errors import OptionError
from geolabel.inference import LEVELS
from geolabel.steps.polygon_sources import ClassRaster, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.maps import Detections
    from geolabel.vector import Layer

_CLOSE = 0.98
"""Patches from this share of the least area on are measured one by one: pixels differ in size over a raster."""
_STAIRS = 4
"""Pixels: sides of outlines up to so long are the raster's stairs, and are smoothed away; longer ones are shapes."""
_YEAR = 4
"""Letters of a year."""


@dataclass(frozen=True, slots=True)
class Outlining:
    """What counts as a polygon, and how it is drawn."""

    min_area_ha: float = 0.0
    fill_holes_ha: float = 0.0
    """Holes that are smaller vanish."""
    simplify_m: float = 0.0
    smooth: int = 0
    """Rounds of cutting corners."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 0:
                option = one.name.removesuffix("_ha").removesuffix("_m").replace("_", "-")
                raise OptionError(f"--{option} must not be negative, got {getattr(self, one.name):g}")


def polygon_layer(opened: ClassRaster | Prediction, how: Outlining) -> Layer:
    """All polygons; of a raster with dates with a column `year` (and `date`, where they are days or months)."""
    grid = opened.grid
    pixel_ha = _pixel_areas(grid)
    min_pixels = max(1, math.floor(_CLOSE * how.min_area_ha / pixel_ha.max()))
    fill_pixels = math.ceil(how.fill_holes_ha / float(np.median(pixel_ha)))
    if isinstance(opened, Prediction):
        found = maps.outline(
            opened.strips(),
            grid,
            scale=1 / LEVELS,
            min_pixels=min_pixels,
            seeds=opened.seeds,
            fill_pixels=fill_pixels,
        )
        return replace(_drawn(found, opened, how), attribution=opened.attribution)
    each = maps.outline_classes(opened.strips(), grid, min_pixels=min_pixels, fill_pixels=fill_pixels)
    layers = [_without_probability(_drawn(one, opened, how)) for one in each]
    return _dated(layers, opened.dates) if opened.dates else layers[0]


def _pixel_areas(grid: Grid) -> NDArray[np.float64]:
    """Hectares of nine pixels, spread over a grid: corners, sides and the middle."""
    cols, rows = (np.array([0, side // 2, side - 1]) for side in (grid.width, grid.height))
    col, row = (axis.ravel() for axis in np.meshgrid(cols, rows))
    return geodesy.area_ha(grid.boxes(col, row, np.ones(9, int), np.ones(9, int)), grid.crs)


def _drawn(found: Detections, opened: ClassRaster | Prediction, how: Outlining) -> Layer:
    """Measured as outlined, then drawn calmer."""
    entries = opened.scheme.classes
    titles, colors = [one.title for one in entries], [one.color for one in entries]
    layer = maps.detections_layer(found, opened.grid, opened.scheme.names, titles, colors, name="polygons")
    large = layer.columns["area_ha"] >= how.min_area_ha
    if not large.all():
        layer = maps.filter_layer(layer, how.min_area_ha)
        found = found.take(large)
    if not (how.simplify_m or how.smooth):
        return layer
    calm = replace(found, geometries=_in_metres(found.geometries, opened.grid))
    calm = maps.simplify(calm, how.simplify_m) if how.simplify_m else calm
    longest = max(_STAIRS * max(opened.grid.gsd_m), 2 * how.simplify_m)
    round_ = maps.smooth(calm, how.smooth, longest=longest)
    return replace(layer, geometries=_from_metres(round_.geometries, opened.grid))


def _in_metres(geometries: NDArray[np.object_], grid: Grid) -> NDArray[np.object_]:
    """Stretched along x and y until a pixel has its size in metres, so that tolerances are metres in any CRS."""
    return _moved(geometries, grid, into=True)


def _from_metres(geometries: NDArray[np.object_], grid: Grid) -> NDArray[np.object_]:
    """The inverse."""
    return _moved(geometries, grid, into=False)


def _moved(geometries: NDArray[np.object_], grid: Grid, *, into: bool) -> NDArray[np.object_]:
    corner = np.array([grid.transform.c, grid.transform.f])
    stretch = np.array(grid.gsd_m) / np.abs([grid.transform.a, grid.transform.e])

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((xy - corner) * stretch if into else xy / stretch + corner, dtype=np.float64)

    return np.asarray(shapely.transform(geometries, move), dtype=object)


def _without_probability(layer: Layer) -> Layer:
    columns = {name: values for name, values in layer.columns.items() if not name.startswith("probability")}
    return replace(layer, columns=columns)


def _dated(layers: Sequence[Layer], dates: Sequence[str]) -> Layer:
    """The layers of several dates as one, with the date beside the class."""
    count = [len(layer.geometries) for layer in layers]
    dated = {"year": np.repeat(np.array([int(date[:_YEAR]) for date in dates], dtype=np.int64), count)}
    if any(len(date) > _YEAR for date in dates):
        dated["date"] = np.repeat(np.array(dates, dtype=object), count)
    columns = {name: np.concatenate([layer.columns[name] for layer in layers]) for name in layers[0].columns}
    front = {name: columns.pop(name) for name in ("class", "title")}
    geometries = np.concatenate([layer.geometries for layer in layers])
    return replace(layers[0], geometries=geometries, columns={**front, **dated, **columns})
