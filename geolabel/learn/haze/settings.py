"""What haze removal is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geolabel.errors import OptionError


@dataclass(frozen=True, slots=True)
class DarkChannel:
    """How haze is looked for. Windows are cut at the border, so images may be smaller than they."""

    window: int = 15
    """Side of the square in which something should be dark, in pixels."""
    omega: float = 0.95
    """Share of the haze found that is removed: some belongs to a view."""
    floor: float = 0.1
    """Least transmission: where less comes through, noise would be amplified."""
    radius: int = 30
    """Of the guided filter, in pixels; 0: the transmission is not refined."""
    eps: float = 1e-3
    """Variance of the guide, relative to A, below which a place counts as flat."""
    scalar_light: bool = False
    """One A for all bands, the mean of the brightest pixel's: it does not change colours, nor mend a blue haze."""

    def __post_init__(self) -> None:
        if self.window < 1:
            raise OptionError(f"haze: the window must be 1 pixel at the least, got {self.window}")
        if self.radius < 0:
            raise OptionError(f"haze: the radius must be 0 (no refinement) or more pixels, got {self.radius}")
        if not 0 < self.omega <= 1:
            raise OptionError(f"haze: omega must be above 0 and at most 1, got {self.omega}")
        if not 0 < self.floor <= 1:
            raise OptionError(f"haze: the floor must be above 0 and at most 1, got {self.floor}")
        if not 0 < self.eps < math.inf:
            raise OptionError(f"haze: eps must be above 0, got {self.eps}")

    @property
    def reach(self) -> int:
        """Pixels that a pixel's result depends on, up, down, left and right, A aside."""
        return self.window // 2 + 2 * self.radius
