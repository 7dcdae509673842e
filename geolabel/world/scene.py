"""What the world hands out: two dated scenes and one volunteers' map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from shapely import LineString

    from geolabel.world.arrays import Codes, Ids, Mask


@dataclass(frozen=True, slots=True)
class Scene:
    """One satellite acquisition together with the truth below it."""

    image: npt.NDArray[np.uint16]
    """Surface reflectance x 10 000, (4, rows, cols) in the order of ``BANDS``; 0 = no data."""
    truth: Codes
    """Class code of every pixel, (rows, cols), also under cloud and outside the swath."""
    valid: Mask
    """False outside the satellite's swath, (rows, cols)."""
    cloud: Mask
    """True under opaque cloud, (rows, cols)."""
    shadow: Mask
    """True in the shadow of a cloud and not under one, (rows, cols)."""

    def __post_init__(self) -> None:
        """Refuse layers that do not lie on one grid."""
        grid = self.truth.shape
        for name in ("valid", "cloud", "shadow"):
            if getattr(self, name).shape != grid:
                found = getattr(self, name).shape
                raise OptionError(f"scene: {name} is {found}, truth is {grid}")
        if self.image.shape != (4, *grid):
            raise OptionError(f"scene: image is {self.image.shape}, expected {(4, *grid)}")


@dataclass(frozen=True, slots=True)
class World:
    """Two dates of one place, and the map that volunteers drew of the first."""

    before: Scene
    after: Scene
    mapped: Ids
    """Mapped object at each pixel of the before date, (rows, cols); 0 = nobody mapped it."""
    mapped_class: Codes
    """Class code that the volunteers gave each object, (objects + 1,); entry 0 is 0."""
    roads: tuple[LineString, ...]
    """Mapped roads, pixel coordinates (x = col, y = row, pixel centres at +0.5)."""

    def __post_init__(self) -> None:
        """Refuse object numbers without a class."""
        if int(self.mapped.max()) >= len(self.mapped_class):
            raise OptionError(
                f"world: object {int(self.mapped.max())} has no class, the table ends at {len(self.mapped_class) - 1}"
            )
