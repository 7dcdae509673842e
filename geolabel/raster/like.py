"""A raster that is to be like another: all its bands, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geolabel.raster import door
from geolabel.raster.describe import Band, RasterInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_VALUES = ("STATISTICS_", "OVR_")
"""Tags that begin so are about values and overviews, and go with them."""


def every_band(info: RasterInfo) -> RasterInfo:
    """The same raster with all bands of its file, in its order, an alpha band among them.

    Chosen bands keep their names; others have the file's description, which may be empty.
    """
    chosen = {band.index: band for band in info.bands}
    with door.dataset(info.path) as dataset:
        names = [(description or "").lower() for description in dataset.descriptions]
        bands = tuple(
            chosen.get(index, Band(index, name, float(scale), float(offset)))
            for index, name, scale, offset in zip(dataset.indexes, names, dataset.scales, dataset.offsets, strict=True)
        )
    return replace(info, bands=bands)


def dress(dataset: Any, like: RasterInfo) -> None:
    """Give an open, new dataset what is said of another's bands, but for what is said of their values.

    A band that has no name yet gets the other's.
    """
    with door.dataset(like.path) as source:
        dataset.descriptions = [
            new or own or "" for new, own in zip(dataset.descriptions, source.descriptions, strict=True)
        ]
        dataset.colorinterp = source.colorinterp
        dataset.scales, dataset.offsets, dataset.units = source.scales, source.offsets, source.units
        dataset.update_tags(**_lasting(source.tags()))
        for index in source.indexes:
            dataset.update_tags(index, **_lasting(source.tags(index)))


def _lasting(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if not name.startswith(_OF_VALUES)}
