"""The page of `geolabel dehaze --compare`: the same look at the raster before and after."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from geolabel.grid import Grid
from geolabel.raster.reduced import open_reduced
from geolabel.steps.dehazing.source import VISIBLE
from geolabel.steps.quicklook import look_of, quicklook
from geolabel.steps.region.job import bare
from geolabel.tones.veil import CELL_PX, haze, upsampled
from geolabel.views.charts import Chart, Line
from geolabel.views.compare_page import ComparePage, document

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo
    from geolabel.steps.dehaze import DehazeReport
    from geolabel.steps.dehazing.source import Source
    from geolabel.steps.dehazing.tone import Tones

_SIDE_PX, _MAP_PX = 1600, 640
_MOST_BYTES = 1_500_000
_BARS = 96
_COLORS = {"red": "#c9485b", "green": "#2f9e6e", "blue": "#3b7dd8"}
_RAMP = np.array([[17, 26, 46], [47, 93, 140], [127, 176, 200], [244, 239, 226]], dtype=np.float64)
"""Colours of the haze, from none to most."""


def compare_page(report: DehazeReport, source: Source, made: Path, tones: Tones) -> str:
    """The page of a raster and of what was made of it."""
    before = source.info.choose(VISIBLE)
    after = replace(before, path=made)
    grid = _reduced(before.place, _SIDE_PX)
    look = look_of(before)
    small = _reduced(before.place, _MAP_PX)
    page = ComparePage(
        title=f"{Path(bare(report.raster)).name}: before and after",
        about=_about(report),
        facts=_facts(report),
        before=quicklook(look, grid, _MOST_BYTES),
        after=quicklook(replace(look, info=after), grid, _MOST_BYTES),
        size=(grid.width, grid.height),
        veil=_map(tones, before.place, small) if report.veil_max else b"",
        most=float(haze(tones.veil.field).max(initial=0)) * tones.veil.settings.omega,
        charts=_spread(before, after, small),
        settings=_settings(report, tones),
        notes=(
            "How much haze there is, the darkest of neighbourhoods of some hundred pixels says: a veil that is smaller "
            "than these, a single cloud say, is not seen.",
        ),
    )
    return document(page)


def _about(report: DehazeReport) -> str:
    done = report.contrast != "none" or report.shadows
    if report.veil_max:
        more = " Its tones were changed, too." if done else ""
        return f"Haze was found and removed from red, green and blue; other bands are as they were.{more}"
    return f"No haze was found. {'Only its tones were changed.' if done else 'The result is a faithful copy.'}"


def _facts(report: DehazeReport) -> tuple[tuple[str, str], ...]:
    return (
        (f"{report.veil_mean:.1%}", "of the light was haze and was removed, on average"),
        (f"{report.veil_max:.1%}", "where it was thickest"),
        (f"{report.changed:.0%}", "of the pixels changed"),
        ("the same" if report.psnr is None else f"{report.psnr:.1f} dB", "PSNR of the result against the raster"),
    )


def _settings(report: DehazeReport, tones: Tones) -> tuple[tuple[str, str], ...]:
    settings = tones.veil.settings
    light = ", ".join(f"{name} {value:.4g}" for name, value in report.light.items())
    return (
        ("share of the haze removed (--omega)", f"{settings.omega:g}"),
        ("window of the dark channel (--window)", f"{settings.window} px"),
        ("light of the air", light or "–"),
        ("contrast", report.contrast),
        ("shadows lifted", f"{report.shadows:g}"),
    )


def _reduced(grid: Grid, side_px: int) -> Grid:
    """A grid over the same place, its longest side so many pixels at the most."""
    factor = max(1.0, max(grid.width, grid.height) / side_px)
    width, height = (max(1, round(side / factor)) for side in (grid.width, grid.height))
    return Grid(grid.crs, grid.transform @ Affine.scale(grid.width / width, grid.height / height), width, height)


def _map(tones: Tones, place: Grid, small: Grid) -> bytes:
    """The veil of the neighbourhoods as PNG."""
    from PIL import Image

    cell = (CELL_PX * small.height / place.height, CELL_PX * small.width / place.width)
    over = haze(upsampled(tones.veil.field, slice(0, small.height), slice(0, small.width), cell))
    share = over / max(float(over.max()), 1e-9) * (len(_RAMP) - 1)
    low = np.minimum(share.astype(np.int64), len(_RAMP) - 2)
    on = (share - low)[..., None]
    colours = np.rint(_RAMP[low] * (1 - on) + _RAMP[low + 1] * on).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(colours).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _spread(before: RasterInfo, after: RasterInfo, grid: Grid) -> tuple[Chart, ...]:
    """How often values occur in each visible band, before (dashed) and after."""
    seen = []
    for info in (before, after):
        with open_reduced(info) as reader:
            pixels, valid = reader.read(grid)
        seen.append(pixels[:, valid])
    both = np.concatenate([values.ravel() for values in seen])
    low, high = (float(end) for end in np.percentile(both, (0.2, 99.8))) if both.size else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BARS + 1)
    return tuple(_chart(name, seen[0][band], seen[1][band], edges) for band, name in enumerate(VISIBLE))


def _chart(name: str, before: NDArray[np.float32], after: NDArray[np.float32], edges: NDArray[np.float64]) -> Chart:
    shares = [np.histogram(values, edges)[0] / max(len(values), 1) for values in (before, after)]
    middles = tuple(((edges[1:] + edges[:-1]) / 2).tolist())
    most = max(float(share.max()) for share in shares) or 1.0
    lines = tuple(
        Line(title, _COLORS[name], middles, tuple((share / most).tolist()), dash=dash)
        for title, dash, share in zip(("before", "after"), ("3 3", ""), shares, strict=True)
    )
    return Chart(name, "stored value", "how often (most often = 1)", lines, (float(edges[0]), float(edges[-1])))
