"""How figures are written on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def plain(value: float) -> str:
    """Two significant digits at least, without the nought before the point: .95, 12.3, 1,044."""
    if value and abs(value) < 0.01:
        return f"{value:.1e}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


WRITTEN: dict[str, Callable[[float], str]] = {
    "": plain,
    "×": lambda value: f"{plain(value)} ×",
    "%": lambda value: f"{plain(100 * value)} %",
    "s": lambda value: f"{plain(value)} s",
    "MB": lambda value: f"{value:,.0f} MB",
    "dB": lambda value: f"{value:.1f} dB",
    "score": lambda value: f"{value:.3f}".removeprefix("0"),
}
"""Unit → figure and unit in words."""
