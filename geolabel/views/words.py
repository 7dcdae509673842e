"""Classes and numbers as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.labels.confusion import NONE, UNKNOWN
from geolabel.views.page import swatch

if TYPE_CHECKING:
    from collections.abc import Mapping

GREY = "#8a938f"


@dataclass(frozen=True, slots=True)
class Legend:
    """How classes are called and coloured."""

    titles: Mapping[str, str]
    colors: Mapping[str, str]
    """#rrggbb by class name."""

    def title(self, name: str) -> str:
        """A class in words."""
        return {NONE: "none of them", UNKNOWN: "unknown"}.get(name) or self.titles.get(name, name)

    def color(self, name: str) -> str:
        """A class's colour."""
        return "transparent" if name == UNKNOWN else self.colors.get(name, GREY)

    def swatch(self, name: str) -> str:
        """A class with its colour, as HTML."""
        return swatch(self.title(name), self.color(name))


def hectares(area: float | None) -> str:
    """An area to three digits, with its unit."""
    if area is None:
        return "–"
    return f"{area:,.0f} ha" if area >= 100 else f"{area:.3g} ha"  # noqa: PLR2004 - three digits


def percent(share: float | None) -> str:
    """A share to a tenth of a percent; a dash where there is none."""
    return "–" if share is None or share != share else f"{100 * share:.1f} %"  # noqa: PLR0124 - NaN
