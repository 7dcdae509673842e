"""Bar charts as SVG, in the ink of the page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from geolabel.views.charts import ticks

_WIDTH, _HEIGHT = 400, 220
_LEFT, _TOP, _RIGHT, _BOTTOM = 48, 10, 8, 40
_LETTER_PX, _LABEL_PX = 5.8, 34
"""A letter of a label, and the least room that a label gets below its bar."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One part of every bar."""

    title: str
    color: str
    """#rrggbb, or a CSS colour of the page."""
    values: tuple[float, ...]
    """One a bar, ≥ 0."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars, each of parts one on the other."""

    title: str
    x_title: str
    y_title: str
    labels: tuple[str, ...]
    """One a bar."""
    stacks: tuple[Stack, ...]

    def __post_init__(self) -> None:
        if any(len(stack.values) != len(self.labels) for stack in self.stacks):
            raise ValueError(f"{self.title}: {len(self.labels)} labels, but other numbers of values")


def figure(bars: Bars) -> str:
    """The chart with its heading; a pointer over a part tells its number."""
    return (
        f'<figure><h3>{escape(bars.title)}</h3><svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(bars.title)}" font-size="11" fill="currentColor">{_plot(bars)}</svg></figure>\n'
    )


def _plot(bars: Bars) -> str:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    highest = max((sum(part) for part in zip(*(stack.values for stack in bars.stacks), strict=True)), default=0) or 1
    parts = []
    marks = ticks(0, highest)
    top = max(highest, marks[-1])
    for value in marks:
        y = bottom - value / top * (bottom - _TOP)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="currentColor" stroke-opacity=".13"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>')
    step = (right - _LEFT) / max(len(bars.labels), 1)
    every = max(1, round(_LABEL_PX / step + 0.49))
    for number, label in enumerate(bars.labels):
        base, x = float(bottom), _LEFT + number * step
        for stack in bars.stacks:
            height = stack.values[number] / top * (bottom - _TOP)
            if height:
                base -= height
                said = f"{label}: {stack.values[number]:,.4g} {stack.title}".rstrip()
                parts.append(
                    f'<rect x="{x + step * 0.08:.1f}" y="{base:.1f}" width="{step * 0.84:.1f}" height="{height:.1f}" '
                    f'rx="1.5" fill="{escape(stack.color)}"><title>{escape(said)}</title></rect>'
                )
        if number % every == 0:
            fits = max(3, int(every * step / _LETTER_PX))
            short = label if len(label) <= fits else label[: fits - 1] + "…"
            parts.append(f'<text x="{x + step / 2:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(short)}</text>')
    parts.append(
        f'<text x="{(_LEFT + right) / 2:g}" y="{_HEIGHT - 6}" text-anchor="middle" fill-opacity=".7">'
        f"{escape(bars.x_title)}</text>"
        f'<text x="11" y="{(_TOP + bottom) / 2:g}" text-anchor="middle" fill-opacity=".7" '
        f'transform="rotate(-90 11 {(_TOP + bottom) / 2:g})">{escape(bars.y_title)}</text>'
    )
    return "".join(parts)
