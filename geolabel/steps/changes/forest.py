"""Forest without a model: its chance at each date, from images alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from geolabel import raster
from geolabel.changes.forest import follow_forest, learn_forest, probability, score
from geolabel.errors import EmptyError
from geolabel.grid import Window
from geolabel.inference.decision import LEVELS, quantise
from geolabel.progress import track
from geolabel.steps.changes.strips import rows_at_once, sample_together, strips

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.changes.forest import Forest
    from geolabel.grid import Grid
    from geolabel.raster import RasterInfo

_NODATA = 255
_SMOOTH = 3


def forest_levels(images: Sequence[RasterInfo], grid: Grid, folder: Path) -> tuple[RasterInfo, ...]:
    """Write the chance of forest at each date into `folder`, as levels 0–250, 255 where nothing was seen.

    The forest is learned from the first image and followed through the others. Raises EmptyError (none found).
    """
    names = images[0].band_names
    values, valid = sample_together(images, grid)
    if not valid[0].any():
        raise EmptyError(
            f"{images[0].path}: nothing valid was met in the first image; check its nodata value (gdalinfo)"
        )
    first = learn_forest(values[0][:, valid[0]], names)
    was = valid[0] & (probability(score(values[0], first, names)) > 0.5)  # noqa: PLR2004 - likelier than not
    found = []
    for number, (info, sample, seen) in enumerate(zip(images, values, valid, strict=True), start=1):
        here = first if number == 1 else follow_forest(sample[:, seen], was[seen], first, names)
        now = probability(score(sample, here, names)) > 0.5  # noqa: PLR2004
        was = np.where(seen, now, was)
        path = folder / f"forest-{number}.tif"
        if not path.exists():
            _write(path, info, here, grid)
        found.append(raster.describe(path))
    return tuple(found)


def _write(path: Path, info: RasterInfo, forest: Forest, grid: Grid) -> None:
    """Write the levels of one date, calmed by a median over 3 × 3 pixels."""
    windows = strips(grid, 4)
    style = raster.BandStyle(("forest",), nodata=_NODATA, scale=1 / LEVELS)
    with raster.open_raster(info) as reader, raster.write_cog(path, grid, style, rows_at_once(grid, 4)) as writer:
        for window in track(windows, total=len(windows), what=f"forest of {info.path.name}", unit="strips"):
            top = max(window.row_off - 1, 0)
            end = min(window.row_off + window.height + 1, grid.height)
            pixels, valid = reader.read(Window(0, top, grid.width, end - top))
            levels = quantise(probability(score(np.where(valid, pixels, 0), forest, info.band_names)))
            whole = ndimage.binary_erosion(valid, np.ones((_SMOOTH, _SMOOTH), dtype=bool), border_value=1)
            calm = np.where(whole, ndimage.median_filter(levels, size=_SMOOTH, mode="nearest"), levels)
            inner = slice(window.row_off - top, window.row_off - top + window.height)
            writer.write(window.row_off, np.where(valid, calm, _NODATA).astype(np.uint8)[None, inner])
