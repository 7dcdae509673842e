"""A second pass over the region: what the images show within each patch, and the raster of changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import raster
from geolabel.changes.indices import available, ratio
from geolabel.grid import Window
from geolabel.inference.decision import LEVELS
from geolabel.progress import track
from geolabel.steps.changes.find import OUTSIDE, TOLD
from geolabel.steps.changes.strips import read_together, sample_together, strips

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.changes.series import What
    from geolabel.grid import Grid
    from geolabel.raster import RasterInfo
    from geolabel.steps.changes.evidence import Evidence
    from geolabel.steps.changes.find import Found

_FEW = 200
"""Pixels of a sample below which nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What each patch shows; NaN where nothing was seen."""

    seen: NDArray[np.float64]
    """(patches, dates): share of a patch that an image shows."""
    odds: NDArray[np.float64]
    """(patches, dates): mean log-odds of the class; one column an interval where a model compares pairs."""
    indices: Mapping[str, NDArray[np.float64]]
    """Spectral index → (patches, dates), means."""
    others: NDArray[np.float64]
    """(patches, classes): mean probability of each class of the model at the last date."""


def measure(evidence: Evidence, images: Sequence[RasterInfo], found: Found, writer: raster.StripWriter) -> Measured:
    """Measure all patches, and write for each pixel the number of the image that first shows its change."""
    grid, patches = evidence.grid, found.patches
    geometries = patches.geometries
    numbers = (patches.class_index + 1).astype(np.uint8)
    others = [] if evidence.others is None else [evidence.others]
    infos = [*evidence.levels, *images, found.told, *others]
    tally = _Tally(len(geometries))
    spectral = available(images[0].band_names) if images else {}
    tree = shapely.STRtree(geometries)
    windows = strips(grid, len(infos))
    rows = track(read_together(infos, grid, windows), total=len(windows), what=f"measuring {found.what}", unit="strips")
    for window, pixels, valid in rows:
        near = np.sort(tree.query(shapely.box(*grid.part(window).bounds)))
        ids = raster.burn(geometries[near], (near + 1).astype(np.int32), grid.part(window))
        told = np.where(
            valid[len(evidence.levels) + len(images)], pixels[len(evidence.levels) + len(images)][0], OUTSIDE
        )
        codes = np.concatenate([[0], numbers])[ids]
        writer.write(window.row_off, np.where(told == TOLD, codes, told).astype(np.uint8)[None])
        inside = ids > 0
        if not inside.any():
            continue
        owner = ids[inside] - 1
        tally.add("pixels", owner, np.ones(len(owner)), np.ones(len(owner), bool))
        for number, table in enumerate(evidence.tables):
            tally.add(f"odds {number}", owner, table[pixels[number][0][inside]], valid[number][inside])
        for number in range(len(images)):
            at = len(evidence.levels) + number
            tally.add(f"image {number}", owner, np.ones(len(owner)), valid[at][inside])
            part = pixels[at][:, inside]
            for name, places in spectral.items():
                tally.add(f"{name} {number}", owner, ratio(part, places), valid[at][inside])
        if others:
            for number, band in enumerate(pixels[-1]):
                tally.add(f"class {number}", owner, band[inside] / LEVELS, valid[-1][inside])
    dates = len(images) or len(evidence.levels)
    of_seen = "image" if images else "odds"
    return Measured(
        seen=np.stack([tally.count(f"{of_seen} {number}") for number in range(dates)], axis=1)
        / tally.count("pixels")[:, None].clip(1),
        odds=np.stack([tally.mean(f"odds {number}") for number in range(len(evidence.levels))], axis=1),
        indices={
            name: np.stack([tally.mean(f"{name} {number}") for number in range(dates)], axis=1) for name in spectral
        },
        others=np.stack([tally.mean(f"class {number}") for number in range(len(evidence.others.bands))], axis=1)
        if evidence.others is not None
        else np.zeros((len(geometries), 0)),
    )


class _Tally:
    """Sums and counts of each patch, by name."""

    def __init__(self, patches: int) -> None:
        self._patches = patches
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, NDArray[np.float64]] = {}

    def add(self, name: str, owner: NDArray[np.int32], values: NDArray[np.generic], valid: NDArray[np.bool_]) -> None:
        own = owner[valid]
        total = np.bincount(own, weights=values[valid], minlength=self._patches)
        count = np.bincount(own, minlength=self._patches).astype(np.float64)
        self._sums[name] = self._sums.get(name, np.zeros(self._patches)) + total
        self._counts[name] = self.count(name) + count

    def count(self, name: str) -> NDArray[np.float64]:
        return self._counts.get(name, np.zeros(self._patches))

    def mean(self, name: str) -> NDArray[np.float64]:
        count = self.count(name)
        total = self._sums.get(name, np.zeros(self._patches))
        found: NDArray[np.float64] = np.divide(total, count, out=np.full(self._patches, np.nan), where=count > 0)
        return found


def noise(
    evidence: Evidence, images: Sequence[RasterInfo], index: str, what: What, within: Window | None = None
) -> NDArray[np.float64]:
    """How an index moves where nothing changed: (dates, dates, 2), median and deviation of index[i] − index[j].

    That is where all images which saw a place say the same of the class: that it is there, for a loss, or is not, for a
    gain. NaN where there are too few such pixels.
    """
    names = images[0].band_names
    bands = [names[place] for place in available(names)[index]]
    values, valid = sample_together([*(info.choose(bands) for info in images), *evidence.levels], evidence.grid, within)
    pictures, answers = values[: len(images)], values[len(images) :]
    calm = np.ones(valid.shape[1], dtype=bool)
    for table, answer, seen in zip(evidence.tables, answers, valid[len(images) :], strict=True):
        present = table[answer[0]] > 0
        calm &= ~seen | (present if what == "loss" and not evidence.paired else ~present)
    moves = np.full((len(images), len(images), 2), np.nan)
    means = [ratio(picture, (0, 1)) for picture in pictures]
    for before in range(len(images)):
        for after in range(before + 1, len(images)):
            both = calm & valid[before] & valid[after]
            if both.sum() >= _FEW:
                moved = means[before][both] - means[after][both]
                middle = float(np.median(moved))
                moves[before, after] = middle, 1.4826 * float(np.median(np.abs(moved - middle)))
    return moves


def shares_of_class(
    evidence: Evidence, geometries: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each polygon (n,), in the grid's CRS, where the last date shows the class, and where it does not; 0–1.

    What it did not see, and what lies outside the images, is in neither.
    """
    grid, table = evidence.grid, evidence.tables[-1]
    there, gone = np.zeros(len(geometries)), np.zeros(len(geometries))
    tree = shapely.STRtree(geometries)
    windows: list[Window] = strips(grid, 2)
    for window, pixels, valid in read_together([evidence.levels[-1]], grid, windows):
        for row in np.sort(tree.query(shapely.box(*grid.part(window).bounds))).tolist():  # earlier alerts may overlap
            odds, seen = _within(geometries[row], grid.part(window), pixels[0][0], valid[0], table)
            there[row] += (seen & (odds > 0)).sum()
            gone[row] += (seen & (odds <= 0)).sum()
    pixel = abs(grid.transform.a * grid.transform.e)
    area = np.maximum(shapely.area(geometries) / pixel, 1.0)
    return np.minimum(there / area, 1.0), np.minimum(gone / area, 1.0)


def _within(
    geometry: Any, grid: Grid, levels: NDArray[np.generic], valid: NDArray[np.bool_], table: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Log-odds in the box of a polygon, and which of its pixels lie inside and were seen."""
    west, south, east, north = shapely.bounds(geometry)
    col, row = grid.col_row(np.array([west, east]), np.array([south, north]))
    cols, rows = (np.sort(ends) for ends in (col, row))
    left, right = (int(np.clip(edge, 0, grid.width)) for edge in (np.floor(cols[0]), np.ceil(cols[1])))
    top, bottom = (int(np.clip(edge, 0, grid.height)) for edge in (np.floor(rows[0]), np.ceil(rows[1])))
    if right <= left or bottom <= top:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), bool)
    part = grid.part(Window(left, top, right - left, bottom - top))
    inside = raster.burn(np.array([geometry], dtype=object), np.ones(1, np.uint8), part).astype(bool)
    here = (slice(top, bottom), slice(left, right))
    return table[levels[here].astype(np.uint8)], inside & valid[here]
