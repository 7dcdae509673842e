"""What stands where a class was: mine, farmland, road, water, burn; by a model's classes, or by colour and form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_WORDS = {
    "mine": ("mine", "mining", "quarry", "garimpo", "mineral"),
    "farmland": ("farm", "agri", "crop", "pasture", "soy", "plantation", "arable", "orchard", "meadow", "vineyard"),
    "road": ("road", "highway", "track"),
    "water": ("water", "river", "lake", "reservoir", "sea"),
    "burn": ("burn", "fire"),
    "settlement": ("residential", "urban", "settlement", "village", "industrial", "built"),
}
_LIKELY = 0.5
"""Mean probability from which a model's class is taken for what stands there."""
_GREEN_AGAIN = 0.8
"""Share of the greenness before the change from which ground counts as farmed: neither forest nor bare."""
_ROAD_WIDTH_M, _ROAD_SLENDER = 60.0, 8.0
_WET, _BURNT = 0.0, 0.15


def driver_of(class_name: str) -> str:
    """The driver that a class stands for; "" where it is none of them."""
    text = class_name.lower()
    return next((driver for driver, words in _WORDS.items() if any(word in text for word in words)), "")


def by_classes(probabilities: NDArray[np.float64], names: Sequence[str], lost: str) -> NDArray[np.object_]:
    """Drivers (n,) by mean probabilities (n, classes) of a model's classes at the last date; "" where unlikely."""
    found = np.full(len(probabilities), "", dtype=object)
    drivers = np.array([driver_of(name) if name != lost else "" for name in names], dtype=object)
    usable = drivers != ""
    if not usable.any() or not len(probabilities):
        return found
    best = np.nan_to_num(probabilities[:, usable])
    likely = best.max(axis=1) >= _LIKELY
    found[likely] = drivers[usable][best.argmax(axis=1)][likely]
    return found


def by_color(
    indices: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]],
    plane: NDArray[np.object_],
) -> NDArray[np.object_]:
    """Drivers (n,) by indices before the change, at the first image after it and at the last one, and by form.

    `plane` (n,) are the polygons on a metric plane.

    Water: NDWI above 0 after the change and at the last date (McFeeters 1996). Burn: NBR fell by more than .15, NDVI
    with it, and the ground is not green by the last date. Road: long and narrow. Farmland: green again, but not forest.
    What is none of these stays "": bare ground alone does not tell a mine from a field.
    """
    found = np.full(len(plane), "", dtype=object)
    if "ndvi" in indices:
        before, _, last = indices["ndvi"]
        found[(last >= _GREEN_AGAIN * before) & (before > 0)] = "farmland"
    found[_slender(plane)] = "road"
    if "nbr" in indices and "ndvi" in indices:
        before, after, _ = indices["nbr"]
        green_before, green_after, green_last = indices["ndvi"]
        fell = (before - after > _BURNT) & (after < 0) & (green_last < _GREEN_AGAIN * green_before)
        found[fell & (green_before - green_after > _BURNT)] = "burn"
    if "ndwi" in indices:
        _, after, last = indices["ndwi"]
        found[(after > _WET) & (last > _WET)] = "water"
    return found


def _slender(plane: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which polygons are as narrow as a road everywhere, and many times as long."""
    if not len(plane):
        return np.zeros(0, dtype=bool)
    width = 2 * shapely.length(shapely.maximum_inscribed_circle(plane))
    west, south, east, north = shapely.bounds(plane).T
    return np.asarray((width <= _ROAD_WIDTH_M) & (np.hypot(east - west, north - south) >= _ROAD_SLENDER * width))
