"""From patches and what is measured in them to alerts: dates, sightings, driver, second opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.alerts import Changes
from geolabel.changes import drivers
from geolabel.steps.changes.dated import names
from geolabel.steps.changes.measure import noise
from geolabel.steps.changes.strips import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.steps.changes.choices import Choices
    from geolabel.steps.changes.dated import Dated
    from geolabel.steps.changes.evidence import Evidence
    from geolabel.steps.changes.find import Found
    from geolabel.steps.changes.measure import Measured

_MOST = 0.5
"""Share of a patch that an image must show to speak of it."""
_GREEN = ("forest", "tree", "wood", "mangrove", "vegetation", "cerrado", "savanna")
"""Words of classes whose loss makes a place less green."""
_SURE, _LEAST_DROP = 2.0, 0.03
"""A second opinion agrees where an index falls by this many deviations of calm ground, and by this much."""


def changes_of(
    found: Found,
    measured: Measured,
    evidence: Evidence,
    images: Sequence[RasterInfo],
    dates: Sequence[Dated],
    choices: Choices,
) -> Changes:
    """The patches of one kind of change as they are to be told."""
    patches = found.patches
    n = len(patches.geometries)
    first = patches.class_index.astype(np.int64) + 1
    before, last, count = sightings(measured, first, found.what, paired=evidence.paired)
    days = np.array([image.date for image in dates], dtype="datetime64[D]")
    named = np.array(names(dates), dtype=object)
    crs = evidence.grid.crs
    rows = np.arange(n)
    over = {
        name: (values[rows, before], values[rows, first], values[:, -1]) for name, values in measured.indices.items()
    }
    driver = (
        drivers.by_color(over, _on_plane(patches.geometries, crs))
        if found.what == "loss"
        else np.full(n, "", dtype=object)
    )
    if evidence.others is not None:
        told = drivers.by_classes(measured.others, evidence.others.band_names, choices.class_name)
        driver = np.where(told != "", told, driver)
    if found.what == "gain":
        driver = np.where(driver == "", drivers.driver_of(choices.class_name), driver)
    return Changes(
        geometries=patches.geometries,
        crs=crs,
        class_name=np.full(n, choices.class_name, dtype=object),
        class_title=np.full(n, evidence.title, dtype=object),
        change=np.full(n, found.what, dtype=object),
        driver=driver,
        confidence=patches.mean_probability,
        date_first=days[first],
        date_last=days[last],
        date_window_days=(days[first] - days[before]).astype(np.int64),
        n_obs=count,
        source_before=named[before],
        source_after=named[first],
        color=np.full(n, _color(evidence, found.what), dtype=object),
        mmu_ha=choices.mmu_ha,
        model_sha=evidence.model_sha,
        evidence=_opinion(measured, evidence, images, first, before, found, choices) if images else {},
    )


def _on_plane(geometries: NDArray[np.object_], crs: str) -> NDArray[np.object_]:
    """Polygons on a plane in metres about their middle."""
    if not len(geometries):
        return geometries
    west, south, east, north = shapely.total_bounds(geometries)
    plane = geodesy.utm_crs(crs, (west + east) / 2, (south + north) / 2)
    return geodesy.project_geometries(geometries, crs, plane)


def _color(evidence: Evidence, what: str) -> str:
    """Losses are red, whatever was lost; what came has its own colour."""
    return "#d7301f" if what == "loss" else evidence.color


def sightings(
    measured: Measured, first: NDArray[np.int64], what: str, *, paired: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each patch the image before its change, the last one that shows it, and how many do: numbers from 0, (n,).

    An image speaks of a patch where it shows half of it. Where a model compares pairs, later images are not asked.
    """
    n, dates = measured.seen.shape
    at = np.arange(dates)
    clear = measured.seen >= _MOST
    earlier = clear & (at < first[:, None])
    before = np.where(earlier.any(axis=1), dates - 1 - earlier[:, ::-1].argmax(axis=1), first - 1)
    if paired:
        return before, first.copy(), np.ones(n, dtype=np.int64)
    odds = np.nan_to_num(measured.odds) * (-1 if what == "loss" else 1)
    shows = clear & (odds > 0) & (at >= first[:, None])
    over = np.cumsum(clear & (odds <= 0) & (at > first[:, None]), axis=1) > 0
    shows &= ~over
    last = np.where(shows.any(axis=1), dates - 1 - shows[:, ::-1].argmax(axis=1), first)
    return before, np.maximum(last, first), np.maximum(shows.sum(axis=1), 1).astype(np.int64)


def _opinion(
    measured: Measured,
    evidence: Evidence,
    images: Sequence[RasterInfo],
    first: NDArray[np.int64],
    before: NDArray[np.int64],
    found: Found,
    choices: Choices,
) -> dict[str, NDArray[np.generic]]:
    """The second opinion: how far greenness and NBR fell, and whether that speaks for the change."""
    rows = np.arange(len(first))
    drops = {
        name: measured.indices[name][rows, before] - measured.indices[name][rows, first]
        for name in ("ndvi", "nbr")
        if name in measured.indices
    }
    if not drops:
        return {}
    green = any(word in choices.class_name.lower() for word in _GREEN)
    sign = 1.0 if (found.what == "loss") == green else -1.0
    within = box_of(choices.aoi, evidence.grid)
    either = found.what == "change"  # what became of the place is not told
    agrees, known = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for name, drop in drops.items():
        middle, deviation = np.moveaxis(noise(evidence, images, name, found.what, within)[before, first], -1, 0)
        least = np.maximum(_SURE * np.nan_to_num(deviation), _LEAST_DROP)
        moved = drop - np.nan_to_num(middle)
        agrees |= (np.abs(moved) if either else sign * moved) >= least
        known |= np.isfinite(drop)
    spectral = np.where(known, np.where(agrees, "agrees", "disagrees"), "").astype(object)
    return {"spectral": spectral, **{f"{name}_drop": drop.round(4) for name, drop in drops.items()}}
