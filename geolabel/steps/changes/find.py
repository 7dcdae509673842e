"""From levels at dates to patches that changed: one pass over the region, strip by strip."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import maps, raster, vector
from geolabel.changes.series import History, history
from geolabel.errors import EmptyError
from geolabel.inference.decision import LEVELS, quantise
from geolabel.maps import Strip
from geolabel.progress import log, track
from geolabel.steps.changes.strips import read_together, rows_at_once, strips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.changes.series import What
    from geolabel.grid import Window
    from geolabel.maps import Detections
    from geolabel.steps.changes.choices import Choices
    from geolabel.steps.changes.evidence import Evidence

OUTSIDE, UNTOLD, TOLD = 255, 254, 0
"""In the raster of what could be told: no image, too few clear ones, enough."""


@dataclass(frozen=True, slots=True)
class Found:
    """Patches of one kind of change."""

    what: What
    patches: Detections
    """`class_index` + 1 is the number of the first image that shows the change, from 1."""
    told: raster.RasterInfo
    """Where the images tell of it."""


def find(evidence: Evidence, what: What, choices: Choices, folder: Path, confidence: raster.StripWriter) -> Found:
    """Find all patches that changed, and write how sure that is of each pixel.

    Raises EmptyError where no place was seen twice.
    """
    grid = evidence.grid
    pixel_ha = float(np.prod(grid.gsd_m)) / 1e4
    if 0 < choices.mmu_ha < pixel_ha:
        log.warning("--mmu %g ha: a pixel is %.2g ha, so that single ones are alerts", choices.mmu_ha, pixel_ha)
    least = max(
        1, int(np.ceil(choices.mmu_ha * 0.5 / pixel_ha))
    )  # what is half too small by pixels is settled on the ellipsoid
    intervals = len(evidence.levels) - (not evidence.paired)
    told = folder / f"told-{what}.tif"
    with ExitStack() as stack:
        writer = stack.enter_context(
            raster.write_cog(
                told,
                grid,
                raster.BandStyle(("told",), nodata=OUTSIDE, overviews="nearest"),
                rows_at_once(grid, len(evidence.levels)),
            )
        )
        patches = maps.outline(
            _strips(evidence, what, choices, (confidence, writer)),
            grid,
            scale=1 / LEVELS,
            min_pixels=least,
            seeds=(choices.threshold * LEVELS,) * intervals,
        )
    return Found(what, patches, raster.describe(told))


def _strips(
    evidence: Evidence, what: What, choices: Choices, writers: tuple[raster.StripWriter, raster.StripWriter]
) -> Iterator[Strip]:
    grid, confidence, told = evidence.grid, *writers
    intervals = len(evidence.levels) - (not evidence.paired)
    inside = _inside(choices, evidence)
    windows = strips(grid, len(evidence.levels) * 2)
    least = round(choices.grow * LEVELS)
    any_told = False
    rows = track(
        read_together(evidence.levels, grid, windows),
        total=len(windows),
        what=f"{what} of {choices.class_name}",
        unit="strips",
    )
    for window, levels, valid in rows:
        seen = valid & inside(window)
        odds = np.stack([table[part[0]] for table, part in zip(evidence.tables, levels, strict=True)])
        odds[~seen] = 0.0
        found = between(odds, seen) if evidence.paired else history(odds, seen, what)
        any_told |= bool(found.told.any())
        sure = quantise(found.confidence)
        presence = np.stack([(found.first == number) & (sure >= least) for number in range(1, intervals + 1)])
        confidence.write(window.row_off, np.where(found.told, sure, OUTSIDE).astype(np.uint8)[None])
        told.write(
            window.row_off, np.select([found.told, seen.any(axis=0)], [TOLD, UNTOLD], OUTSIDE).astype(np.uint8)[None]
        )
        yield Strip(window.row_off, presence, np.broadcast_to(sure, presence.shape))
    if not any_told:
        raise EmptyError(
            "no place was seen at two dates; check the images' nodata values and clouds, and the area of interest"
        )


def between(odds: NDArray[np.float32], seen: NDArray[np.bool_]) -> History:
    """The history where a model tells changes between images: log-odds (intervals, rows, cols) of a change in each."""
    chance = np.where(seen, 1 / (1 + np.exp(-odds)), 0.0).astype(np.float32)
    told = np.asarray(seen.any(axis=0))
    return History(chance.max(axis=0), np.where(told, chance.argmax(axis=0) + 1, 0).astype(np.uint8), told)


def _inside(choices: Choices, evidence: Evidence) -> Callable[[Window], NDArray[np.bool_]]:
    """What tells whether pixels of a window are asked for."""
    grid = evidence.grid
    if choices.aoi is None:
        return lambda window: np.ones((window.height, window.width), dtype=bool)
    area = vector.read_area(choices.aoi, grid)
    if not len(area):
        raise EmptyError(f"{choices.aoi}: the area of interest does not touch the images; check its CRS (ogrinfo -so)")
    if not shapely.area(area).any():
        raise EmptyError(f"{choices.aoi}: the area of interest holds no polygons; give one that encloses an area")
    ones = np.ones(len(area), dtype=np.uint8)

    def asked(window: Window) -> NDArray[np.bool_]:
        return raster.burn(area, ones, grid.part(window)).astype(bool)

    return asked
