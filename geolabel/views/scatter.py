"""Pictures of a projection for papers and slides: tiles as their own markers (PNG), and points by class (SVG)."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from geolabel.labels.colour import rgb
from geolabel.views.words import GREY

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDTH_PX = 2400
_CELLS = (8, 60)
"""Cells along the longer side, from … to."""
_CELLS_PER_TILE = 1.5
"""Times the root of the number of tiles: points are not spread evenly, so a third of the cells or less is filled."""
_FRAME, _GAP = 0.05, 0.04
"""Of a cell's side."""
_TURN, _TILT = math.radians(35), math.radians(20)
"""From where three dimensions are seen."""
_PLOT, _MARGIN, _ROW = 640, 16, 22
_WIDTH = _PLOT + 3 * _MARGIN + 250
"""With the legend."""
_INK = 12_000.0
"""So many square pixels are covered by all points together, about, within limits of a point's size."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Points of n tiles, by class."""

    points: NDArray[np.float32]
    """(n, 2 or 3); three dimensions are seen from one side."""
    codes: NDArray[np.int64]
    """(n,): class; −1 where it is unknown."""
    titles: tuple[str, ...]
    colors: tuple[str, ...]
    """#rrggbb, one a class."""


def thumbnail_plot(plot: Plot, pictures: NDArray[np.uint8]) -> bytes:
    """PNG of the tiles' pictures (n, side, side, 3) where their points lie, none over another, without axes.

    A grid lies over the points; each cell shows the tile that lies nearest its middle, in a frame of its class's
    colour. So dense regions show a sample, and empty ones stay white.
    """
    flat = on_plane(plot.points)
    most = int(np.clip(round(_CELLS_PER_TILE * math.sqrt(len(flat))), *_CELLS))
    cell_px = _WIDTH_PX // most
    row, col, tile = chosen_for_cells(flat, most)
    frame, gap = max(1, round(_FRAME * cell_px)), max(1, round(_GAP * cell_px))
    side = cell_px - gap
    canvas = np.full(((int(row.max()) + 1) * cell_px + gap, (int(col.max()) + 1) * cell_px + gap, 3), 255, np.uint8)
    shades = np.array([rgb(color) for color in (*plot.colors, GREY)], np.uint8)
    inner = side - 2 * frame
    for at_row, at_col, number in zip(row.tolist(), col.tolist(), tile.tolist(), strict=True):
        top, left = at_row * cell_px + gap, at_col * cell_px + gap
        canvas[top : top + side, left : left + side] = shades[plot.codes[number]]
        picture = Image.fromarray(pictures[number]).resize((inner, inner), Image.Resampling.LANCZOS)
        within = (slice(top + frame, top + frame + inner), slice(left + frame, left + frame + inner))
        canvas[within] = np.asarray(picture)
    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def chosen_for_cells(
    flat: NDArray[np.float64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows (m,) from the top, columns (m,) and tiles (m,) of the cells that are filled, `most` along the longer side.

    Points (n, 2) have x to the right and y upwards.
    """
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = max(float((high - low).max()), 1e-12) / most
    place = (flat - low) / step
    place[:, 1] = (high - low)[1] / step - place[:, 1]
    cell = np.clip(np.floor(place), 0, most - 1).astype(np.int64)
    away = np.square(place - cell - 0.5).sum(axis=1)
    order = np.lexsort((np.arange(len(flat)), away, cell[:, 0], cell[:, 1]))
    first = np.ones(len(flat), bool)
    first[1:] = (np.diff(cell[order], axis=0) != 0).any(axis=1)
    tile = order[first]
    return cell[tile, 1], cell[tile, 0], tile


def scatter_plot(plot: Plot) -> str:
    """SVG of the points by class with a legend, without axes; the commonest class lies undermost."""
    flat = on_plane(plot.points)
    low, span = flat.min(axis=0), max(float(np.ptp(flat, axis=0).max()), 1e-12)
    place = _MARGIN + (flat - low) / span * _PLOT
    high = float(np.ptp(flat[:, 1])) / span * _PLOT
    place[:, 1] = high + 2 * _MARGIN - place[:, 1]
    wide = 2 * np.clip(math.sqrt(_INK / len(flat)), 0.8, 5.0)
    counts = np.bincount(plot.codes + 1, minlength=len(plot.titles) + 1)
    height = max(high + 2 * _MARGIN, _ROW * (np.count_nonzero(counts) + 1) + _MARGIN)
    shown = [(int(counts[0]), -1, "unknown", GREY)]
    shown += [
        (int(counts[code + 1]), code, title, color)
        for code, (title, color) in enumerate(zip(plot.titles, plot.colors, strict=True))
    ]
    shown = [one for one in shown if one[0]]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif" font-size="14">\n<rect width="100%" height="100%" '
        'fill="#fff"/>\n'
    ]
    for _, code, title, color in sorted(shown, key=lambda one: (one[1] >= 0, -one[0], one[1])):
        dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in place[plot.codes == code].tolist())
        parts.append(
            f'<path d="{dots}" fill="none" stroke="{color}" stroke-width="{wide:.1f}" stroke-linecap="round" '
            f'stroke-opacity=".75"><title>{escape(title)}</title></path>\n'
        )
    left = _PLOT + 3 * _MARGIN
    for at, (count, code, title, color) in enumerate(sorted(shown, key=lambda one: (one[1] < 0, one[1]))):
        y = _MARGIN + _ROW * at + _ROW / 2
        label = escape(title if code >= 0 else "unknown")
        parts.append(
            f'<circle cx="{left}" cy="{y}" r="5" fill="{color}"/>'
            f'<text x="{left + 14}" y="{y + 5}" fill="#1c2321">{label} ({count:,})</text>\n'
        )
    return "".join([*parts, "</svg>\n"])


def on_plane(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Points (n, 2); of three dimensions as seen from the side and a little from above, far away."""
    values = points.astype(np.float64)
    if values.shape[1] == 2:  # noqa: PLR2004 - a plane already
        return values
    x, y, z = (values - values.mean(axis=0)).T
    across, away = x * math.cos(_TURN) - y * math.sin(_TURN), x * math.sin(_TURN) + y * math.cos(_TURN)
    return np.column_stack([across, z * math.cos(_TILT) + away * math.sin(_TILT)])
