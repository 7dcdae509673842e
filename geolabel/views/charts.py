"""Line charts as SVG: pieces of a page, light and dark, or files of their own for papers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from geolabel.labels.colour import rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 340, 300
"""Of a chart without its legend, in the units of its coordinates."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 58, 14, 14, 44
_LEGEND, _ROW = 190, 17
_TICKS = 5
_WIDEST = 5
"""Characters beside an axis."""
_PALETTE = (
    "#3b7dd8", "#d1622b", "#2f9e6e", "#b0529c", "#a8862a", "#5b6fd6", "#c9485b", "#2c93a3",
    "#7a9a2e", "#8d62c9", "#b5703f", "#4f8f4a",
)  # fmt: skip
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
_LIGHT, _DARK = 0.30, 0.16
"""Luminances between which a line is seen on white and on near-black: a contrast of 3 to either."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart."""

    title: str
    color: str
    """#rrggbb"""
    x: tuple[float, ...]
    y: tuple[float, ...]
    note: str = ""
    """Said after the title in the legend."""
    mark: tuple[float, float] | None = None
    """A point to be pointed out."""
    dots: tuple[float, ...] = ()
    """Radius of a dot at each point; () draws none."""
    dash: str = ""

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or len(self.dots) not in (0, len(self.x)):
            raise ValueError(f"{self.title}: {len(self.x)} x, {len(self.y)} y and {len(self.dots)} dots")


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over two axes."""

    title: str
    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    guide: tuple[tuple[float, float], tuple[float, float]] | None = None
    """Ends of a faint straight line to compare with."""
    whole_x: bool = False
    """Whether there is nothing between whole numbers along x."""

    def __post_init__(self) -> None:
        for low, high in (self.x_range, self.y_range):
            if not low < high:
                raise ValueError(f"{self.title}: an axis from {low} to {high}")


def picture(chart: Chart) -> str:
    """The chart as a part of a page; its ink is the page's. Lines have their title as a tooltip."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}" '
        f'font-size="11" fill="currentColor">{_plot(chart)}</svg>'
    )


def picture_file(chart: Chart) -> str:
    """The chart as an SVG file with a title, a legend, and white paper."""
    height = max(HEIGHT, _TOP + _ROW * (len(chart.lines) + 1))
    rows = "".join(_key(line, at) for at, line in enumerate(chart.lines))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + _LEGEND}" height="{height}" '
        f'viewBox="0 0 {WIDTH + _LEGEND} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11" '
        f'color="#222222" fill="#222222">\n<title>{escape(chart.title)}</title>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{_plot(chart)}\n{rows}</svg>\n'
    )


def line_colors(wanted: Sequence[str | None]) -> tuple[tuple[str, str], ...]:
    """A colour and a dash for each line: the wanted colour as far as it is seen on light and dark, else one of ours.

    No two of the first 60 lines look the same.
    """
    found: list[tuple[str, str]] = []
    free = [(color, dash) for dash in _DASHES for color in _PALETTE]
    for at, color in enumerate(wanted):
        own = (seen_on_both(color), "") if color else None
        if own is None or own in found:
            own = next((look for look in free if look not in found), free[at % len(free)])
        found.append(own)
    return tuple(found)


def seen_on_both(color: str) -> str:
    """A colour (#rrggbb) made darker or lighter until it is seen on white and on near-black paper."""
    linear = [_linear(value / 255) for value in rgb(color)]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    if light > _LIGHT:
        linear = [part * _LIGHT / light for part in linear]
    elif light < _DARK:
        whiter = (_DARK - light) / (1 - light)
        linear = [part + whiter * (1 - part) for part in linear]
    return "#" + "".join(f"{round(255 * _gamma(part)):02x}" for part in linear)


