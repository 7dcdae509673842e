"""Detections as a layer to be written: one row each, with what a reader of the map asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import geodesy
from geolabel.vector import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.grid import Grid
    from geolabel.maps.detections import Detections

_DECIMALS = 4


def detections_layer(
    detections: Detections,
    grid: Grid,
    class_names: Sequence[str],
    class_titles: Sequence[str],
    colors: Sequence[str],
    *,
    name: str = "detections",
) -> Layer:
    """A layer of detections in the grid's CRS; names, titles and colours (#rrggbb) by class index.

    `probability` is the mean over a detection's pixels, `area_ha` is geodesic, to a square metre, and
    so is `perimeter_m`, holes included, to ten centimetres.
    """
    if not len(class_names) == len(class_titles) == len(colors):
        raise ValueError(f"{len(class_names)} names, {len(class_titles)} titles, {len(colors)} colours")
    index = detections.class_index
    return Layer(
        name,
        detections.geometries,
        {
            "class": np.array(class_names, dtype=object)[index],
            "title": np.array(class_titles, dtype=object)[index],
            "probability": detections.mean_probability.round(_DECIMALS),
            "probability_max": detections.max_probability.round(_DECIMALS),
            "area_ha": geodesy.area_ha(detections.geometries, grid.crs).round(_DECIMALS),
            "perimeter_m": geodesy.perimeter_m(detections.geometries, grid.crs).round(1),
            "pixels": detections.pixels.astype(np.int64),
            "color": np.array([color.lower() for color in colors], dtype=object)[index],
        },
        grid.crs,
    )


def filter_layer(layer: Layer, min_area_ha: float) -> Layer:
    """The rows of a layer whose `area_ha` is `min_area_ha` or more."""
    large = layer.columns["area_ha"] >= min_area_ha
    columns = {name: values[large] for name, values in layer.columns.items()}
    return replace(layer, geometries=layer.geometries[large], columns=columns)
