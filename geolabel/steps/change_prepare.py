"""Dates made comparable: on one grid, shifted into place, in one light, without clouds and their shadows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.changes import radiometry, shift, sky
from geolabel.errors import OptionError
from geolabel.grid import Window
from geolabel.progress import log, track
from geolabel.steps.change_common_grid import View, common_views, overlap
from geolabel.steps.change_writing import normalised, write_date, write_skies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.changes.radiometry import BandFit
    from geolabel.changes.shift import Shift
    from geolabel.grid import Grid
    from geolabel.raster import RasterInfo

_SAMPLES_ALONG, _SAMPLE_PX = 8, 64
"""Windows along each axis, and their side: a quarter of a million pixels."""
_SHIFT_BANDS = 4
"""More bands make the shift no surer."""
_FAR_PX = 5.0
"""A shift that is worth a warning."""
_PHYSICAL = 2.0
"""Floats below this are reflectance itself."""
_REFLECTANCE = 1e-4
"""Of one stored unit in whole numbers of two bytes, where the file does not say: what agencies deliver."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One date, ready to be compared with the others."""

    info: RasterInfo
    """The prepared raster; the original one where nothing had to be done."""
    original: Path
    date: np.datetime64
    shift: Shift | None
    """Where the date lay beside the first one; None of the first, and where it was not looked for."""
    shift_m: tuple[float, float]
    """The same eastwards and northwards, metres."""
    fits: tuple[BandFit, ...]
    """What was done to each band; empty of the first date, and where nothing was asked for."""
    cloud_share: float
    """Of what the date saw, 0–1; NaN where it was not looked for."""
    haze_share: float
    shadow_share: float
    sky: RasterInfo | None
    """0 clear, 1 cloud, 2 haze, 3 shadow, 255 not seen; None where it was not looked for."""
    notes: tuple[str, ...]
    """What a person should know of it, a sentence each."""


def prepare(
    rasters: Sequence[RasterInfo],
    folder: Path,
    *,
    dates: Sequence[np.datetime64],
    align: bool = True,
    normalise: bool = True,
    mask_sky: bool = True,
    masks: Sequence[Path | None] = (),
) -> tuple[Prepared, ...]:
    """Make dates of one place comparable with the first; what had to be changed is written into `folder`.

    Clouds, shadows and what `masks` (one a date, nonzero: not seen) hide are nodata in what is written; haze is only
    marked. Raises BandError, CRSError, ContractError, InputError (see `common_views`), OptionError, OutputError.
    """
    for what, count in (("dates", len(dates)), ("masks", len(masks) or len(rasters))):
        if count != len(rasters):
            raise OptionError(f"change: {count} {what} for {len(rasters)} rasters; give one for each")
    views = list(common_views(rasters, masks))
    notes: list[list[str]] = [[] for _ in views]
    shifts = _put_in_place(views, notes) if align else [None] * len(views)
    sample = _sample(views)
    fits = _fits(sample) if normalise or mask_sky else [()] * len(views)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:02d}-{info.path.stem}.tif" for number, info in enumerate(rasters, start=1)]
    skies: list[RasterInfo | None] = [None] * len(views)
    shares = np.full((len(views), len(sky.NAMES)), np.nan)
    bands = sky.bands_for_sky(views[0].info.band_names)
    if mask_sky and bands is None:
        notes[0].append("clouds were not looked for: that needs red, and blue or green; name the bands with --bands")
    if mask_sky and bands is not None:
        lit = np.stack([normalised(*each) for each in zip(sample.pixels, fits, strict=True)])
        light = sky.light_of(lit, sample.valid, bands, _reflectance(views[0], sample))
        sky_paths = [path.with_name(f"{path.stem}-sky.tif") for path in paths]
        shares = write_skies(sky_paths, views, fits, bands, light)
        skies = [raster.describe(path) for path in sky_paths]
    used = fits if normalise else [()] * len(views)
    for told, view, fit in zip(notes, views, used, strict=True):
        told.extend(_light_notes(view, fit))
    prepared = []
    for at, view in enumerate(views):
        cloud, haze, shadow = (float(share) for share in shares[at, 1:])
        hidden = skies[at] if cloud + shadow > 0 else None
        changed = not view.untouched or hidden is not None or any(fit.method != "none" for fit in used[at])
        info = write_date(paths[at], view, views[0].info, used[at], hidden) if changed else view.info
        moved = _metres(views[0].grid, shifts[at])
        for note in notes[at]:
            log.warning("%s: %s", rasters[at].path, note)
        prepared.append(
            Prepared(
                info,
                rasters[at].path,
                dates[at],
                shifts[at],
                moved,
                used[at],
                cloud,
                haze,
                shadow,
                skies[at],
                tuple(notes[at]),
            )
        )
    return tuple(prepared)


