"""Ways through a raster: what its cells show, how its values are spread, and the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster
from geolabel.progress import track
from geolabel.steps.dehazing.source import STRIP_ROWS, Strip, lane_cols, lanes, strips
from geolabel.steps.dehazing.tone import Part
from geolabel.tones.clahe import Curves, Lattice
from geolabel.tones.stretch import Counts, Stretch
from geolabel.tones.veil import CELL_PX, Ends, beside, ends_of, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.steps.dehazing.source import Source
    from geolabel.steps.dehazing.tone import Tones

_COLS = 2048
"""Worked on at a time."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a raster shows of itself."""

    ends: Ends
    low: float
    high: float
    """Least and greatest physical value of the visible bands; 0 and 0 where nothing is valid."""
    valid: int
    """Pixels."""

    @property
    def white(self) -> float:
        """What counts as white where no type says it: the brightest that a cell shows, its last hundredth aside."""
        told = self.ends.bright[np.isfinite(self.ends.bright)]
        return float(told.max()) if len(told) and told.max() > 0 else 1.0

    @property
    def span(self) -> tuple[float, float]:
        """Between which values lie, the tails of each cell aside: one odd pixel would widen it a thousandfold."""
        told = np.isfinite(self.ends.dark)
        if not told.any():
            return self.low, self.high
        return float(self.ends.dark[told].min()), float(self.ends.bright[told].max())


def survey(source: Source) -> Survey:
    """One way through the visible bands."""
    source = source.in_colour
    ends: dict[int, list[Ends]] = {}
    low, high, count = np.inf, -np.inf, 0
    for strip in every_strip(source, 0, "looking for haze"):
        for top in range(0, len(strip.valid), CELL_PX):
            pixels = strip.pixels[:, top : top + CELL_PX]
            values = source.physical(pixels)
            valid = source.seen(pixels, values, strip.valid[top : top + CELL_PX])
            ends.setdefault(strip.cols.start, []).append(ends_of(values, valid))
            low = min(low, float(values.min(where=valid, initial=np.inf)))
            high = max(high, float(values.max(where=valid, initial=-np.inf)))
            count += int(valid.sum())
    whole = beside([joined(rows) for rows in ends.values()])
    return Survey(whole, low if count else 0.0, high if count else 0.0, count)


def every_strip(source: Source, halo: int, what: str) -> Iterator[Strip]:
    """The whole raster in strips with `halo` px around, lane by lane; `what` is done to them."""
    cols = lane_cols(source.info, STRIP_ROWS, halo)
    parts = lanes(source.info, cols)
    down = -(-source.info.height // STRIP_ROWS)
    with raster.open_raster(source.info) as reader:
        every = (strip for lane in parts for strip in strips(reader, STRIP_ROWS, halo, lane))
        yield from track(every, total=len(parts) * down, what=what, unit="strip")


def with_contrast(source: Source, tones: Tones, found: Survey, cells: int | None, clip: float) -> Tones:
    """The tones with a stretch of the whole region; or, with `cells` along each side, with the curves of these."""
    if cells is None:
        low, high = found.span
        counts = Counts.none(min(low, 0.0), max(high, tones.white))
        for piece in _pieces(source, tones, "stretching"):
            for band in piece.values:
                counts.add(band[piece.valid])
        return replace(tones, stretch=Stretch.of(counts))
    # from 0 to white: to cut off the dark end as well would make tints glaring, and lightness is spread anyway
    tones = replace(tones, stretch=Stretch(0.0, tones.white))
    lattice = Lattice.over(source.info.height, source.info.width, cells)
    for piece in _pieces(source, tones, "contrast"):
        lattice.add(tones.levels(piece.values), piece.valid, piece.rows, piece.cols)
    return replace(tones, curves=Curves.of(lattice, clip))


def _pieces(source: Source, tones: Tones, what: str) -> Iterator[Part]:
    """The whole raster without haze and with its shadows lifted, piece by piece."""
    source = source.in_colour
    for strip in every_strip(source, tones.reach, what):
        for piece, _ in cleared(source, tones, strip):
            yield piece


def cleared(source: Source, tones: Tones, strip: Strip) -> Iterator[tuple[Part, NDArray[np.floating]]]:
    """Pieces of a strip's core without haze and with their shadows lifted, and how much haze was removed (h, w)."""
    width, halo = strip.valid.shape[1], tones.reach
    down, across = strip.core
    rows = strip.place[0]
    for left in range(across.start, across.stop, _COLS):
        right = min(across.stop, left + _COLS)
        west, east = max(0, left - halo), min(width, right + halo)
        pixels = strip.pixels[:, :, west:east]
        values = source.physical(pixels)
        valid = source.seen(pixels, values, strip.valid[:, west:east])
        first = strip.cols.start
        part = Part(np.where(valid, values, 0), valid, strip.rows, slice(first + west, first + east))
        clear, removed = tones.clear(part)
        lifted = tones.lifted(clear, valid)
        core = (down, slice(left - west, right - west))
        yield Part(lifted[:, *core], valid[core], rows, slice(first + left, first + right)), removed[core]


@dataclass(frozen=True, slots=True)
class Made:
    """A part of the result."""

    pixels: NDArray[Any]
    """(bands, rows, columns), as stored."""
    valid: int
    """Pixels of which haze could be removed."""
    changed: int
    """Valid pixels that are not what they were."""
    squares: float
    """Sum of squared differences of the visible bands, physical."""
    veil: float
    """Sum of the removed haze."""
    thickest: float


def made(source: Source, tones: Tones, strip: Strip) -> Made:
    """A strip's core as it is written: what was not changed, not valid or not visible is as it was, to the bit."""
    down, across = strip.core
    pixels = strip.pixels[:, down, across].copy()
    seen, changed, squares, veil, thickest = 0, 0, 0.0, 0.0, 0.0
    bands = list(source.visible)
    for piece, removed in cleared(source, tones, strip):
        left = strip.place[1].start
        cols = slice(piece.cols.start - left, piece.cols.stop - left)
        own = pixels[:, :, cols]
        before, known = own[bands], source.physical(own)
        values = tones.contrasted(piece.values, piece.valid, piece.rows, piece.cols)
        touched = (values != known) & piece.valid
        after = beside_nodata(np.where(touched, source.stored(np.where(touched, values, 0)), before), before, source)
        pixels[bands, :, cols] = after
        differs = (after != before) & piece.valid
        seen += int(piece.valid.sum())
        changed += int(differs.any(axis=0).sum())
        difference = after[differs].astype(np.float64) - before[differs]
        squares += float(np.square(difference * np.broadcast_to(source.scale, after.shape)[differs]).sum())
        veil += float(removed.sum())
        thickest = max(thickest, float(removed.max(initial=0)))
    return Made(pixels, seen, changed, squares, veil, thickest)


def beside_nodata(after: NDArray[Any], before: NDArray[Any], source: Source) -> NDArray[Any]:
    """What became nodata by calculation is moved to the next value on the side from which it came."""
    nodata, kind = source.info.nodata, after.dtype
    if nodata is None or source.info.mask not in ("nodata", "none") or np.isnan(nodata):
        return after
    fallen = (after == nodata) & (before != nodata)
    if not fallen.any():
        return after
    if kind.kind == "f":
        up, down = (np.nextafter(kind.type(nodata), kind.type(end)) for end in (np.inf, -np.inf))
    else:
        ends = np.iinfo(kind)
        up = kind.type(nodata + 1 if nodata < ends.max else nodata - 1)
        down = kind.type(nodata - 1 if nodata > ends.min else nodata + 1)
    return np.where(fallen, np.where(before > nodata, up, down), after)