def ticks(low: float, high: float, *, whole: bool = False) -> tuple[float, ...]:
    """About five round numbers from `low` to `high`: steps of 1, 2 or 5 and zeros."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    step = max(1.0, round(step)) if whole else step
    first = math.ceil(low / step - 1e-9)
    return tuple(round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1))


def _plot(chart: Chart) -> str:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for value in ticks(*chart.x_range, whole=chart.whole_x):
        x = _x(chart, value)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="currentColor" stroke-opacity=".13"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_tick(value)}</text>')
    for value in ticks(*chart.y_range):
        y = _y(chart, value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="currentColor" stroke-opacity=".13"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>')
    middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
    parts.append(f'<text x="{middle_x:g}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x_title)}</text>')
    parts.append(
        f'<text x="11" y="{middle_y:g}" text-anchor="middle" transform="rotate(-90 11 {middle_y:g})">'
        f"{escape(chart.y_title)}</text>"
    )
    if chart.guide:
        (x0, y0), (x1, y1) = chart.guide
        parts.append(
            f'<path d="M{_x(chart, x0):.1f} {_y(chart, y0):.1f}L{_x(chart, x1):.1f} {_y(chart, y1):.1f}" '
            'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="3 4"/>'
        )
    parts += [_line(chart, line) for line in chart.lines]
    return "".join(parts)


def _tick(value: float) -> str:
    """A number in as little room as it needs, exactly: 0.0006 as 6e-4."""
    plain = f"{value:.10g}"
    mantissa, _, exponent = f"{value:e}".partition("e")
    short = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return short if len(plain) > _WIDEST and len(short) < len(plain) and float(short) == value else plain


def _line(chart: Chart, line: Line) -> str:
    """A line with its dots and its mark; a tooltip says what it is. Where a value is not finite, it has none."""
    places = [(_x(chart, x), _y(chart, y)) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(x + y)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    parts = [f'<path d="M{path}" fill="none" stroke="{line.color}" stroke-width="1.8" {_dashed(line)}/>'] * bool(path)
    for x, y, radius in zip(line.x, line.y, line.dots, strict=False):  # no radii, no dots
        dot = f'<circle cx="{_x(chart, x):.1f}" cy="{_y(chart, y):.1f}" r="{radius:.1f}" fill="{line.color}"/>'
        parts += [dot] * math.isfinite(x + y)
    if line.mark and all(map(math.isfinite, line.mark)):
        x, y = _x(chart, line.mark[0]), _y(chart, line.mark[1])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="{line.color}" stroke="currentColor"/>')
    return f"<g><title>{escape(_said(line))}</title>{''.join(parts)}</g>\n"


def _key(line: Line, at: int) -> str:
    y = _TOP + _ROW * at + 6
    return (
        f'<path d="M{WIDTH + 4} {y}h20" stroke="{line.color}" stroke-width="2" fill="none" {_dashed(line)}/>'
        f'<text x="{WIDTH + 30}" y="{y + 4}">{escape(_said(line))}</text>\n'
    )


def key(line: Line) -> str:
    """The line as an entry of a page's legend."""
    return (
        '<span class="key"><svg width="22" height="10" aria-hidden="true">'
        f'<path d="M1 5h20" stroke="{line.color}" stroke-width="2.4" {_dashed(line)}/></svg>{escape(line.title)}</span>'
    )


def steps(x: Sequence[float], y: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The same line in steps: between two points it has the y of the second."""
    across, up = [*x[:1]], [*y[:1]]
    for (before, after), height in zip(pairwise(x), y[1:], strict=True):
        across += [before, after]
        up += [height, height]
    return tuple(across), tuple(up)


def _said(line: Line) -> str:
    return f"{line.title}  {line.note}".rstrip()


def _dashed(line: Line) -> str:
    return f'stroke-dasharray="{line.dash}"' if line.dash else ""


def _x(chart: Chart, value: float) -> float:
    low, high = chart.x_range
    return _LEFT + (min(max(value, low), high) - low) / (high - low) * (WIDTH - _RIGHT - _LEFT)


def _y(chart: Chart, value: float) -> float:
    low, high = chart.y_range
    return HEIGHT - _BOTTOM - (min(max(value, low), high) - low) / (high - low) * (HEIGHT - _BOTTOM - _TOP)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055  # noqa: PLR2004 - sRGB