def _put_in_place(views: list[View], notes: list[list[str]]) -> list[Shift | None]:
    """Measure how the dates lie beside the first, and read those that surely lie askew where they do, in place."""
    shifts: list[Shift | None] = [None]
    for at, view in enumerate(track(views[1:], what="where dates lie", unit="date"), start=1):
        found = _measure(views[0], view)
        shifts.append(found)
        notes[at] += _shift_notes(found)
        if found.to_correct:
            views[at] = view.moved(found)
    return shifts


def _measure(first: View, other: View) -> Shift:
    """How far a date's picture lies beside the first's."""
    area = overlap(first.grid, other.info)
    names = first.info.band_names[:_SHIFT_BANDS]
    found = []
    with first.choose(names).open() as still, other.choose(names).open() as moving:
        for spot in shift.spots(area.width, area.height):
            window = Window(area.col_off + spot.col_off, area.row_off + spot.row_off, spot.width, spot.height)
            (one, one_valid), (two, two_valid) = still.stored(window), moving.stored(window)
            found.append(shift.displacement(one, two, one_valid & two_valid))
    return shift.consensus(found)


def _shift_notes(found: Shift) -> list[str]:
    if not found.sure:
        return [
            f"whether it lies beside the first date is not known ({found.agreeing} of {found.windows} windows agree): "
            "left where it is"
        ]
    if found.distance_px > _FAR_PX:
        return [f"lay {found.distance_px:.1f} pixels beside the first date, and was shifted: check its georeference"]
    return []


def _light_notes(view: View, fits: Sequence[BandFit]) -> list[str]:
    poor = [name for name, fit in zip(view.info.band_names, fits, strict=False) if fit.r2 < radiometry.LEAST_R2]
    if not poor:
        return []
    return [f"hardly anything in {', '.join(poor)} looks as at the first date: colours may differ; trust changes less"]


def _metres(grid: Grid, found: Shift | None) -> tuple[float, float]:
    if found is None:
        return 0.0, 0.0
    x_m, y_m = grid.gsd_m
    return (
        found.col_px * float(np.copysign(x_m, grid.transform.a)),
        found.row_px * float(np.copysign(y_m, grid.transform.e)),
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    """The same pixels of all dates."""

    pixels: NDArray[np.float32]
    """(dates, bands, n), in the common unit."""
    valid: NDArray[np.bool_]
    """(dates, n)."""
    saturated: NDArray[np.bool_]
    """(dates, n)."""


def _sample(views: Sequence[View]) -> _Sample:
    grid = views[0].grid
    width, height = min(_SAMPLE_PX, grid.width), min(_SAMPLE_PX, grid.height)
    cols, rows = (
        np.unique(np.linspace(0, length - side, _SAMPLES_ALONG).astype(int)).tolist()
        for length, side in ((grid.width, width), (grid.height, height))
    )
    windows = [Window(col, row, width, height) for row in rows for col in cols]
    pixels, valid, saturated = [], [], []
    for view in track(views, what="sample", unit="date"):
        with view.open() as reader:
            parts = [reader.stored(window) for window in windows]
            stored = np.concatenate([part.reshape(len(part), -1) for part, _ in parts], axis=1)
            pixels.append(reader.in_common_unit(stored))
        valid.append(np.concatenate([seen.ravel() for _, seen in parts]))
        saturated.append(radiometry.saturated(stored))
    return _Sample(np.stack(pixels), np.stack(valid), np.stack(saturated))


def _fits(sample: _Sample) -> list[tuple[BandFit, ...]]:
    """How each date becomes the first one's light; empty of the first."""
    usable = sample.valid & ~sample.saturated
    fits: list[tuple[BandFit, ...]] = [()]
    for pixels, other in zip(sample.pixels[1:], usable[1:], strict=True):
        both = usable[0] & other
        fits.append(radiometry.fit(sample.pixels[0][:, both], pixels[:, both]))
    return fits


def _reflectance(first: View, sample: _Sample) -> float | None:
    """Reflectance of one unit of what is read; None of stretched bytes, which do not say."""
    if first.unit != 1:
        return first.unit
    kind = np.dtype(first.info.dtype)
    if kind == np.uint8:
        return None
    if kind.kind == "f":
        seen = sample.pixels[0][:, sample.valid[0]]
        return 1.0 if not seen.size or np.percentile(seen, 99) <= _PHYSICAL else _REFLECTANCE
    return _REFLECTANCE
